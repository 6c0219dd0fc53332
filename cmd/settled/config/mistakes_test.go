package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/cmd/settled/config"
)

// in returns testdata/whole.yaml with one text put for another.
func in(t *testing.T, old, now string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(data), old) != 1 {
		t.Fatalf("%q does not stand in whole.yaml exactly once", old)
	}
	return strings.Replace(string(data), old, now, 1)
}

// mistakes lists the problems in err, without the name of the file.
func mistakes(err error) []string {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return nil
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, strings.TrimPrefix(p.String(), "settled.yaml:"))
	}
	return lines
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		old, now string
		want     string // each problem in a line of its own
	}{
		"unknown section": {
			"admin:", "adnim:", "16: adnim: is not a known key; is admin meant?",
		},
		"unknown key": {
			"    sign_type: HMAC-SHA256", "    sing_type: HMAC-SHA256",
			"40: merchants.shop2.sing_type: is not a known key; is sign_type meant?",
		},
		"traces": {
			"traces:\n  endpoint: http://127.0.0.1:4318/\n  sample: 0.25\n  headers: {authorization: \"Bearer ${SECRETS}\"}",
			"traces:\n  endpoint: 127.0.0.1:4318\n  sample: 1.5\n  headers: {\"a b\": c, d: \"e\\nf\", g: \"\"}\n  simple: 1",
			"58: traces.endpoint: must be a URL such as https://pay.example.com\n" +
				"59: traces.sample: must be a number from 0 to 1\n" +
				"60: traces.headers.a b: is no name of an HTTP header\n" +
				"60: traces.headers.d: must be one line\n" +
				"60: traces.headers.g: is empty\n" +
				"61: traces.simple: is not a known key; is sample meant?",
		},
		"a sample that is no number": {
			"  sample: 0.25", "  sample: much", "59: traces.sample: must be a number from 0 to 1, is a string",
		},
		"unknown key far from all": {
			"  replicas: 1 ", "  cluster_size: 1 ", "5: nats.cluster_size: is not a known key",
		},
		"key in capitals": {
			"  ttl: 30m", "  TTL: 30m", "19: payments.TTL: is not a known key",
		},
		"key of another protocol": {
			"    token_api: token", "    mch_id: '1'", "30: merchants.classic.mch_id: is not a key of protocol legacy",
		},
		"legacy key at v3": {
			"    public_key_id: PUB_KEY_ID_0000000000\n    public_key: /etc/settled/wechatpay_pub.pem", "    partner_key: x",
			"51: merchants.shop3.partner_key: is not a key of protocol v3",
		},
		"merge key": {
			"  replicas: 1 ", "  <<: {replicas: 1} ", "5: nats.<<: is not a known key",
		},
		"key twice": {
			"  url: redis://127.0.0.1:6379/0", "  url: redis://a\n  url: redis://b",
			"10: redis.url: stands twice, first in line 9",
		},
		"merchant twice": {
			"  shop3:\n", "  shop2:\n", "15: ingress.tokens[0].merchants[2]: there is no such merchant; is shop2 meant?\n" +
				"43: merchants.shop2: stands twice, first in line 33",
		},
		"section that is a string": {
			"redis:\n  url: redis://127.0.0.1:6379/0", "redis: redis://127.0.0.1:6379/0",
			"8: redis: must be a mapping, is a string",
		},
		"key that is a list": {
			"  replicas: 1 ", "  [replicas]: 1 ", "5: nats: a key must be a string, is a list",
		},
		"number for a string": {
			`partner_id: "1900000109"`, `partner_id: 1900000109`,
			"28: merchants.classic.partner_id: must be a string, is an integer: put it in quotes",
		},
		"mapping for a string": {
			"public_url: https://pay.example.com", "public_url: {url: https://pay.example.com}",
			"12: ingress.public_url: must be a string, is a mapping",
		},
		"string for an integer": {
			"replicas: 1", "replicas: one", "5: nats.replicas: must be an integer from 1 to 5, is a string",
		},
		"integer out of range": {
			"replicas: 1", "replicas: 7", "5: nats.replicas: must be an integer from 1 to 5",
		},
		"fraction for an integer": {
			"token_daily_quota: 200", "token_daily_quota: 2.5",
			"31: merchants.classic.token_daily_quota: must be an integer from 1 to 1000000, is a number",
		},
		"string for a boolean": {
			"deliver_notify: false", "deliver_notify: no",
			"32: merchants.classic.deliver_notify: must be true or false, is a string",
		},
		"variable that is no boolean": {
			"deliver_notify: false", "deliver_notify: ${REPLICAS}",
			"32: merchants.classic.deliver_notify: must be true or false",
		},
		"integer for a duration": {
			"ttl: 30m", "ttl: 30", "19: payments.ttl: must be a duration such as 30m or 5s, is an integer",
		},
		"no unit that is known": {
			"ttl: 30m", "ttl: 30 minutes", "19: payments.ttl: must be a duration such as 30m or 5s, longer than nothing",
		},
		"no time at all": {
			"ttl: 30m", "ttl: 0s", "19: payments.ttl: must be a duration such as 30m or 5s, longer than nothing",
		},
		"schedule that falls": {
			"1m, 3m, 5m", "1m, 30s, 5m", "20: payments.query_schedule[3]: must be longer than the one before it",
		},
		"empty schedule": {
			"[5s, 30s, 1m, 3m, 5m, 10m, 30m]", "[]", "20: payments.query_schedule: must have at least one item",
		},
		"schedule that is no list": {
			"[5s, 30s, 1m, 3m, 5m, 10m, 30m]", "5s", "20: payments.query_schedule: must be a list, is a string",
		},
		"list that is a mapping": {
			`    - {name: shop-backend, token: "${SHOP_TOKEN}", merchants: [classic, shop2, shop3]}`, `    {name: x}`,
			"14: ingress.tokens: must be a list, is a mapping",
		},
		"no choice": {
			"acknowledge: committed", "acknowledge: never", "13: ingress.acknowledge: must be committed or stored",
		},
		"unknown protocol": {
			"protocol: v2", "protocol: v4", "34: merchants.shop2.protocol: must be legacy, v2 or v3",
		},
		"missing protocol": {
			"    protocol: v3\n", "", "43: merchants.shop3.protocol: is missing",
		},
		"missing secret": {
			`    app_secret: "${CLASSIC_APP_SECRET}"` + "\n", "", "22: merchants.classic.app_secret: is missing",
		},
		"secret that is null": {
			`app_secret: "${CLASSIC_APP_SECRET}"`, "app_secret:", "26: merchants.classic.app_secret: is missing",
		},
		"empty secret": {
			"${SHOP2_API_KEY}", "", "39: merchants.shop2.api_key: is empty",
		},
		"empty variable": {
			"${SHOP2_API_KEY}", "${EMPTY}", "39: merchants.shop2.api_key: is empty",
		},
		"variable that is not set": {
			"${SHOP2_API_KEY}", "${SHOP2_KEY}", "39: merchants.shop2.api_key: environment variable SHOP2_KEY is not set",
		},
		"two variables that are not set": {
			"${SHOP2_API_KEY}", "${ONE}${TWO}",
			"39: merchants.shop2.api_key: environment variable ONE is not set\n" +
				"39: merchants.shop2.api_key: environment variable TWO is not set",
		},
		"variable without an end": {
			"${SHOP2_API_KEY}", "${SHOP2_API_KEY",
			"39: merchants.shop2.api_key: ${ must be followed by a variable's name and }; write $${ where no variable is meant",
		},
		"variable without a name": {
			"${SHOP2_API_KEY}", "${}",
			"39: merchants.shop2.api_key: ${ must be followed by a variable's name and }; write $${ where no variable is meant",
		},
		"file that can't be read": {
			`"${SHOP2_API_KEY}"`, "file:/run/secrets/none",
			"39: merchants.shop2.api_key: the file it names can't be read: open /run/secrets/none: file does not exist",
		},
		"file of nowhere": {
			`"${SHOP2_API_KEY}"`, "file:secrets/key", `39: merchants.shop2.api_key: "file:" must be followed by an absolute path`,
		},
		"content where a path belongs": {
			"/etc/settled/shop3.key", "file:/etc/settled/shop3.key",
			`49: merchants.shop3.private_key: is the path of a file already: leave "file:" out`,
		},
		"empty path": {
			"/etc/settled/shop3.key", `""`, "49: merchants.shop3.private_key: is empty",
		},
		"key of a wrong length": {
			`"${SHOP3_API_V3_KEY}"`, "short", "48: merchants.shop3.api_v3_key: must have 32 bytes",
		},
		"certificate without its key": {
			"    client_key: /etc/settled/shop2.key\n", "",
			"33: merchants.shop2.client_key: must be there when client_certificate is",
		},
		"public key without its id": {
			"public_key_id: PUB_KEY_ID_0000000000", `public_key_id: ""`,
			"51: merchants.shop3.public_key_id: must be there when public_key is",
		},
		"former key without a key": {
			"{api_v3_key: \"${SHOP3_OLD_API_V3_KEY}\"}", "{}",
			"56: merchants.shop3.verify_also[1]: must have public_key_id with public_key, or api_v3_key",
		},
		"former key of another protocol": {
			"{api_v3_key: \"${SHOP3_OLD_API_V3_KEY}\"}", "{api_v3_key: \"${SHOP3_OLD_API_V3_KEY}\", api_key: x}",
			"56: merchants.shop3.verify_also[1].api_key: is not a known key",
		},
		"name of a merchant": {
			"  shop3:\n", "  shop 3:\n",
			"15: ingress.tokens[0].merchants[2]: there is no such merchant; is shop 3 meant?\n" +
				"43: merchants.shop 3: a merchant's name has 1 to 64 letters, digits, _ and -",
		},
		"merchant nobody knows": {
			"[classic, shop2, shop3]", "[clasic, elsewhere]",
			"15: ingress.tokens[0].merchants[0]: there is no such merchant; is classic meant?\n" +
				"15: ingress.tokens[0].merchants[1]: there is no such merchant",
		},
		"token without merchants": {
			", merchants: [classic, shop2, shop3]", "", "15: ingress.tokens[0].merchants: is missing",
		},
		"token and name of another": {
			"[classic, shop2, shop3]}", "[shop3]}\n    - {name: shop-backend, token: token-of-the-shop, merchants: [shop2]}",
			"16: ingress.tokens[1].name: is the same as that of ingress.tokens[0]\n" +
				"16: ingress.tokens[1].token: is the same as that of ingress.tokens[0]",
		},
		"no public URL": {
			"  public_url: https://pay.example.com\n", "", "10: ingress.public_url: is missing",
		},
		"public URL without a scheme": {
			"https://pay.example.com", "pay.example.com", "12: ingress.public_url: must be a URL such as https://pay.example.com",
		},
		"public URL without a host": {
			"https://pay.example.com", "https:///pay", "12: ingress.public_url: must be a URL such as https://pay.example.com",
		},
		"public URL with a query": {
			"https://pay.example.com", "https://pay.example.com?", "12: ingress.public_url: must not have a query or a fragment",
		},
		"public URL with a password": {
			"https://pay.example.com", "https://u:hunter2@pay.example.com",
			"12: ingress.public_url: must not carry a user or a password",
		},
		"backup that is no URL": {
			"https://api2.mch.weixin.qq.com", "api2",
			"36: merchants.shop2.backup_endpoint: must be a URL such as https://pay.example.com",
		},
		"another kind of server": {
			"postgres://settled@127.0.0.1:5432/settled?sslmode=disable", "mysql://u:hunter2@127.0.0.1",
			"7: postgres.url: must be a URL that starts with postgres:// or postgresql://",
		},
		"one server of many": {
			"nats://127.0.0.1:4222", "nats://a:4222,http://b:4222",
			"2: nats.url: must be a URL that starts with nats:// or tls:// or ws:// or wss://",
		},
		"a port that does not exist": {
			"postgres://settled@127.0.0.1:5432/settled?sslmode=disable", "postgres://u:hunter2@127.0.0.1:99999999/settled",
			"7: postgres.url: must have a port from 1 to 65535",
		},
		"a port of many": {
			"nats://127.0.0.1:4222", "nats://a:4222,nats://b:0", "2: nats.url: must have a port from 1 to 65535",
		},
		"a port that is no number": {
			"redis://127.0.0.1:6379/0", "redis://:hunter2@127.0.0.1:first/0",
			"9: redis.url: is no URL: a port is a number, and /, ?, #, @ and % of a password are written %2F, %3F, %23, %40 and %25",
		},
		"an escape of nothing": {
			"postgres://settled@127.0.0.1:5432/settled?sslmode=disable", "postgres://u:hunter%zz@127.0.0.1/settled",
			"7: postgres.url: has a % without two hexadecimal digits after it: % itself is written %25",
		},
		"a way of TLS that is none": {
			"sslmode=disable", "sslmode=off",
			"7: postgres.url: has a parameter sslmode that must be disable, allow, prefer, require, verify-ca or verify-full",
		},
		"a database that is no number": {
			"redis://127.0.0.1:6379/0", "redis://127.0.0.1/hints", "9: redis.url: must end with the number of a database, such as /0",
		},
		"a socket without a file": {
			"redis://127.0.0.1:6379/0", "unix://", "9: redis.url: must name the socket's file, such as unix:///run/redis/redis.sock",
		},
		"credentials that are not there": {
			`credentials: "" `, `credentials: /nowhere.creds `,
			"3: nats.credentials: the file it names can't be read: open /nowhere.creds: file does not exist",
		},
		"key file that is not there": {
			"/etc/settled/shop3.key", "/nowhere.key",
			"49: merchants.shop3.private_key: the file it names can't be read: open /nowhere.key: file does not exist",
		},
		"key where its path belongs": {
			"/etc/settled/shop3.key", "hunter2", "49: merchants.shop3.private_key: the file it names can't be read: file does not exist",
		},
		"variable without a path": {
			"/etc/settled/shop3.key", "${EMPTY}", "49: merchants.shop3.private_key: is empty",
		},
		"key file without PEM": {
			"/etc/settled/shop3.key", "/run/secrets/key", "49: merchants.shop3.private_key: the file it names holds no private key in PEM",
		},
		"public key for a private one": {
			"/etc/settled/shop3.key", "/etc/settled/wechatpay_pub.pem",
			"49: merchants.shop3.private_key: the file it names holds no private key in PEM",
		},
		"key cut in half": {
			"/etc/settled/shop3.key", "/keys/half",
			"49: merchants.shop3.private_key: the file it names holds a private key that can't be parsed",
		},
		"key of another kind": {
			"/etc/settled/shop3.key", "/keys/elliptic",
			"49: merchants.shop3.private_key: the file it names holds a key that is not RSA with 2048 bits or more",
		},
		"private key for WeChat's": {
			"/etc/settled/wechatpay_pub.pem", "/etc/settled/shop3.key",
			"52: merchants.shop3.public_key: the file it names holds no public key in PEM",
		},
		"former key that is not there": {
			"/etc/settled/wechatpay_old.pem", "/gone.pem",
			"55: merchants.shop3.verify_also[0].public_key: the file it names can't be read: open /gone.pem: file does not exist",
		},
		"certificate that is not there": {
			"/etc/settled/shop2.pem", "/nowhere.pem",
			"41: merchants.shop2.client_certificate: the file it names can't be read: open /nowhere.pem: file does not exist",
		},
		"certificate with another's key": {
			"/etc/settled/shop2.key", "/keys/other",
			"41: merchants.shop2.client_certificate: is no pair with client_key: tls: private key does not match public key",
		},
		"listen without a port": {
			"127.0.0.1:8080", "127.0.0.1", "11: ingress.listen: must be host:port, such as 127.0.0.1:8080",
		},
		"port that does not exist": {
			"127.0.0.1:8081", "127.0.0.1:65536", "17: admin.listen: must be host:port, such as 127.0.0.1:8080",
		},
		"inbox that would match": {
			`prefix: "" `, `inbox_prefix: "_INBOX.>" `, `4: nats.inbox_prefix: must not have spaces, *, >, /, \ or $`,
		},
		"date for a string": {
			`mch_id: "10000100"`, `mch_id: 2026-01-01`, "38: merchants.shop2.mch_id: must be a string, is a date: put it in quotes",
		},
		"type of its own": {
			`mch_id: "10000100"`, `mch_id: !mine x`, "38: merchants.shop2.mch_id: must be a string, is of a type of its own: put it in quotes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(in(t, row.old, row.now))
			if diff := cmp.Diff(strings.Split(row.want, "\n"), mistakes(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// A prefix that makes no subject or no stream's name would be waited for without end.
func TestPrefix(t *testing.T) {
	t.Parallel()
	good := []string{"", "staging.", "staging", "staging-", "eu.staging_2.", "9", strings.Repeat("a", 128)}
	bad := []string{".", "..", ".x", "x..", "a..b", "a b", " a", "a*", "a.>", "$a", "a/b", `a\b`, "é", "a\n", strings.Repeat("a", 129)}
	for _, text := range good {
		if _, err := parse(in(t, `prefix: "" `, fmt.Sprintf("prefix: %q ", text))); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range bad {
		_, err := parse(in(t, `prefix: "" `, fmt.Sprintf("prefix: %q ", text)))
		if problems := mistakes(err); len(problems) != 1 || !strings.HasPrefix(problems[0], "4: nats.prefix: must have ") {
			t.Errorf("%q: %v", text, problems)
		}
	}
}

func TestFilesThatAreNoConfiguration(t *testing.T) {
	t.Parallel()
	const (
		nothing  = "1: merchants: at least one merchant is needed\n1: ingress.public_url: is missing"
		brackets = "is not YAML: did not find expected ',' or "
		public   = "ingress: {public_url: 'http://a'}\n"
	)
	for name, row := range map[string]struct{ text, want string }{
		"empty":             {"", nothing},
		"a comment":         {"# nothing yet\n", nothing},
		"a marker alone":    {"---\n", nothing},
		"a list":            {"- nats\n", "1: must be a mapping, is a list"},
		"merchants, a list": {public + "merchants: [a]\n", "2: merchants: must be a mapping, is a list"},
		"merchants, none":   {public + "merchants: {}\n", "2: merchants: at least one merchant is needed"},
		"two documents":     {least + "---\nnats: {}\n", "7: must be one document: a second one starts here"},
		"a broken second":   {least + "---\n: : :\n", "8: is not YAML: did not find expected key"},
		"open quote":        {"nats:\n  url: 'a\nredis:\n", "2: is not YAML: found unexpected end of stream"},
		"open bracket":      {"nats:\n  url: [a\nredis:\n", "2: " + brackets + "']'"},
		"open brace":        {"nats: {url: a\n", "1: " + brackets + "'}'"},
		"a step too far":    {"nats:\n  url: a\n   prefix: b\n", "3: is not YAML: mapping values are not allowed in this context"},
		"a step back":       {"nats:\n  url: a\n prefix: b\n", "3: is not YAML: did not find expected key"},
		"a tab":             {"nats:\n\turl: a\n", "2: is not YAML: found character that cannot start any token"},
		"a star":            {"redis:\n  url: *hunter2\n", "2: is not YAML: what starts with * must be put in quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(row.text)
			if diff := cmp.Diff(strings.Split(row.want, "\n"), mistakes(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := parse("nats: {replicas: 0, relicas: 1}\nadmin: {listen: here}\n" + least + "redis: []\n")
	want := `settled.yaml:1: nats.replicas: must be an integer from 1 to 5
settled.yaml:1: nats.relicas: is not a known key; is replicas meant?
settled.yaml:2: admin.listen: must be host:port, such as 127.0.0.1:8080
settled.yaml:9: redis: must be a mapping, is a list`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
