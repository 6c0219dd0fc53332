package shop

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"settled/bench/rig"
)

const configuration = `
nats: {url: %q, prefix: %q}
postgres: {url: %q}
redis: {url: %q}
ingress:
  listen: %s
  public_url: http://%s
  acknowledge: %s
  tokens: [{name: shop, token: %s, merchants: [classic, shop2, shop3], rate: 1000000}]
admin: {listen: %q}
merchants:
  classic:
    protocol: legacy
    endpoint: %s
    app_id: %s
    app_secret: %s
    pay_sign_key: %s
    partner_id: %q
    partner_key: %s
    token_daily_quota: 1000000
  shop2:
    protocol: v2
    endpoint: %s
    backup_endpoint: ""
    app_id: %s
    mch_id: %q
    api_key: %s
    sign_type: HMAC-SHA256
    rate: %d
  shop3:
    protocol: v3
    endpoint: %s
    backup_endpoint: ""
    app_id: %s
    mch_id: %q
    api_v3_key: %s
    private_key: %s
    certificate_serial: %s
    public_key_id: %s
    public_key: %s
    rate: %d
`

// Token lets an order system in.
const Token = "a-token-of-the-shop" //nolint:gosec // of a shop that lives for a minute

// Settings are what differs between parts.
type Settings struct {
	Ingress string // where the ingress listens; default: a port of the kernel's choice
	WeChat  string // URL; default: one where nobody listens
	Stored  bool   // acknowledge: stored; default: committed
	Admin   string // where its metrics are; default: a port of the kernel's choice
	Rate    int    // calls to WeChat in a second; default: settled's own
}

// Configure writes settled's configuration for a round, with its defaults wherever there
// are any, and returns the name of the file.
func Configure(r *rig.Round, s Settings) (file string, err error) {
	const anyPort, usualRate = "127.0.0.1:0", 500
	s.Ingress, s.Admin = cmp.Or(s.Ingress, anyPort), cmp.Or(s.Admin, anyPort)
	s.WeChat, s.Rate = cmp.Or(s.WeChat, "http://127.0.0.1:9"), cmp.Or(s.Rate, usualRate)
	if err := WriteKeys(r.Folder); err != nil {
		return "", err
	}
	acknowledge := "committed"
	if s.Stored {
		acknowledge = "stored"
	}
	text := fmt.Sprintf(configuration, r.Servers.NATS.URL, r.Prefix(), r.Postgres, r.Servers.Redis.URL(),
		s.Ingress, s.Ingress, acknowledge, Token, s.Admin,
		s.WeChat, appLegacy, secretLegacy, signKeyLegacy, numberLegacy, keyLegacy, s.WeChat, appV2, numberV2, keyV2, s.Rate, s.WeChat, appV3, numberV3, keyV3,
		filepath.Join(r.Folder, privateFile), certificateSerial, publicKeyID, filepath.Join(r.Folder, publicFile), s.Rate)
	file = filepath.Join(r.Folder, "settled.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	return file, nil
}
