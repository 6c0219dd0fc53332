package shop

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// toldV3 is what a notify of APIv3 hides.
type toldV3 struct {
	AppID          string    `json:"appid"`
	MchID          string    `json:"mchid"`
	OutTradeNo     string    `json:"out_trade_no"`
	TransactionID  string    `json:"transaction_id"`
	TradeType      string    `json:"trade_type"`
	TradeState     string    `json:"trade_state"`
	TradeStateDesc string    `json:"trade_state_desc"`
	BankType       string    `json:"bank_type"`
	SuccessTime    string    `json:"success_time"`
	Payer          payerV3   `json:"payer"`
	Amount         amountV3  `json:"amount"`
	Promotions     []payerV3 `json:"promotion_detail"`
}

type payerV3 struct {
	OpenID string `json:"openid"`
}

type amountV3 struct {
	Total         int    `json:"total"`
	PayerTotal    int    `json:"payer_total"`
	Currency      string `json:"currency"`
	PayerCurrency string `json:"payer_currency"`
}

// envelopeV3 is a notify's body.
type envelopeV3 struct {
	ID           string   `json:"id"`
	CreateTime   string   `json:"create_time"`
	ResourceType string   `json:"resource_type"`
	EventType    string   `json:"event_type"`
	Summary      string   `json:"summary"`
	Resource     sealedV3 `json:"resource"`
}

type sealedV3 struct {
	Algorithm      string `json:"algorithm"`
	Ciphertext     string `json:"ciphertext"`
	AssociatedData string `json:"associated_data"`
	OriginalType   string `json:"original_type"`
	Nonce          string `json:"nonce"`
}

// notifyV3 is a notify of APIv3: JSON, its content encrypted and the whole signed with RSA
// (APIv3 document, payment notify).
func notifyV3(key *rsa.PrivateKey, n int, at time.Time) (Notify, error) {
	resource, err := sealV3(n, at)
	if err != nil {
		return Notify{}, fmt.Errorf("encrypt notify: %w", err)
	}
	body, err := json.Marshal(envelopeV3{
		ID: nonce(n), CreateTime: at.In(beijing).Format(time.RFC3339), ResourceType: "encrypt-resource",
		EventType: "TRANSACTION.SUCCESS", Summary: "支付成功", Resource: resource,
	})
	if err != nil {
		return Notify{}, fmt.Errorf("write notify: %w", err)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	digest := sha256.Sum256([]byte(stamp + "\n" + nonce(n) + "\n" + string(body) + "\n"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return Notify{}, fmt.Errorf("sign notify: %w", err)
	}
	return Notify{At: at, Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "Wechatpay-Timestamp": {stamp}, "Wechatpay-Nonce": {nonce(n)},
		"Wechatpay-Serial": {publicKeyID}, "Wechatpay-Signature-Type": {"WECHATPAY2-SHA256-RSA2048"},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(signature)},
	}}, nil
}

func sealV3(n int, at time.Time) (sealedV3, error) {
	plain, err := json.Marshal(toldV3{
		AppID: appV3, MchID: numberV3, OutTradeNo: Order(n), TransactionID: transaction(n),
		TradeType: "APP", TradeState: "SUCCESS", TradeStateDesc: "支付成功", BankType: "CMC",
		SuccessTime: at.In(beijing).Format(time.RFC3339), Payer: payerV3{openID(n)},
		Amount: amountV3{Fen(n), Fen(n), "CNY", "CNY"}, Promotions: []payerV3{},
	})
	if err != nil {
		return sealedV3{}, err
	}
	block, err := aes.NewCipher([]byte(keyV3))
	if err != nil {
		return sealedV3{}, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return sealedV3{}, err
	}
	const about = "transaction"
	own := nonce(n)[len(nonce(n))-gcm.NonceSize():]
	return sealedV3{
		Algorithm: "AEAD_AES_256_GCM", AssociatedData: about, OriginalType: about, Nonce: own,
		Ciphertext: base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(own), plain, []byte(about))),
	}, nil
}
