package main

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// plainWechat is WeChat once more, in as few words as will do: it shares no line with the
// simulator nor with the client, so that it can't make the mistakes of either. Unlike the
// simulator it answers whatever a test wants to hear said.
type plainWechat struct {
	t        *testing.T
	url      string
	signType string // of shop2
	keyID    string // that shop3's messages are signed under
	key      *rsa.PrivateKey

	mu      sync.Mutex
	calls   map[string]int // by call
	refunds map[string]int // fen, by out_refund_no: what the customers have got back
	answers map[string]func(asked map[string]any) plainAnswer
}

// plainAnswer is what a test has WeChat say: fields of APIv2 or a JSON text of APIv3.
type plainAnswer struct {
	status   int
	fields   map[string]string
	body     string
	unsigned bool
	header   map[string]string // changes what is sent
	drop     bool              // the connection is cut instead
}

const (
	plainAPIKey   = "192006250b4c09247ec02edce69f6a2d"
	plainAPIV3Key = "0123456789abcdef0123456789ABCDEF"
)

func newPlainWechat(t *testing.T) *plainWechat {
	t.Helper()
	f := &plainWechat{
		t: t, signType: "HMAC-SHA256", keyID: "PUB_KEY_ID_0000000000000024", key: testKeys()[2],
		calls: map[string]int{}, refunds: map[string]int{}, answers: map[string]func(map[string]any) plainAnswer{},
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// world is a shop whose merchants shop2 and shop3 are with this WeChat.
func (f *plainWechat) world(cfg worldConfig, more2, more3 string) *world {
	f.t.Helper()
	w := newWorld(f.t, cfg)
	text, err := os.ReadFile(w.file)
	if err != nil {
		f.t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "  shop2:\n")
	head += fmt.Sprintf(`  shop2: {protocol: v2, endpoint: "%s", app_id: wx2421b1c4370ec43b, mch_id: "10000100", api_key: %s, sign_type: %s%s}
  shop3: {protocol: v3, endpoint: "%s", app_id: wxd678efh567hg6787, mch_id: "1900007291", api_v3_key: %s, private_key: "%s",
    certificate_serial: 408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB%s}
`, f.url, plainAPIKey, f.signType, more2, f.url, plainAPIV3Key, privateKeyFile(f.t, testKeys()[0]), more3)
	if err := os.WriteFile(w.file, []byte(head), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return w
}

// publicKey is how shop3 verifies what this WeChat signs.
func (f *plainWechat) publicKey() string {
	return fmt.Sprintf(`, public_key_id: %s, public_key: "%s"`, f.keyID, publicKeyFile(f.t, f.key))
}

// on has a call answered by a test.
func (f *plainWechat) on(call string, answer func(asked map[string]any) plainAnswer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[call] = answer
}

func (f *plainWechat) called(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[call]
}

func (f *plainWechat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v3 := strings.HasPrefix(r.URL.Path, "/v3/")
	asked := map[string]any{}
	if v3 {
		_ = json.Unmarshal(body, &asked)
	} else {
		for name, value := range plainRead(body) {
			asked[name] = value
		}
	}
	call := plainCall(r, asked)
	f.mu.Lock()
	f.calls[call]++
	answer, ok := f.answers[call]
	f.mu.Unlock()
	switch {
	case !ok && v3:
		answer = f.usual3(call)
	case !ok:
		answer = f.usual2(call)
	}
	said := answer(asked)
	if said.drop {
		panic(http.ErrAbortHandler)
	}
	if said.status == 0 {
		said.status = http.StatusOK
	}
	switch {
	case v3 && !said.unsigned:
		f.sign3(w.Header(), said.body, time.Now())
	case said.fields != nil:
		said.body = f.write2(said.fields)
	}
	for name, value := range said.header {
		delete(w.Header(), http.CanonicalHeaderKey(name))
		w.Header()[name] = []string{value}
	}
	w.WriteHeader(said.status)
	_, _ = io.WriteString(w, said.body)
}

// plainCall names a call, and puts the number that stands in the path among what is asked.
func plainCall(r *http.Request, asked map[string]any) string {
	p := r.URL.Path
	for prefix, name := range map[string]string{"/v3/pay/transactions/out-trade-no/": "query", "/v3/refund/domestic/refunds/": "refund query"} {
		if number, ok := strings.CutPrefix(p, prefix); ok {
			number, isClose := strings.CutSuffix(number, "/close")
			asked["number"] = number
			if isClose {
				name = "close"
			}
			return name
		}
	}
	switch {
	case strings.HasPrefix(p, "/v3/pay/transactions/"):
		return "prepay"
	case strings.HasPrefix(p, "/v3/refund"):
		return "refund"
	default:
		return path.Base(p)
	}
}

func (f *plainWechat) usual3(call string) func(map[string]any) plainAnswer {
	return func(asked map[string]any) plainAnswer {
		switch call {
		case "prepay":
			return plainAnswer{body: `{"prepay_id":"wx3","code_url":"weixin://3","h5_url":"https://3","new":[{"a":1.5}]}`}
		case "query":
			return plainAnswer{body: fmt.Sprintf(`{"mchid":"1900007291","appid":"wxd678efh567hg6787","out_trade_no":%q,"trade_state":"NOTPAY"}`, asked["number"])}
		case "close":
			return plainAnswer{status: http.StatusNoContent}
		case "refund":
			f.repay(asked["out_refund_no"], int(asked["amount"].(map[string]any)["refund"].(float64)))
			return plainAnswer{body: f.refund3(asked["out_refund_no"], asked["out_trade_no"], "PROCESSING", "")}
		}
		return plainAnswer{status: http.StatusNotFound, unsigned: true, body: "<html>404 Not Found</html>", header: map[string]string{"Content-Type": "text/html"}}
	}
}

func (f *plainWechat) repay(refundID any, fen int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refunds[refundID.(string)] = fen
}

func (f *plainWechat) repaid() (total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fen := range f.refunds {
		total += fen
	}
	return total
}

// refund3 is how WeChat tells of a refund in answers.
func (f *plainWechat) refund3(refundID, order any, status, more string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf(`{"refund_id":"503%s","out_refund_no":%q,"transaction_id":"42000","out_trade_no":%q,"channel":"ORIGINAL",
		"user_received_account":"零钱","status":%q,"create_time":"2026-11-24T10:00:00+08:00","funds_account":"AVAILABLE","promotion_detail":[]%s,
		"amount":{"total":1999,"refund":%d,"from":[],"payer_total":1899,"payer_refund":1,"settlement_refund":1,"settlement_total":1899,
		"discount_refund":0,"currency":"CNY","refund_fee":0}}`, refundID, refundID, order, status, more, f.refunds[refundID.(string)])
}

func (f *plainWechat) usual2(call string) func(map[string]any) plainAnswer {
	return func(asked map[string]any) plainAnswer {
		fields := map[string]string{
			"return_code": "SUCCESS", "return_msg": "OK", "appid": "wx2421b1c4370ec43b", "mch_id": "10000100",
			"nonce_str": "n", "result_code": "SUCCESS", "something_new": "0", "device_info": "",
		}
		switch call {
		case "unifiedorder":
			fields["trade_type"], fields["prepay_id"] = asked["trade_type"].(string), "wx2"
			fields["code_url"], fields["mweb_url"] = "weixin://2", "https://2?a=1&b=2"
		case "orderquery":
			fields["out_trade_no"], fields["trade_state"], fields["trade_state_desc"] = asked["out_trade_no"].(string), "NOTPAY", "订单未支付"
		case "closeorder":
		case "refund":
			fen := 0
			_, _ = fmt.Sscan(asked["refund_fee"].(string), &fen)
			f.repay(asked["out_refund_no"], fen)
			for _, name := range []string{"out_trade_no", "out_refund_no", "refund_fee", "total_fee"} {
				fields[name] = asked[name].(string)
			}
			fields["refund_id"], fields["transaction_id"], fields["cash_fee"], fields["refund_channel"] = "502", "42000", "1899", ""
		default:
			fields["result_code"], fields["err_code"], fields["err_code_des"] = "FAIL", "REFUNDNOTEXIST", "not exist"
		}
		return plainAnswer{fields: fields}
	}
}

// write2 signs and writes a message of APIv2: lines and all, some values in CDATA.
func (f *plainWechat) write2(fields map[string]string) string {
	fields["sign"] = plainSign2(fields, f.signType)
	var text strings.Builder
	text.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<xml>\r\n")
	for name, value := range fields {
		if len(value)%2 == 0 {
			fmt.Fprintf(&text, "  <%s><![CDATA[%s]]></%s>\r\n", name, value, name)
			continue
		}
		fmt.Fprintf(&text, "  <%s>", name)
		_ = xml.EscapeText(&text, []byte(value))
		fmt.Fprintf(&text, "</%s>\r\n", name)
	}
	text.WriteString("</xml>\r\n")
	return text.String()
}

func plainSign2(fields map[string]string, by string) string {
	var pairs []string
	for name, value := range fields {
		if name != "sign" && value != "" {
			pairs = append(pairs, name+"="+value)
		}
	}
	sort.Strings(pairs)
	text := strings.Join(append(pairs, "key="+plainAPIKey), "&")
	if by == "MD5" {
		sum := md5.Sum([]byte(text))
		return strings.ToUpper(hex.EncodeToString(sum[:]))
	}
	mac := hmac.New(sha256.New, []byte(plainAPIKey))
	mac.Write([]byte(text))
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

func plainRead(body []byte) map[string]string {
	var message struct {
		Fields []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	_ = xml.Unmarshal(body, &message)
	fields := map[string]string{}
	for _, field := range message.Fields {
		fields[field.XMLName.Local] = field.Text
	}
	return fields
}

// sign3 signs a message of APIv3, in headers of odd case.
func (f *plainWechat) sign3(header http.Header, body string, at time.Time) {
	timestamp, nonce := fmt.Sprint(at.Unix()), "c5ac7061fccab6bf3e254dcf98995b8c"
	sum := sha256.Sum256([]byte(timestamp + "\n" + nonce + "\n" + body + "\n"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, f.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	header["wechatpay-timestamp"], header["WECHATPAY-NONCE"] = []string{timestamp}, []string{nonce}
	header["Wechatpay-Signature"] = []string{base64.StdEncoding.EncodeToString(signature)}
	header["Wechatpay-Serial"], header["request-id"] = []string{f.keyID}, []string{"08F7-269"}
}

// sealed3 is a notify of APIv3 around a resource.
func sealed3(event, resource string) string {
	block, err := aes.NewCipher([]byte(plainAPIV3Key))
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	closed := gcm.Seal(nil, []byte("0123456789ab"), []byte(resource), nil)
	return fmt.Sprintf(`{"id":"EV-1","create_time":"2026-11-24T10:00:00+08:00","event_type":%q,"resource_type":"encrypt-resource","summary":"支付成功",
		"resource":{"original_type":"transaction","algorithm":"AEAD_AES_256_GCM","ciphertext":%q,"nonce":"0123456789ab"}}`,
		event, base64.StdEncoding.EncodeToString(closed))
}

// tell3 posts a notify that was signed at a time, and returns what WeChat hears.
func (f *plainWechat) tell3(w *world, address, event, resource string, at time.Time) response {
	w.t.Helper()
	body, header := sealed3(event, resource), http.Header{}
	f.sign3(header, body, at)
	var pairs []string
	for name, values := range header {
		pairs = append(pairs, name, values[0])
	}
	return w.call(http.MethodPost, address, []byte(body), append(pairs, "Content-Type", "application/json")...)
}

// sealed2 is a refund notify of APIv2 around its fields.
func sealed2(fields map[string]string) string {
	var root bytes.Buffer
	root.WriteString("<root>\n")
	for name, value := range fields {
		fmt.Fprintf(&root, "<%s><![CDATA[%s]]></%s>\n", name, value, name)
	}
	root.WriteString("</root>")
	padding := aes.BlockSize - root.Len()%aes.BlockSize
	text := append(root.Bytes(), bytes.Repeat([]byte{byte(padding)}, padding)...)
	sum := md5.Sum([]byte(plainAPIKey))
	block, err := aes.NewCipher([]byte(hex.EncodeToString(sum[:])))
	if err != nil {
		panic(err)
	}
	for at := 0; at < len(text); at += aes.BlockSize {
		block.Encrypt(text[at:], text[at:])
	}
	return "<xml><return_code>SUCCESS</return_code><appid><![CDATA[wx2421b1c4370ec43b]]></appid><mch_id><![CDATA[10000100]]></mch_id>" +
		"<nonce_str><![CDATA[n]]></nonce_str><req_info><![CDATA[" + base64.StdEncoding.EncodeToString(text) + "]]></req_info></xml>"
}
