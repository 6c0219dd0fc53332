package simulator_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"settled/wechat/simulator"
)

// published is the merchant of APIv2's documents.
var published = simulator.Merchant{
	Name:              "published",
	Protocol:          simulator.V2,
	AppID:             "wx2421b1c4370ec43b",
	MchID:             "10000100",
	APIKey:            "192006250b4c09247ec02edce69f6a2d",
	CertificateSerial: "5A1D",
}

// careful is a merchant that signs with HMAC-SHA256.
var careful = simulator.Merchant{
	Name:     "careful",
	Protocol: simulator.V2,
	AppID:    "wx2421b1c4370ec43c",
	MchID:    "1900000309",
	APIKey:   "0123456789abcdef0123456789abcdef",
	SignType: simulator.HMACSHA256,
}

// v2OK is the answer to a notify that the document asks for.
const v2OK = "<xml>\n  <return_code><![CDATA[SUCCESS]]></return_code>\n  <return_msg><![CDATA[OK]]></return_msg>\n</xml>"

// fields are the elements of a document.
type fields = map[string]string

// v2shop is a merchant that speaks APIv2.
type v2shop struct{ *shop }

// openV2 opens a shop whose notifies are heard at once, unless edit says otherwise.
func openV2(t testing.TB, edit func(*simulator.Config)) v2shop {
	t.Helper()
	s := open(t, func(c *simulator.Config) {
		c.Merchants = []simulator.Merchant{published, careful, demo}
		c.Random = rand.NewChaCha8([32]byte{2})
		c.HTTP = &http.Client{Transport: hears(v2OK)}
		if edit != nil {
			edit(c)
		}
	})
	return v2shop{s.as(published)}
}

func (s v2shop) as(m simulator.Merchant) v2shop { return v2shop{s.shop.as(m)} }

// order is a plain order, not signed yet.
func (s v2shop) order(number string, trade simulator.TradeType) fields {
	order := s.common()
	maps.Copy(order, fields{
		"body":             "一壶茶",
		"notify_url":       "https://shop.example.com/notify/published",
		"out_trade_no":     number,
		"spbill_create_ip": "203.0.113.7",
		"total_fee":        "1999",
		"trade_type":       string(trade),
	})
	switch trade {
	case simulator.JSAPI:
		order["openid"] = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
	case simulator.Native:
		order["product_id"] = "tea"
	case simulator.APP:
	case simulator.MWEB:
		order["scene_info"] = `{"h5_info": {"type":"Wap","wap_url": "https://shop.example.com","wap_name": "茶"}}`
	}
	return order
}

// common is what every call has.
func (s v2shop) common() fields {
	common := fields{"appid": s.AppID, "mch_id": s.MchID, "nonce_str": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"}
	if s.SignType == simulator.HMACSHA256 {
		common["sign_type"] = simulator.HMACSHA256
	}
	return common
}

// asking is a call that has no more than the given element besides what every call has.
func (s v2shop) asking(name, value string) fields {
	call := s.common()
	call[name] = value
	return call
}

// refundOf asks for money back, not signed yet.
func (s v2shop) refundOf(number, refund, fee string) fields {
	call := s.common()
	maps.Copy(call, fields{
		"out_trade_no": number, "out_refund_no": refund, "total_fee": "1999", "refund_fee": fee,
		"notify_url": "https://shop.example.com/notify/refund",
	})
	return call
}

func (s v2shop) signature(values fields) string {
	signed := maps.Clone(values)
	maps.DeleteFunc(signed, func(name, value string) bool { return name == "sign" || value == "" })
	text := sorted(signed, asIs) + "&key=" + s.APIKey
	if s.SignType == simulator.HMACSHA256 {
		mac := hmac.New(sha256.New, []byte(s.APIKey))
		mac.Write([]byte(text))
		return fmt.Sprintf("%X", mac.Sum(nil))
	}
	return fmt.Sprintf("%X", md5.Sum([]byte(text)))
}

// post signs a call and makes it.
func (s v2shop) post(path string, values fields) fields {
	s.t.Helper()
	signed := maps.Clone(values)
	signed["sign"] = s.signature(values)
	return s.send(path, document(signed))
}

// send makes a call, and verifies the answer if it says who it is for.
func (s v2shop) send(path, body string) fields {
	s.t.Helper()
	response := s.do(http.MethodPost, path, []byte(body))
	if response.Code != http.StatusOK {
		s.t.Fatalf("%s answered %d %s", path, response.Code, response.Body)
	}
	answer := readDocument(s.t, response.Body.String())
	if answer["return_code"] == "SUCCESS" && answer["sign"] != s.signature(answer) {
		s.t.Errorf("the answer does not verify: %v", answer)
	}
	if answer["return_code"] != "SUCCESS" && len(answer) != 2 {
		s.t.Errorf("an answer without a signature says more than why: %v", answer)
	}
	return answer
}

// place places an order and returns what WeChat gave for it.
func (s v2shop) place(values fields) fields {
	s.t.Helper()
	answer := s.post("/pay/unifiedorder", values)
	if answer["result_code"] != "SUCCESS" {
		s.t.Fatalf("order refused: %v", answer)
	}
	return answer
}

// paid places an order and has it paid.
func (s v2shop) paid(number string) simulator.Receipt {
	s.t.Helper()
	receipt, err := s.wechat.Pay(s.t.Context(), s.appClient(s.place(s.order(number, simulator.APP))["prepay_id"]))
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt
}

// appClient is what the shop gives its app.
func (s v2shop) appClient(prepayID string) fields {
	client := fields{
		"appid": s.AppID, "partnerid": s.MchID, "prepayid": prepayID, "package": "Sign=WXPay",
		"noncestr": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS", "timestamp": fmt.Sprint(s.clock.Now().Unix()),
	}
	client["sign"] = s.signature(client)
	return client
}

// pageClient is what the shop gives its page.
func (s v2shop) pageClient(prepayID string) fields {
	client := fields{
		"appId": s.AppID, "package": "prepay_id=" + prepayID, "signType": "MD5",
		"nonceStr": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS", "timeStamp": fmt.Sprint(s.clock.Now().Unix()),
	}
	if s.SignType != "" {
		client["signType"] = s.SignType
	}
	client["paySign"] = s.signature(client)
	return client
}

// said is what an answer says no with: err_code, or return_msg if there is none.
func said(answer fields) string {
	if answer["return_code"] == "FAIL" {
		return "FAIL " + answer["return_msg"]
	}
	return answer["err_code"]
}

// document writes the elements as XML.
func document(values fields) string {
	var text strings.Builder
	text.WriteString("<xml>")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text.WriteString("<" + name + ">")
		_ = xml.EscapeText(&text, []byte(values[name])) // a Builder takes everything
		text.WriteString("</" + name + ">")
	}
	text.WriteString("</xml>")
	return text.String()
}

// readDocument reads the elements of XML, whatever its root is called.
func readDocument(t testing.TB, text string) fields {
	t.Helper()
	var root struct {
		Elements []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatalf("read %q: %v", text, err)
	}
	values := fields{}
	for _, element := range root.Elements {
		values[element.XMLName.Local] = element.Text
	}
	return values
}
