package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/cmd/settled/config"
)

// environment is what the tests' files refer to.
var environment = map[string]string{
	"SHOP_TOKEN":           "token-of-the-shop",
	"CLASSIC_APP_SECRET":   "secret-of-the-app",
	"CLASSIC_PAY_SIGN_KEY": "key-that-signs",
	"CLASSIC_PARTNER_KEY":  "key-of-the-partner",
	"SHOP2_API_KEY":        "key-of-the-second",
	"SHOP3_API_V3_KEY":     "0123456789abcdef0123456789abcdef",
	"SHOP3_OLD_API_V3_KEY": "ABCDEF0123456789ABCDEF0123456789",
	"EMPTY":                "",
	"REPLICAS":             "3",
	"SECRETS":              "secrets",
	"TRUE":                 "true",
	"TEMPLATE":             "file:/never ${NEVER}",
}

func lookup(name string) (string, bool) {
	value, ok := environment[name]
	return value, ok
}

func readFile(path string) ([]byte, error) {
	if text, there := files()[path]; there {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func parse(text string) (*config.Config, error) {
	return config.Parse("settled.yaml", []byte(text), lookup, readFile)
}

func mustParse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// revealed makes what is hidden comparable.
var revealed = cmp.Options{
	cmp.Transformer("secret", config.Secret.Reveal),
	cmp.Transformer("url", config.URL.Reveal),
}

func minutes(list ...float64) []time.Duration {
	var durations []time.Duration
	for _, m := range list {
		durations = append(durations, time.Duration(m*float64(time.Minute)))
	}
	return durations
}

// whole is what testdata/whole.yaml, which says everything, says.
func whole() *config.Config {
	return &config.Config{
		NATS:     config.NATS{URL: config.NewURL("nats://127.0.0.1:4222"), InboxPrefix: "_INBOX", Replicas: 1, MaxMessages: 4_000_000},
		Postgres: config.Postgres{URL: config.NewURL("postgres://settled@127.0.0.1:5432/settled?sslmode=disable")},
		Redis:    config.Redis{URL: config.NewURL("redis://127.0.0.1:6379/0")},
		Ingress: config.Ingress{
			Listen: "127.0.0.1:8080", PublicURL: "https://pay.example.com",
			Tokens: []config.Token{{
				Name: "shop-backend", Token: config.NewSecret("token-of-the-shop"),
				Merchants: []string{"classic", "shop2", "shop3"}, Rate: 2000,
			}},
		},
		Admin:    config.Admin{Listen: "127.0.0.1:8081"},
		Payments: config.Payments{TTL: 30 * time.Minute, QuerySchedule: minutes(1./12, .5, 1, 3, 5, 10, 30), InFlight: 512, Journal: 168 * time.Hour},
		Traces: config.Traces{
			Endpoint: "http://127.0.0.1:4318", Sample: .25,
			Headers: map[string]config.Secret{"authorization": config.NewSecret("Bearer secrets")},
		},
		Merchants: map[string]config.Merchant{
			"classic": {
				Name: "classic", Protocol: "legacy", Endpoint: "https://api.weixin.qq.com", AppID: "wxd930ea5d5a258f4f",
				Legacy: &config.Legacy{
					AppSecret: config.NewSecret("secret-of-the-app"), PaySignKey: config.NewSecret("key-that-signs"),
					PartnerID: "1900000109", PartnerKey: config.NewSecret("key-of-the-partner"), TokenDailyQuota: 200,
				},
			},
			"shop2": {
				Name: "shop2", Protocol: "v2", Endpoint: "https://api.mch.weixin.qq.com",
				BackupEndpoint: "https://api2.mch.weixin.qq.com", AppID: "wx2421b1c4370ec43b",
				V2: &config.V2{
					MchID: "10000100", APIKey: config.NewSecret("key-of-the-second"), SignType: "HMAC-SHA256",
					ClientCertificate: "/etc/settled/shop2.pem", ClientKey: "/etc/settled/shop2.key", Rate: 500,
				},
			},
			"shop3": {
				Name: "shop3", Protocol: "v3", Endpoint: "https://api.mch.weixin.qq.com",
				BackupEndpoint: "https://api2.mch.weixin.qq.com", AppID: "wxd678efh567hg6787",
				V3: &config.V3{
					MchID: "1900007291", APIV3Key: config.NewSecret("0123456789abcdef0123456789abcdef"),
					PrivateKey: "/etc/settled/shop3.key", CertificateSerial: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
					PublicKeyID: "PUB_KEY_ID_0000000000", PublicKey: "/etc/settled/wechatpay_pub.pem", Rate: 300,
					AlsoVerify: config.AlsoVerify[config.V3Keys]{Given: true, Keys: []config.V3Keys{
						{PublicKeyID: "PUB_KEY_ID_1111111111", PublicKey: "/etc/settled/wechatpay_old.pem"},
						{APIV3Key: config.NewSecret("ABCDEF0123456789ABCDEF0123456789")},
					}},
				},
			},
		},
	}
}

func TestWholeFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole(), mustParse(t, string(data)), revealed); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "settled.yaml")
	if _, err := config.Load(path, lookup); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want ErrNotExist with the path", err)
	}
}

// least is a file that says only what has no default.
const least = `
ingress: {public_url: "https://pay.example.com"}
merchants:
  a: {protocol: legacy, app_id: wx1, app_secret: &first s1, pay_sign_key: s2, partner_id: "1", partner_key: s3}
  b: {protocol: v2, app_id: wx1, mch_id: "2", api_key: s4}
  c: {protocol: v3, app_id: wx1, mch_id: "3", api_v3_key: "${SHOP3_API_V3_KEY}", private_key: /k, certificate_serial: 4F}
`

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := whole()
	want.Ingress.Tokens = nil
	want.Merchants = map[string]config.Merchant{
		"a": {
			Name: "a", Protocol: "legacy", Endpoint: "https://api.weixin.qq.com", AppID: "wx1",
			Legacy: &config.Legacy{
				AppSecret: config.NewSecret("s1"), PaySignKey: config.NewSecret("s2"),
				PartnerID: "1", PartnerKey: config.NewSecret("s3"), TokenDailyQuota: 200,
			},
		},
		"b": {
			Name: "b", Protocol: "v2", Endpoint: "https://api.mch.weixin.qq.com",
			BackupEndpoint: "https://api2.mch.weixin.qq.com", AppID: "wx1",
			V2: &config.V2{MchID: "2", APIKey: config.NewSecret("s4"), SignType: "HMAC-SHA256", Rate: 500},
		},
		"c": {
			Name: "c", Protocol: "v3", Endpoint: "https://api.mch.weixin.qq.com",
			BackupEndpoint: "https://api2.mch.weixin.qq.com", AppID: "wx1",
			V3: &config.V3{
				MchID: "3", APIV3Key: config.NewSecret("0123456789abcdef0123456789abcdef"),
				PrivateKey: "/k", CertificateSerial: "4F", Rate: 500,
			},
		},
	}
	want.Traces = config.Traces{Sample: .01, Headers: map[string]config.Secret{}}
	if diff := cmp.Diff(want, mustParse(t, least), revealed); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

// What the file says of former keys is all that still verifies; saying nothing and saying
// none are two things.
func TestVerifyAlso(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		says  string
		given bool
		keys  []string
	}{
		"nothing":  {"", false, nil},
		"none":     {", verify_also: []", true, nil},
		"two keys": {", verify_also: [{api_key: k1}, {api_key: k2}]", true, []string{"k1", "k2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			also := mustParse(t, strings.Replace(least, "api_key: s4", "api_key: s4"+row.says, 1)).Merchants["b"].V2.AlsoVerify
			var keys []string
			for _, k := range also.Keys {
				keys = append(keys, k.APIKey.Reveal())
			}
			if also.Given != row.given || !cmp.Equal(keys, row.keys) {
				t.Errorf("got %t and %v", also.Given, keys)
			}
		})
	}
}

func TestNullIsTheDefault(t *testing.T) {
	t.Parallel()
	cfg := mustParse(t, least+"nats:\nredis: {url: }\npayments: {ttl: ~, query_schedule: }\n")
	if diff := cmp.Diff(mustParse(t, least), cfg, revealed); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestBackupBelongsToItsEndpoint(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ says, endpoint, backup string }{
		"WeChat's own":       {"", "https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"},
		"WeChat's own, said": {", endpoint: 'https://api.mch.weixin.qq.com/'", "https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"},
		"none wanted":        {", backup_endpoint: ''", "https://api.mch.weixin.qq.com", ""},
		"a simulator":        {", endpoint: 'http://127.0.0.1:9000/v2/'", "http://127.0.0.1:9000/v2", ""},
		"two simulators": {
			", endpoint: 'http://127.0.0.1:9000', backup_endpoint: 'http://127.0.0.1:9001/'",
			"http://127.0.0.1:9000", "http://127.0.0.1:9001",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mustParse(t, strings.Replace(least, "api_key: s4", "api_key: s4"+row.says, 1)).Merchants["b"]
			if m.Endpoint != row.endpoint || m.BackupEndpoint != row.backup {
				t.Errorf("got %q and %q, want %q and %q", m.Endpoint, m.BackupEndpoint, row.endpoint, row.backup)
			}
		})
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ written, want string }{
		"a variable":                       {`"${SHOP_TOKEN}"`, "token-of-the-shop"},
		"in the middle":                    {`"a-${REPLICAS}-${REPLICAS}-b"`, "a-3-3-b"},
		"escaped":                          {`"$${SHOP_TOKEN} ${REPLICAS}"`, "${SHOP_TOKEN} 3"},
		"a dollar alone":                   {`a$b$`, "a$b$"},
		"a dollar before a variable":       {`"$-${REPLICAS}"`, "$-3"},
		"a file":                           {`file:/run/secrets/key`, "key-in-a-file"},
		"a file named by a variable":       {`"file:/run/${SECRETS}/key"`, "key-in-a-file"},
		"nothing is expanded twice":        {`"${TEMPLATE}"`, "file:/never ${NEVER}"},
		"a file counts as a whole alone":   {`a file:/run/secrets/key`, "a file:/run/secrets/key"},
		"an alias stands for what it says": {`*first `, "s1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(least, "pay_sign_key: s2", "pay_sign_key: "+row.written, 1)
			if got := mustParse(t, text).Merchants["a"].Legacy.PaySignKey.Reveal(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestVariableForANumber(t *testing.T) {
	t.Parallel()
	text := strings.Replace(least, "partner_key: s3", "partner_key: s3, deliver_notify: '${TRUE}'", 1)
	cfg := mustParse(t, text+"nats: {replicas: '${REPLICAS}'}\npayments: {ttl: '${REPLICAS}h'}\n")
	if cfg.NATS.Replicas != 3 || cfg.Payments.TTL != 3*time.Hour || !cfg.Merchants["a"].Legacy.DeliverNotify {
		t.Errorf("got %d replicas, TTL %s, delivery %t", cfg.NATS.Replicas, cfg.Payments.TTL, cfg.Merchants["a"].Legacy.DeliverNotify)
	}
}
