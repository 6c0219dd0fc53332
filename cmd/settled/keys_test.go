package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"settled/cmd/settled/config"
	"settled/store/hints"
	"settled/wechat/simulator"
)

// What a switch would break is read off what has verified lately.
func TestKeysSayWhatASwitchWouldBreak(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	merchant := config.Merchant{Name: "shop3", Protocol: "v3", V3: &config.V3{
		PublicKeyID: "PUB_KEY_ID_2",
		AlsoVerify:  config.AlsoVerify[config.V3Keys]{Given: true, Keys: []config.V3Keys{{PublicKeyID: "PUB_KEY_ID_1"}}},
	}}
	seen := func(key, what string, age time.Duration) hints.Sighting {
		return hints.Sighting{Key: key, What: what, Count: 3, Last: now.Add(-age)}
	}
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		seen []hints.Sighting
		want map[string]bool // by the beginning of the change: does it break?
	}{
		"nothing yet": {nil, map[string]bool{"the public key alone": false, "platform certificates alone": false, "PUB_KEY_ID_1": false}},
		"on the way": {
			[]hints.Sighting{seen("PUB_KEY_ID_2", "notify", time.Hour), seen("7132D7", "notify", 2*time.Hour)},
			map[string]bool{"the public key alone": true, "platform certificates alone": true, "PUB_KEY_ID_1": false},
		},
		"arrived": {
			[]hints.Sighting{seen("PUB_KEY_ID_2", "answer", time.Hour), seen("7132D7", "notify", 8*day), seen("PUB_KEY_ID_1", "notify", day)},
			map[string]bool{"the public key alone": false, "platform certificates alone": true, "PUB_KEY_ID_1": true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := reportKeys(merchant, test.seen, now)
			for change, breaks := range test.want {
				found := false
				for _, s := range report.Switches {
					if strings.HasPrefix(s.Change, change) {
						found = true
						if s.Breaks != breaks {
							t.Errorf("%s breaks: %t (%s)", s.Change, s.Breaks, s.Why)
						}
					}
				}
				if !found {
					t.Errorf("nothing is said about %s", change)
				}
			}
		})
	}
}

func TestKeysNameTheMerchantThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	got := settledRuns(t.Context(), "keys", "--config", w.file, "shop4")
	if got.code != exitUsage || !strings.Contains(got.err, `"shop4"`) {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

// certified writes a self-made certificate with its key and returns the two files.
func certified(t *testing.T, key *rsa.PrivateKey, serial int64, name string, until time.Time) (certificate, private string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certificate, private = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	if err := writePEM(certificate, "CERTIFICATE", der, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writePrivateKey(private, key); err != nil {
		t.Fatal(err)
	}
	return certificate, private
}

// The key files are looked at without asking anybody.
func TestCheckLooksAtTheKeyFiles(t *testing.T) {
	t.Parallel()
	keys := testKeys()
	year := time.Now().Add(365 * 24 * time.Hour)
	good, private := certified(t, keys[0], 0x4F, "1900007291", year)
	other, _ := certified(t, keys[2], 0x4F, "1900007291", year)
	ended, endedKey := certified(t, keys[0], 0x4F, "1900007291", time.Now().Add(-time.Minute))
	public := publicKeyFile(t, keys[1])
	v3 := func(change func(*config.V3)) config.Merchant {
		c := config.V3{
			MchID: "1900007291", PrivateKey: private, CertificateSerial: "4F", Certificate: good, PublicKeyID: "PUB_KEY_ID_1", PublicKey: public,
		}
		change(&c)
		return config.Merchant{V3: &c}
	}
	v2 := func(certificate, key, number string) config.Merchant {
		return config.Merchant{V2: &config.V2{MchID: number, ClientCertificate: certificate, ClientKey: key}}
	}
	for name, test := range map[string]struct {
		merchant config.Merchant
		wrong    string // empty: all is right
		says     string
	}{
		"all right":                    {v3(func(*config.V3) {}), "", "364 days left"},
		"another serial":               {v3(func(c *config.V3) { c.CertificateSerial = "50" }), "its serial is 4F", ""},
		"another key":                  {v3(func(c *config.V3) { c.Certificate = other }), "private_key is not its key", ""},
		"a certificate that has ended": {v3(func(c *config.V3) { c.Certificate = ended }), "it is good from", ""},
		"no private key":               {v3(func(c *config.V3) { c.PrivateKey = "/nowhere" }), "/nowhere", ""},
		"a public key for a private":   {v3(func(c *config.V3) { c.PrivateKey = public }), "no PEM block of the right type", ""},
		"an id without its beginning":  {v3(func(c *config.V3) { c.PublicKeyID = "0000" }), "begins with PUB_KEY_ID_", ""},
		"a private key for a public":   {v3(func(c *config.V3) { c.PublicKey = private }), "no PEM block of the right type", ""},
		"client certificate":           {v2(good, private, "1900007291"), "", "days left"},
		"of another merchant":          {v2(good, private, "1900007292"), "issued to", ""},
		"with another's key":           {v2(other, private, "1900007291"), "private key does not match", ""},
		"one that has ended":           {v2(ended, endedKey, "1900007291"), "it is good from", ""},
		"no certificate for refunds":   {config.Merchant{V2: &config.V2{}}, "", ""},
		"legacy has no files":          {config.Merchant{Legacy: &config.Legacy{}}, "", ""},
		"further keys are looked at too": {v3(func(c *config.V3) {
			c.AlsoVerify.Keys = []config.V3Keys{{PublicKeyID: "PUB_KEY_ID_2", PublicKey: "/gone"}}
		}), "/gone", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, wrong := "", ""
			for _, f := range keyFindings(test.merchant, time.Now()) {
				said += f.what + "\n"
				if f.err != nil {
					wrong += fmt.Sprintln(f.what, f.err)
				}
			}
			if (wrong == "") != (test.wrong == "") || !strings.Contains(wrong, test.wrong) || !strings.Contains(said, test.says) {
				t.Errorf("said %q, wrong %q", said, wrong)
			}
		})
	}
}

// Against WeChat itself: every merchant answers, and the platform certificates are shown.
func TestCheckAsksWeChatForEveryMerchant(t *testing.T) {
	t.Parallel()
	shop3 := simulatedShop3()
	shop3.KeyMode, shop3.WechatKeyID = simulator.PlatformCertificates, "7132D72A03E93CDDF8C03BBD1F37EEDF"
	w := newWorld(t, worldConfig{shop3: shop3})
	got := settledRuns(t.Context(), "check", "--config", w.file)
	for _, line := range []string{
		"right  merchant classic\n", "right  merchant shop2\n", "right  merchant shop3\n", "right  merchant shop3 private_key, 2048 bits\n",
		"right  merchant shop3 platform certificate 7132D72A03E93CDDF8C03BBD1F37EEDF, 182",
	} {
		if !strings.Contains(got.out, line) {
			t.Errorf("check does not say %q:\n%s", line, got.out)
		}
	}
}
