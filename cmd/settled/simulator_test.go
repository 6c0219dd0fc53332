package main

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/cmd/settled/config"
	"settled/wechat/simulator"
)

func TestSimulatorKnowsTheConfiguredMerchants(t *testing.T) {
	t.Parallel()
	got, err := simulated(&config.Config{Merchants: map[string]config.Merchant{
		"xml": {AppID: "wx2", V2: &config.V2{
			MchID: "1900000309", APIKey: config.NewSecret("0123456789abcdef0123456789abcdef"), SignType: "HMAC-SHA256",
		}},
		"classic": {AppID: "wx1", Legacy: &config.Legacy{
			AppSecret: config.NewSecret("a"), PaySignKey: config.NewSecret("b"), PartnerKey: config.NewSecret("c"),
			PartnerID: "1900000109", TokenDailyQuota: 7,
		}},
	}}, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []simulator.Merchant{
		{
			Name: "classic", Protocol: simulator.Legacy, AppID: "wx1", AppSecret: "a", PaySignKey: "b", PartnerKey: "c",
			PartnerID: "1900000109", TokenDailyQuota: 7,
		},
		{
			Name: "xml", Protocol: simulator.V2, AppID: "wx2", MchID: "1900000309",
			APIKey: "0123456789abcdef0123456789abcdef", SignType: simulator.HMACSHA256,
		},
	}
	if !slices.Equal(got, want) {
		t.Errorf("merchants are %+v, want %+v", got, want)
	}
}

func TestSimulatorKnowsTheDocumentedMerchants(t *testing.T) {
	t.Parallel()
	folder := keyFolder(t.TempDir())
	merchants, err := known("", folder)
	if err != nil {
		t.Fatal(err)
	}
	wechat, err := simulator.New(simulator.Config{Merchants: merchants, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	wechat.Close()
	modern := merchants[len(merchants)-1]
	if private, err := readPrivateKey(folder.path("classic-v3", "apiclient_key.pem")); err != nil || !private.PublicKey.Equal(modern.PublicKey) {
		t.Errorf("the merchant's private key is another: %v", err)
	}
	if public, err := readPublicKey("PUB_KEY_ID_1", folder.path("classic-v3", "wechatpay_public_key.pem")); err != nil || !public.Public.Equal(&modern.WechatKey.PublicKey) {
		t.Errorf("WeChat's public key is another: %v", err)
	}
	again, err := known("", folder)
	if err != nil || !again[len(again)-1].WechatKey.Equal(modern.WechatKey) || !again[len(again)-1].PublicKey.Equal(modern.PublicKey) {
		t.Errorf("the keys are others the next time: %v", err)
	}
}

// configuredV3 is a configuration with one APIv3 merchant, whose private key is there and
// WeChat's public key is not yet.
func configuredV3(t *testing.T) (*config.Config, *config.V3) {
	t.Helper()
	folder := keyFolder(t.TempDir())
	if _, err := folder.private("shop3", "shop.key"); err != nil {
		t.Fatal(err)
	}
	v3 := &config.V3{
		MchID: "1900007291", APIV3Key: config.NewSecret("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"),
		PrivateKey: folder.path("shop3", "shop.key"), CertificateSerial: "4F",
		PublicKeyID: "PUB_KEY_ID_7", PublicKey: folder.path("shop3", "wechat.pem"),
	}
	return &config.Config{Merchants: map[string]config.Merchant{"shop3": {AppID: "wx3", V3: v3}}}, v3
}

func TestSimulatorWritesThePublicKeyThatIsMissing(t *testing.T) {
	t.Parallel()
	for name, folder := range map[string]keyFolder{"kept": keyFolder(t.TempDir()), "not kept": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, v3 := configuredV3(t)
			merchants, err := simulated(cfg, folder)
			if err != nil {
				t.Fatal(err)
			}
			private, err := readPrivateKey(v3.PrivateKey)
			if err != nil {
				t.Fatal(err)
			}
			m := merchants[0]
			want := simulator.Merchant{
				Name: "shop3", Protocol: simulator.V3, AppID: "wx3", MchID: "1900007291", CertificateSerial: "4F",
				PublicKey: m.PublicKey, APIV3Key: "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb",
				KeyMode: simulator.PublicKey, WechatKey: m.WechatKey, WechatKeyID: "PUB_KEY_ID_7",
			}
			if m != want || !private.PublicKey.Equal(m.PublicKey) {
				t.Errorf("merchant is %+v", m)
			}
			if written, err := readPublicKey(v3.PublicKeyID, v3.PublicKey); err != nil || !written.Public.Equal(&m.WechatKey.PublicKey) {
				t.Errorf("another public key was written: %v", err)
			}
			again, err := simulated(cfg, folder)
			if kept := err == nil && again[0].WechatKey.Equal(m.WechatKey); kept != (folder != "") {
				t.Errorf("kept is %t: %v", kept, err)
			}
		})
	}
}

func TestSimulatorRefusesKeysThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		keep bool // the keys of a run before
		edit func(*testing.T, *config.V3, keyFolder)
		want string
	}{
		{"no private key of the merchant", true, func(t *testing.T, v3 *config.V3, _ keyFolder) {
			remove(t, v3.PrivateKey)
		}, "merchants.shop3.private_key: open "},
		{"a public key as the merchant's private key", true, func(_ *testing.T, v3 *config.V3, _ keyFolder) {
			v3.PrivateKey = v3.PublicKey
		}, "no PEM block of the right type"},
		{"a public key whose private key nobody kept", false, func(*testing.T, *config.V3, keyFolder) {}, "start with --keys"},
		{"a public key of another run", true, func(t *testing.T, _ *config.V3, folder keyFolder) {
			remove(t, folder.path("shop3", "wechatpay_public_key.key"))
			if _, err := folder.private("shop3", "wechatpay_public_key.key"); err != nil {
				t.Fatal(err)
			}
		}, "copy "},
		{"a public key that is none", true, func(t *testing.T, v3 *config.V3, _ keyFolder) {
			if err := os.WriteFile(v3.PublicKey, []byte("PUB_KEY_ID_7"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "no PEM block of the right type"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg, v3 := configuredV3(t)
			folder := keyFolder("")
			if row.keep {
				folder = keyFolder(t.TempDir())
			}
			if _, err := simulated(cfg, folder); err != nil {
				t.Fatal(err)
			}
			row.edit(t, v3, folder)
			_, err := simulated(cfg, folder)
			if err == nil || !strings.Contains(err.Error(), row.want) || !errors.As(err, new(misuse)) {
				t.Errorf("error is %v, want %q", err, row.want)
			}
		})
	}
}

func TestSimulatorMakesNoFileForPlatformCertificates(t *testing.T) {
	t.Parallel()
	cfg, v3 := configuredV3(t)
	v3.PublicKeyID, v3.PublicKey = "", ""
	folder := keyFolder(t.TempDir())
	merchants, err := simulated(cfg, folder)
	if err != nil || merchants[0].KeyMode != simulator.PlatformCertificates || merchants[0].WechatKey != nil {
		t.Errorf("merchants are %+v: %v", merchants, err)
	}
	if files, err := os.ReadDir(string(folder)); err != nil || len(files) > 0 {
		t.Errorf("files are %v: %v", files, err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
