package simulator

import "time"

// v3Sealed is a text that only the merchant can read.
type v3Sealed struct {
	OriginalType   string `json:"original_type,omitempty"` // of notifies
	Algorithm      string `json:"algorithm"`
	Ciphertext     string `json:"ciphertext"`
	AssociatedData string `json:"associated_data"`
	Nonce          string `json:"nonce"`
}

// seal encrypts with the merchant's key. The nonce is another each time.
func (v *v3) seal(a *account, associated string, plain []byte) (v3Sealed, error) {
	nonce := v.s.dice.text(letters, 12)
	ciphertext, err := encryptV3(a.APIV3Key, nonce, associated, plain)
	return v3Sealed{Algorithm: v3Algorithm, Ciphertext: ciphertext, AssociatedData: associated, Nonce: nonce}, err
}

// certificates hands out the platform certificates (document, "download platform
// certificates"): all that sign, and none to a merchant that has moved to the public key.
func (v *v3) certificates(r v3Request) (any, error) {
	type listed struct {
		SerialNo    string   `json:"serial_no"`
		From        string   `json:"effective_time"`
		Until       string   `json:"expire_time"`
		Certificate v3Sealed `json:"encrypt_certificate"`
	}
	list := []listed{}
	for _, key := range v.keys[r.account].served() {
		sealed, err := v.seal(r.account, "certificate", key.certificate)
		if err != nil {
			return nil, err
		}
		list = append(list, listed{key.id, v3Time(key.from), v3Time(key.until), sealed})
	}
	if len(list) == 0 {
		return nil, &v3Refusal{code: v3NoResource, message: "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥: the merchant verifies with the public key"}
	}
	return map[string]any{"data": list}, nil
}

// v3Time is how WeChat writes a time.
func v3Time(at time.Time) string { return at.In(beijing).Format(time.RFC3339) }
