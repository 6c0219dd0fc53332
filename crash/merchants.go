package crash

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"settled/wechat/simulator"
)

// keys are what merchants and WeChat sign with in every world: making one takes a while.
var keys = sync.OnceValues(func() (keys [2]*rsa.PrivateKey, err error) {
	for i := range keys {
		var failed error
		keys[i], failed = rsa.GenerateKey(rand.Reader, 2048)
		err = errors.Join(err, failed)
	}
	return keys, err
})

// The merchants of every world, one for each protocol.
const (
	classic = "classic"
	shop2   = "shop2"
	shop3   = "shop3"
)

var merchants = []string{classic, shop2, shop3}

// Merchants are those of every world: one of the legacy protocol, of APIv2 and of APIv3.
func Merchants() []string { return slices.Clone(merchants) }

// accounts are the merchants as WeChat knows them.
func accounts() ([]simulator.Merchant, error) {
	pair, err := keys()
	if err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	return []simulator.Merchant{
		{
			Name: classic, Protocol: simulator.Legacy, AppID: "wxd930ea5d5a258f4f", AppSecret: "db426a9829e4b49a0dcac7b4162da6b6",
			PaySignKey: "L8LrMqqeGRxST5reouB0K66CaYAWpqhAVsq7ggKkxHCOastWksvuX1uvmvQclxaHoYd3ElNBrNO2DHnnzgfVG9Qs473M3DTOZug5er46FhuGofumV8H2FVR9qkjSlC5K",
			PartnerID:  "1900000109", PartnerKey: "8934e7d15453e97507ef794cf7b0519d", TokenDailyQuota: 100_000,
		},
		{
			Name: shop2, Protocol: simulator.V2, AppID: "wx2421b1c4370ec43b", MchID: "10000100",
			APIKey: "192006250b4c09247ec02edce69f6a2d", SignType: simulator.HMACSHA256,
		},
		{
			Name: shop3, Protocol: simulator.V3, AppID: "wxd678efh567hg6787", MchID: "1900007291",
			APIV3Key: "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb", CertificateSerial: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
			PublicKey: &pair[0].PublicKey, WechatKey: pair[1], WechatKeyID: "PUB_KEY_ID_0119000072912026112400000001",
		},
	}, nil
}

// sections are the merchants as the configuration has them, calling WeChat at a URL, so often
// a second.
func sections(of []simulator.Merchant, folder, wechat string, rate int) string {
	c, two, three := of[0], of[1], of[2]
	return fmt.Sprintf(`
  classic:
    protocol: legacy
    endpoint: %s
    app_id: %s
    app_secret: %s
    pay_sign_key: %s
    partner_id: %q
    partner_key: %s
    token_daily_quota: %d
    deliver_notify: true
  shop2:
    protocol: v2
    endpoint: %s
    backup_endpoint: ""
    app_id: %s
    mch_id: %q
    api_key: %s
    sign_type: %s
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
`, wechat, c.AppID, c.AppSecret, c.PaySignKey, c.PartnerID, c.PartnerKey, c.TokenDailyQuota,
		wechat, two.AppID, two.MchID, two.APIKey, two.SignType, rate,
		wechat, three.AppID, three.MchID, three.APIV3Key, filepath.Join(folder, privateFile), three.CertificateSerial,
		three.WechatKeyID, filepath.Join(folder, publicFile), rate)
}

const (
	privateFile = "shop3.key"
	publicFile  = "wechatpay_pub.pem"
)

// writeKeys writes the files that the configuration names.
func writeKeys(folder string) error {
	pair, err := keys()
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair[0])
	if err != nil {
		return fmt.Errorf("write private key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&pair[1].PublicKey)
	if err != nil {
		return fmt.Errorf("write public key: %w", err)
	}
	write := func(name, kind string, der []byte) error {
		return os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	}
	return errors.Join(write(privateFile, "PRIVATE KEY", private), write(publicFile, "PUBLIC KEY", public))
}
