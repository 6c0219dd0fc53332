package simulator_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	crand "crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"settled/wechat/simulator"
)

// anyKey is a key that is made once for all tests, because making one takes long.
func anyKey() func() *rsa.PrivateKey {
	return sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(crand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	})
}

// The keys of the merchants, of WeChat, and of somebody else.
var merchantKey, wechatKey, strangeKey = anyKey(), anyKey(), anyKey()

const wechatKeyID = "PUB_KEY_ID_0000000000000024101100397200000006"

// modern is the merchant of APIv3's documents, which verifies with the public key.
func modern() simulator.Merchant {
	return simulator.Merchant{
		Name: "modern", Protocol: simulator.V3, AppID: "wxd678efh567hg6787", MchID: "1900007291",
		CertificateSerial: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", PublicKey: &merchantKey().PublicKey,
		APIV3Key: "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb", WechatKey: wechatKey(), WechatKeyID: wechatKeyID,
	}
}

// certified is a merchant that verifies with platform certificates.
func certified() simulator.Merchant {
	return simulator.Merchant{
		Name: "certified", Protocol: simulator.V3, AppID: "wxd678efh567hg6788", MchID: "1900007292",
		CertificateSerial: "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C", PublicKey: &merchantKey().PublicKey,
		APIV3Key: "0123456789abcdef0123456789abcdef", KeyMode: simulator.PlatformCertificates,
		WechatKey: wechatKey(), WechatKeyID: "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
	}
}

// body is a JSON object.
type body = map[string]any

// v3shop is a merchant that speaks APIv3.
type v3shop struct {
	*shop
	key *rsa.PrivateKey
}

// openV3 opens a shop whose notifies are heard at once, unless edit says otherwise.
func openV3(t testing.TB, edit func(*simulator.Config)) v3shop {
	t.Helper()
	s := open(t, func(c *simulator.Config) {
		c.Merchants = []simulator.Merchant{modern(), certified()}
		c.Random = rand.NewChaCha8([32]byte{3})
		c.HTTP = &http.Client{Transport: hears("")}
		if edit != nil {
			edit(c)
		}
	})
	return v3shop{s.as(modern()), merchantKey()}
}

func (s v3shop) as(m simulator.Merchant) v3shop { return v3shop{s.shop.as(m), s.key} }

// paths are where orders are placed.
var paths = map[simulator.TradeType]string{
	simulator.APP: "/v3/pay/transactions/app", simulator.JSAPI: "/v3/pay/transactions/jsapi",
	simulator.Native: "/v3/pay/transactions/native", simulator.MWEB: "/v3/pay/transactions/h5",
}

// order is a plain order.
func (s v3shop) order(number string, trade simulator.TradeType) body {
	order := body{
		"appid": s.AppID, "mchid": s.MchID, "description": "一壶茶", "out_trade_no": number,
		"notify_url": "https://shop.example.com/notify/modern", "amount": body{"total": 1999, "currency": "CNY"},
	}
	switch trade {
	case simulator.JSAPI:
		order["payer"] = body{"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}
	case simulator.APP, simulator.Native:
	case simulator.MWEB:
		order["scene_info"] = body{"payer_client_ip": "203.0.113.7", "h5_info": body{"type": "Wap"}}
	}
	return order
}

// refundOf asks for money back.
func (s v3shop) refundOf(number, refund string, fee int) body {
	return body{
		"out_trade_no": number, "out_refund_no": refund, "reason": "cold", "notify_url": "https://shop.example.com/notify/refund",
		"amount": body{"refund": fee, "total": 1999, "currency": "CNY"},
	}
}

// signature is the merchant's.
func (s v3shop) signature(lines ...string) string {
	s.t.Helper()
	digest := sha256.Sum256([]byte(strings.Join(lines, "\n") + "\n"))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, digest[:])
	if err != nil {
		s.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

const nonce = "593BEC0C930BF1AFEB40B4A08C8FB242"

// authorization is the header of a call.
func (s v3shop) authorization(method, target, content string) string {
	s.t.Helper()
	timestamp := fmt.Sprint(s.clock.Now().Unix())
	return fmt.Sprintf(`WECHATPAY2-SHA256-RSA2048 mchid="%s",nonce_str="%s",signature="%s",timestamp="%s",serial_no="%s"`,
		s.MchID, nonce, s.signature(method, target, timestamp, nonce, content), timestamp, s.CertificateSerial)
}

// request is a call, signed.
func (s v3shop) request(method, target, content string) *http.Request {
	s.t.Helper()
	request := httptest.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(content))
	request.Header.Set("Authorization", s.authorization(method, target, content))
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "shop/1.0")
	if content != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return request
}

// answered is an answer of WeChat's.
type answered struct {
	status int
	header http.Header
	text   string
	body   body
}

// send makes a call, and verifies the answer if it is signed, as every good one must be.
func (s v3shop) send(request *http.Request) answered {
	s.t.Helper()
	recorder := httptest.NewRecorder()
	s.wechat.ServeHTTP(recorder, request)
	a := answered{status: recorder.Code, header: recorder.Header(), text: recorder.Body.String()}
	if a.status < 300 || a.header.Get("Wechatpay-Signature") != "" {
		s.verify(a.header, a.text)
	}
	if a.header.Get("Request-ID") == "" {
		s.t.Error("the answer has no Request-ID")
	}
	if a.text != "" {
		a.body = readObject(s.t, a.text)
	}
	return a
}

func readObject(t testing.TB, text string) body {
	t.Helper()
	var read body
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		t.Fatalf("read %q: %v", text, err)
	}
	return read
}

func (s v3shop) post(target string, value any) answered {
	s.t.Helper()
	return s.send(s.request(http.MethodPost, target, strings.TrimSpace(spelled(s.t, value))))
}

func (s v3shop) get(target string) answered {
	s.t.Helper()
	return s.send(s.request(http.MethodGet, target, ""))
}

// verify verifies a signature with whichever of WeChat's keys it names.
func (s v3shop) verify(header http.Header, content string) {
	s.t.Helper()
	if problem := s.mistrusts(header, content); problem != "" {
		s.t.Error(problem)
	}
}

// mistrusts says why a signature is none of WeChat's, "" if it is.
func (s v3shop) mistrusts(header http.Header, content string) string {
	s.t.Helper()
	key := s.keyOf(header.Get("Wechatpay-Serial"))
	if key == nil {
		return "signed with a key that nobody knows: " + header.Get("Wechatpay-Serial")
	}
	signature, err := base64.StdEncoding.DecodeString(header.Get("Wechatpay-Signature"))
	if err != nil {
		return "the signature is not base64"
	}
	message := header.Get("Wechatpay-Timestamp") + "\n" + header.Get("Wechatpay-Nonce") + "\n" + content + "\n"
	digest := sha256.Sum256([]byte(message))
	switch {
	case header.Get("Wechatpay-Signature-Type") != "WECHATPAY2-SHA256-RSA2048":
		return "the type of the signature is " + header.Get("Wechatpay-Signature-Type")
	case header.Get("Wechatpay-Timestamp") != fmt.Sprint(s.clock.Now().Unix()):
		return "the timestamp is " + header.Get("Wechatpay-Timestamp")
	case rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) != nil:
		return "the signature does not verify"
	}
	return ""
}

// keyOf finds a key of WeChat's among those that a person would be shown.
func (s v3shop) keyOf(id string) *rsa.PublicKey {
	s.t.Helper()
	keys := s.keys()
	if id == keys.PublicKeyID {
		block, _ := pem.Decode([]byte(keys.PublicKey))
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			s.t.Fatal(err)
		}
		return key.(*rsa.PublicKey)
	}
	for _, certificate := range keys.Certificates {
		if id == certificate.SerialNo {
			return s.certificate(certificate.PEM).PublicKey.(*rsa.PublicKey)
		}
	}
	return nil
}

func (s v3shop) certificate(text string) *x509.Certificate {
	s.t.Helper()
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(rest) > 0 {
		s.t.Fatalf("%q is not one certificate", text)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	return certificate
}

func (s v3shop) keys() simulator.Keys {
	s.t.Helper()
	keys, err := s.wechat.Keys(s.Name)
	if err != nil {
		s.t.Fatal(err)
	}
	return keys
}

// open decrypts what is sealed for the merchant.
func (s v3shop) open(sealed any) string {
	s.t.Helper()
	resource, _ := sealed.(body)
	text := func(name string) string { value, _ := resource[name].(string); return value }
	ciphertext, err := base64.StdEncoding.DecodeString(text("ciphertext"))
	if err != nil || text("algorithm") != "AEAD_AES_256_GCM" || len(text("nonce")) != 12 {
		s.t.Fatalf("sealed is %v: %v", resource, err)
	}
	block, err := aes.NewCipher([]byte(s.APIV3Key))
	if err != nil {
		s.t.Fatal(err)
	}
	opener, err := cipher.NewGCM(block)
	if err != nil {
		s.t.Fatal(err)
	}
	plain, err := opener.Open(nil, []byte(text("nonce")), ciphertext, []byte(text("associated_data")))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(plain)
}

// place places an order and returns what WeChat gave for it.
func (s v3shop) place(number string, trade simulator.TradeType) string {
	s.t.Helper()
	return s.placed(trade, s.order(number, trade))
}

func (s v3shop) placed(trade simulator.TradeType, order body) string {
	s.t.Helper()
	answer := s.post(paths[trade], order)
	name := map[simulator.TradeType]string{simulator.Native: "code_url", simulator.MWEB: "h5_url"}[trade]
	if name == "" {
		name = "prepay_id"
	}
	given, _ := answer.body[name].(string)
	if answer.status != http.StatusOK || given == "" || len(answer.body) != 1 {
		s.t.Fatalf("order answered %d %s", answer.status, answer.text)
	}
	return given
}

// paid places an order and has it paid.
func (s v3shop) paid(number string) simulator.Receipt {
	s.t.Helper()
	receipt, err := s.wechat.Pay(s.t.Context(), s.appClient(s.place(number, simulator.APP)))
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt
}

// appClient is what the shop gives its app.
func (s v3shop) appClient(prepayID string) fields {
	timestamp := fmt.Sprint(s.clock.Now().Unix())
	return fields{
		"appid": s.AppID, "partnerid": s.MchID, "prepayid": prepayID, "package": "Sign=WXPay", "noncestr": nonce,
		"timestamp": timestamp, "sign": s.signature(s.AppID, timestamp, nonce, prepayID),
	}
}

// pageClient is what the shop gives its page.
func (s v3shop) pageClient(prepayID string) fields {
	timestamp := fmt.Sprint(s.clock.Now().Unix())
	return fields{
		"appId": s.AppID, "package": "prepay_id=" + prepayID, "signType": "RSA", "nonceStr": nonce,
		"timeStamp": timestamp, "paySign": s.signature(s.AppID, timestamp, nonce, "prepay_id="+prepayID),
	}
}

// refused is what an answer says no with: status, code, and the field that is wrong.
func (a answered) refused() string {
	text := fmt.Sprint(a.status, " ", a.body["code"])
	if detail, ok := a.body["detail"].(body); ok {
		text += " " + fmt.Sprint(detail["field"])
	}
	return text
}

// postedV3 opens a shop that keeps the notifies it hears, and answers them with a status.
func postedV3(t *testing.T, status int, edit func(*simulator.Config)) (v3shop, <-chan heard) {
	t.Helper()
	notifies := make(chan heard, 1000)
	return openV3(t, func(c *simulator.Config) {
		c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
			var content bytes.Buffer
			_, err := io.Copy(&content, r.Body)
			notifies <- heard{r.Method, r.URL.String(), r.Header, r.URL.RawQuery, content.String()}
			return status, "", err
		})
		if edit != nil {
			edit(c)
		}
	}), notifies
}
