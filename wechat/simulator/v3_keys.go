package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"
)

// v3Key is one of the keys that WeChat signs with for one merchant. It does not change.
type v3Key struct {
	id          string // PUB_KEY_ID_ and digits, or the certificate's serial number
	private     *rsa.PrivateKey
	certificate []byte // PEM, nil if the key has none
	from, until time.Time
}

// v3Keys are all of them: the one without an end, made when somebody first needs it, and the
// platform certificates.
type v3Keys struct {
	now  func() time.Time
	dice *dice

	mu           sync.Mutex
	public       *v3Key
	certificates []*v3Key // the oldest first
	share        float64  // of the notifies that the public key signs; 1 when the merchant has moved to it
}

const (
	v3KeyPrefix       = "PUB_KEY_ID_"
	v3CertificateLife = 5 // years
)

// newV3Keys begins with what was agreed with the merchant, and makes what was not.
func newV3Keys(m Merchant, now func() time.Time, dice *dice) (*v3Keys, error) {
	k := &v3Keys{now: now, dice: dice}
	if m.KeyMode == PublicKey {
		k.share = 1
		k.public = &v3Key{id: m.WechatKeyID, private: m.WechatKey}
		return k, k.complete(k.public)
	}
	return k, k.certify(m.WechatKey, m.WechatKeyID)
}

// complete makes what a key lacks.
func (k *v3Keys) complete(key *v3Key) (err error) {
	if key.id == "" {
		key.id = v3KeyPrefix + k.dice.text(digits, 34)
	}
	if key.private == nil {
		key.private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	return err
}

// endless returns the public key, making it if nobody has needed it before. It needs the lock.
func (k *v3Keys) endless() (*v3Key, error) {
	if k.public == nil {
		key := &v3Key{}
		if err := k.complete(key); err != nil {
			return nil, err
		}
		k.public = key
	}
	return k.public, nil
}

// certify adds a platform certificate. It needs the lock.
func (k *v3Keys) certify(private *rsa.PrivateKey, serial string) error {
	key := &v3Key{id: serial, private: private, from: k.now().Truncate(time.Second)}
	if key.id == "" {
		key.id = "4" + k.dice.text(upperHex, 39)
	}
	if err := k.complete(key); err != nil {
		return err
	}
	key.until = key.from.AddDate(v3CertificateLife, 0, 0)
	number, ok := new(big.Int).SetString(key.id, 16)
	if !ok {
		return fmt.Errorf("serial number %s is not hex", key.id)
	}
	template := &x509.Certificate{
		SerialNumber: number,
		Subject: pkix.Name{
			CommonName: "Tenpay.com sign", Organization: []string{"Tenpay.com"}, OrganizationalUnit: []string{"Tenpay.com CA Center"},
			Country: []string{"CN"}, Province: []string{"Guangdong"}, Locality: []string{"Shenzhen"},
		},
		NotBefore: key.from, NotAfter: key.until, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.private.PublicKey, key.private)
	if err != nil {
		return fmt.Errorf("make platform certificate: %w", err)
	}
	key.certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	k.certificates = append(k.certificates, key)
	return nil
}

// forAnswer chooses the key of an answer: the one that the call asks for in Wechatpay-Serial,
// and for any other name the one of the merchant's mode.
func (k *v3Keys) forAnswer(asked string) *v3Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.public != nil && k.public.id == asked {
		return k.public
	}
	for _, key := range k.certificates {
		if key.id == asked {
			return key
		}
	}
	return k.choose(k.share >= 1)
}

// forNotify draws the key of a notify.
func (k *v3Keys) forNotify() *v3Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.choose(k.dice.chance(k.share))
}

// choose needs the lock. Of several certificates any may sign: while one follows another,
// WeChat uses both.
func (k *v3Keys) choose(public bool) *v3Key {
	if public {
		return k.public
	}
	return k.certificates[k.dice.number()%uint64(len(k.certificates))]
}

// served are the certificates to download: none for a merchant that has moved to the public
// key.
func (k *v3Keys) served() []*v3Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.share >= 1 {
		return nil
	}
	return slices.Clone(k.certificates)
}

// move has the public key sign a share of the notifies.
func (k *v3Keys) move(share float64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if share > 0 {
		if _, err := k.endless(); err != nil {
			return err
		}
	}
	if share < 1 && len(k.certificates) == 0 {
		if err := k.certify(nil, ""); err != nil {
			return err
		}
	}
	k.share = share
	return nil
}

// rotate adds a certificate that overlaps with those that there are.
func (k *v3Keys) rotate() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.certify(nil, "")
}

// retire drops all certificates but the newest.
func (k *v3Keys) retire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.certificates = k.certificates[max(0, len(k.certificates)-1):]
}

// publicPEM is the half of the key that merchants are given.
func (key *v3Key) publicPEM() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.private.PublicKey)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// checkV3KeyID checks that a key's name is one of its kind.
func checkV3KeyID(m Merchant) error {
	name, prefixed := strings.CutPrefix(m.WechatKeyID, v3KeyPrefix)
	switch {
	case m.WechatKeyID == "":
		return nil
	case m.KeyMode == PublicKey && (!prefixed || name == "" || strings.Trim(name, digits) != ""):
		return fmt.Errorf("the key id must be %s and digits", v3KeyPrefix)
	case m.KeyMode == PlatformCertificates && !serialHex.MatchString(m.WechatKeyID):
		return fmt.Errorf("the certificate's serial number must be uppercase hex")
	}
	return nil
}
