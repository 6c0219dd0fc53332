package simulator_test

import (
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

func TestV3CallIsRefusedForItsHeaders(t *testing.T) {
	t.Parallel()
	const sign, param = "401 SIGN_ERROR", "400 PARAM_ERROR"
	header := func(name, value string) func(v3shop, *http.Request) {
		return func(_ v3shop, r *http.Request) { r.Header.Set(name, value) }
	}
	authorized := func(old, by string) func(v3shop, *http.Request) {
		return func(_ v3shop, r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, by, 1))
		}
	}
	signedBy := func(key func() *rsa.PrivateKey) func(v3shop, *http.Request) {
		return func(s v3shop, r *http.Request) {
			s.key = key()
			r.Header.Set("Authorization", s.authorization(r.Method, r.RequestURI, ""))
		}
	}
	at := func(skew time.Duration) func(v3shop, *http.Request) {
		return func(s v3shop, _ *http.Request) { s.clock.advance(skew) }
	}
	for _, row := range []struct {
		name  string
		edit  func(v3shop, *http.Request)
		want  string
		about string // part of the message
	}{
		{"without Accept", header("Accept", ""), param, "Accept"},
		{"that takes pages alone", header("Accept", "text/html"), param + " Accept", "application/json"},
		{"without User-Agent", header("User-Agent", ""), param, "User-Agent"},
		{"without Authorization", header("Authorization", ""), sign, "is missing"},
		{"with another scheme", authorized("WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3"), sign, "scheme"},
		{"with a scheme alone", header("Authorization", "WECHATPAY2-SHA256-RSA2048"), sign, "name="},
		{"with a part that is not quoted", authorized(`nonce_str="`+nonce+`"`, "nonce_str="+nonce), sign, "name="},
		{"with a part that nobody knows", authorized("nonce_str", "nonce"), sign, "nonce does not belong there"},
		{"with a part twice", authorized("mchid=", `mchid="1900007291",mchid=`), sign, "mchid does not belong there, or stands there twice"},
		{"without a nonce", authorized(`nonce_str="`+nonce+`",`, ""), sign, "nonce_str is missing"},
		{"without mchid", authorized(`mchid="1900007291",`, ""), sign, "mchid is missing"},
		{"with an empty nonce", authorized(nonce, ""), sign, "nonce_str must have 1 to 32 bytes"},
		{"with a nonce of 33", authorized(nonce, nonce+"3"), sign, "nonce_str must have 1 to 32 bytes"},
		{"with milliseconds", authorized(`timestamp="1399521600"`, `timestamp="1399521600000"`), sign, "timestamp must be"},
		{"with a time in words", authorized(`timestamp="1399521600"`, `timestamp="noon"`), sign, "timestamp must be"},
		{"by a merchant that is not", authorized("1900007291", "1900007290"), sign, "nobody's"},
		{"by another merchant", authorized("1900007291", "1900007292"), sign, "serial_no"},
		{"with another serial", authorized("408B07E7", "508B07E7"), sign, "serial_no"},
		{"with a serial in lowercase", authorized("408B07E7", "408b07e7"), sign, "serial_no"},
		{"signed with another key", signedBy(strangeKey), sign + " signature", "验签失败"},
		{"signed with WeChat's key", signedBy(wechatKey), sign + " signature", "验签失败"},
		{"with a signature that is no base64", authorized(`signature="`, `signature="?`), sign + " signature", "验签失败"},
		{"with another nonce than was signed", authorized(nonce, "4"+nonce[1:]), sign + " signature", "验签失败"},
		{"with another time than was signed", authorized(`timestamp="1399521600"`, `timestamp="1399521601"`), sign + " signature", "验签失败"},
		{"more than five minutes late", at(5*time.Minute + time.Second), sign, "5分钟"},
		{"more than five minutes early", at(-5*time.Minute - time.Second), sign, "5分钟"},
		{"with another method", func(s v3shop, r *http.Request) { r.Method = http.MethodPut }, "405 METHOD_NOT_ALLOWED", "GET"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, func(c *simulator.Config) { c.UnsignedErrors = 1 })
			s.place("A00001", simulator.APP)
			request := s.request(http.MethodGet, "/v3/pay/transactions/out-trade-no/A00001?mchid=1900007291", "")
			row.edit(s, request)
			answer := s.send(request)
			message, _ := answer.body["message"].(string)
			if answer.refused() != row.want || !strings.Contains(message, row.about) {
				t.Errorf("answer is %d %s, want %s", answer.status, answer.text, row.want)
			}
		})
	}
}

func TestV3CallIsTakenWithAnyGoodHeader(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		edit func(v3shop, *http.Request)
	}{
		{"as it is", func(v3shop, *http.Request) {}},
		{"that takes anything", func(_ v3shop, r *http.Request) { r.Header.Set("Accept", "*/*") }},
		{"that takes pages too", func(_ v3shop, r *http.Request) { r.Header.Set("Accept", "text/html, application/json;q=0.9") }},
		{"five minutes late", func(s v3shop, _ *http.Request) { s.clock.advance(5 * time.Minute) }},
		{"five minutes early", func(s v3shop, _ *http.Request) { s.clock.advance(-5 * time.Minute) }},
		{"with its parts in another order", func(_ v3shop, r *http.Request) {
			scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			first, others, _ := strings.Cut(rest, ",")
			r.Header.Set("Authorization", scheme+" "+others+", "+first)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			s.place("A00001", simulator.APP)
			request := s.request(http.MethodGet, "/v3/pay/transactions/out-trade-no/A00001?mchid=1900007291", "")
			row.edit(s, request)
			if answer := s.send(request); answer.status != http.StatusOK {
				t.Errorf("answer is %d %s", answer.status, answer.text)
			}
		})
	}
}

func TestV3SignatureIsOverWhatWasSent(t *testing.T) {
	t.Parallel()
	const number = "A|0*01"
	const sent, other = "/v3/pay/transactions/out-trade-no/A%7C0%2A01?mchid=1900007291", "/v3/pay/transactions/out-trade-no/A%7C0*01?mchid=1900007291"
	s := openV3(t, nil)
	s.place(number, simulator.APP)
	for _, target := range []string{sent, other} {
		if answer := s.get(target); answer.status != http.StatusOK || answer.body["out_trade_no"] != number {
			t.Errorf("%s: answer is %s", target, answer.text)
		}
	}
	for _, signed := range []string{other, strings.Replace(sent, "%7C", "|", 1), strings.ToLower(sent), strings.TrimSuffix(sent, "?mchid=1900007291"), "https://api.mch.weixin.qq.com" + sent} {
		request := s.request(http.MethodGet, sent, "")
		request.Header.Set("Authorization", s.authorization(http.MethodGet, signed, ""))
		if answer := s.send(request); answer.refused() != "401 SIGN_ERROR signature" {
			t.Errorf("signed over %s: answer is %s", signed, answer.text)
		}
	}
}

func TestV3SignatureIsOverTheBodyAsItIs(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	good := strings.TrimSpace(spelled(t, s.order("A00001", simulator.APP)))
	for _, signed := range []string{"", good + "\n", strings.Replace(good, "1999", "1998", 1), strings.ReplaceAll(good, ",", ", ")} {
		request := s.request(http.MethodPost, paths[simulator.APP], good)
		request.Header.Set("Authorization", s.authorization(http.MethodPost, paths[simulator.APP], signed))
		if answer := s.send(request); answer.refused() != "401 SIGN_ERROR signature" {
			t.Errorf("signed over %q: answer is %s", signed, answer.text)
		}
	}
}

func TestV3SignErrorTellsWhatToSign(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	const target = "/v3/pay/transactions/app"
	request := s.request(http.MethodPost, target, "{}")
	request.Header.Set("Authorization", s.authorization(http.MethodPost, "/pay", "{}"))
	head := fmt.Sprintf("POST\n%s\n1399521600\n%s\n", target, nonce)
	want := body{
		"field": "signature", "location": "authorization", "issue": "sign not match",
		"sign_information": body{
			"method": "POST", "url": target, "truncated_sign_message": head, "sign_message_length": float64(len(head) + 3),
		},
	}
	if diff := cmp.Diff(want, s.send(request).body["detail"]); diff != "" {
		t.Errorf("another detail (-want +got):\n%s", diff)
	}
}

func TestV3ErrorsAreSignedNowAndThen(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		share       float64
		least, most int // signed, of 100
	}{
		{"half of them", 0, 30, 70},
		{"all of them", -1, 100, 100},
		{"none of them", 1, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, func(c *simulator.Config) { c.UnsignedErrors = row.share })
			signed := 0
			for range 100 {
				if answer := s.get("/v3/refund/domestic/refunds/R1"); answer.header.Get("Wechatpay-Signature") != "" {
					signed++
				}
			}
			if signed < row.least || signed > row.most {
				t.Errorf("%d of 100 are signed", signed)
			}
		})
	}
}

func TestV3AddressThatIsNot(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	if answer := s.get("/v3/pay/partner/transactions/app"); answer.refused() != "404 RESOURCE_NOT_EXISTS" {
		t.Errorf("answer is %d %s", answer.status, answer.text)
	}
}
