package shop

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"settled"
	"settled/wechat"
	"settled/wechat/v3"
)

// The merchants, one for each protocol.
const (
	Legacy = "classic"
	V2     = "shop2"
	V3     = "shop3"
)

// What WeChat gave them. Nothing of it exists anywhere else.
const (
	appLegacy, numberLegacy, keyLegacy = "wxd930ea5d5a258f4f", "1900000109", "8934e7d15453e97507ef794cf7b0519d"
	secretLegacy                       = "db426a9829e4b49a0dcac7b4162da6b6"
	signKeyLegacy                      = "L8LrMqqeGRxST5reouB0K66CaYAWpqhAVsq7ggKkxHCOastWksvuX1uvmvQclxaHoYd3ElNBrNO2DHnnzgfVG9Qs473M3DTOZug5er46FhuGofumV8H2FVR9qkjSlC5K"

	appV2, numberV2, keyV2 = "wx2421b1c4370ec43b", "10000100", "192006250b4c09247ec02edce69f6a2d"
	appV3, numberV3, keyV3 = "wxd678efh567hg6787", "1900007291", "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"
	certificateSerial      = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"
	publicKeyID            = "PUB_KEY_ID_0119000072912026112400000001"
)

// Keys are what the APIv3 merchant and WeChat sign with, for as long as this process lives.
var Keys = sync.OnceValues(func() (keys struct{ Merchant, WeChat *rsa.PrivateKey }, err error) {
	var failed [2]error
	keys.Merchant, failed[0] = rsa.GenerateKey(rand.Reader, 2048)
	keys.WeChat, failed[1] = rsa.GenerateKey(rand.Reader, 2048)
	return keys, errors.Join(failed[:]...)
})

const (
	privateFile = "shop3.key"
	publicFile  = "wechatpay_pub.pem"
)

// WriteKeys writes the keys into a folder, for processes that are told where it is.
func WriteKeys(folder string) error {
	keys, err := Keys()
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(keys.Merchant)
	if err != nil {
		return fmt.Errorf("write the private key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&keys.WeChat.PublicKey)
	if err != nil {
		return fmt.Errorf("write the public key: %w", err)
	}
	write := func(name, kind string, der []byte) error {
		return os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	}
	return errors.Join(write(privateFile, "PRIVATE KEY", private), write(publicFile, "PUBLIC KEY", public))
}

// writeWeChatKey writes what WeChat signs with where the simulator looks for it.
func writeWeChatKey(folder string) error {
	keys, err := Keys()
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(keys.WeChat)
	if err != nil {
		return fmt.Errorf("write WeChat's key: %w", err)
	}
	file := filepath.Join(folder, V3, "wechatpay_public_key.key")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("write WeChat's key: %w", err)
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// Gateways are settled's own readers of notifies, by merchant, with the keys that a folder
// holds: whoever is measured beside settled verifies just as it does.
func Gateways(folder string) (map[string]settled.Gateway, error) {
	text, err := os.ReadFile(filepath.Join(folder, privateFile))
	if err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}
	private, err := v3.ReadPrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}
	if text, err = os.ReadFile(filepath.Join(folder, publicFile)); err != nil {
		return nil, fmt.Errorf("read the public key: %w", err)
	}
	public, err := v3.ReadPublicKey(publicKeyID, text)
	if err != nil {
		return nil, fmt.Errorf("read the public key: %w", err)
	}
	two, err := wechat.NewV2(wechat.V2Config{
		Merchant: V2, AppID: appV2, MchID: numberV2, APIKey: keyV2, Now: time.Now, NotifyURL: notifyURL + V2,
	})
	if err != nil {
		return nil, err
	}
	three, err := wechat.NewV3(wechat.V3Config{
		Merchant: V3, AppID: appV3, MchID: numberV3, APIV3Key: keyV3, PrivateKey: private, CertificateSerial: certificateSerial,
		PublicKeyID: publicKeyID, PublicKey: public.Public, Now: time.Now, NotifyURL: notifyURL + V3,
	})
	return map[string]settled.Gateway{V2: two, V3: three}, err
}

const notifyURL = "https://pay.example.com/notify/"
