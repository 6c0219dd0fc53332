package main

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"settled/wechat/simulator"
)

// demoQuota is how many tokens a day the demo may fetch; faults make tokens die young.
const demoQuota = 100_000

// demoMerchants are the demo's merchants as WeChat knows them, and as the configuration
// has them.
type demoMerchants struct {
	wechat []simulator.Merchant
	config string
}

// newDemoMerchants makes a merchant for each protocol, with keys of its own in the folder.
// main and backup are the addresses of WeChat's two hosts.
func newDemoMerchants(lanes [][]lane, folder, main, backup string) (demoMerchants, error) {
	var all demoMerchants
	for _, of := range lanes {
		var m simulator.Merchant
		var section string
		var err error
		switch of[0].protocol {
		case protocolLegacy:
			m, section = demoLegacy(main)
		case protocolV2:
			m, section = demoV2(main, backup)
		case protocolV3:
			m, section, err = demoV3(folder, main, backup)
		}
		if err != nil {
			return demoMerchants{}, fmt.Errorf("make the merchant of %s: %w", of[0].protocol, err)
		}
		m.Name, m.Protocol = of[0].merchant(), of[0].protocol
		all.wechat = append(all.wechat, m)
		all.config += fmt.Sprintf("  %s:\n    protocol: %s\n%s", m.Name, m.Protocol, section)
	}
	return all, nil
}

func demoLegacy(main string) (simulator.Merchant, string) {
	m := documentedMerchant
	m.TokenDailyQuota = demoQuota
	return m, section(
		"endpoint", main, "app_id", m.AppID, "app_secret", m.AppSecret, "pay_sign_key", m.PaySignKey,
		"partner_id", m.PartnerID, "partner_key", m.PartnerKey, "token_daily_quota", fmt.Sprint(demoQuota), "deliver_notify", "true")
}

func demoV2(main, backup string) (simulator.Merchant, string) {
	m := simulator.Merchant{
		AppID: "wx2421b1c4370ec43b", MchID: "10000100", APIKey: "192006250b4c09247ec02edce69f6a2d", SignType: simulator.HMACSHA256,
	}
	return m, section(
		"endpoint", main, "backup_endpoint", backup, "app_id", m.AppID, "mch_id", m.MchID, "api_key", m.APIKey,
		"sign_type", m.SignType, "rate", demoRate)
}

// demoRate keeps the demo within what WeChat would take from one merchant.
const demoRate = "500"

// demoV3 makes both sides' keys: the merchant's, which signs requests, and WeChat's, of
// which the merchant has the public half.
func demoV3(folder, main, backup string) (simulator.Merchant, string, error) {
	ours, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return simulator.Merchant{}, "", err
	}
	theirs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return simulator.Merchant{}, "", err
	}
	m := simulator.Merchant{
		AppID: "wxd678efh567hg6787", MchID: "1900007291", APIV3Key: "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb",
		CertificateSerial: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", PublicKey: &ours.PublicKey,
		WechatKey: theirs, WechatKeyID: "PUB_KEY_ID_0119000072912026112400000001",
	}
	privateKey, publicKey := filepath.Join(folder, "shop.key"), filepath.Join(folder, "wechatpay_pub.pem")
	err = errors.Join(writePrivateKey(privateKey, ours), writePublicKey(publicKey, &theirs.PublicKey))
	return m, section(
		"endpoint", main, "backup_endpoint", backup, "app_id", m.AppID, "mch_id", m.MchID, "api_v3_key", m.APIV3Key,
		"private_key", privateKey, "certificate_serial", m.CertificateSerial,
		"public_key_id", m.WechatKeyID, "public_key", publicKey, "rate", demoRate), err
}

// section writes a merchant's keys and values. Numbers and truths stand bare; WeChat's own
// numbers are strings.
func section(pairs ...string) string {
	var text strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		switch pairs[i] {
		case "token_daily_quota", "deliver_notify", "rate":
			fmt.Fprintf(&text, "    %s: %s\n", pairs[i], pairs[i+1])
		default:
			fmt.Fprintf(&text, "    %s: %q\n", pairs[i], pairs[i+1])
		}
	}
	return text.String()
}
