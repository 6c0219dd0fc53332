package wechat_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"settled"
	"settled/wechat"
)

// The merchant of the payment notification document, with the key of the signature
// document's example.
const (
	v2AppID     = "wx2421b1c4370ec43b"
	v2MchID     = "10000100"
	v2Key       = "192006250b4c09247ec02edce69f6a2d"
	v2NotifyURL = "https://pay.example.com/notify/shop2"
)

// v2Request is a request as one of WeChat's hosts got it.
type v2Request struct {
	Host, Method, Path, Media, Body string
	Certificate                     string // the common name of the client's; empty: it showed none
}

// v2Bundle is a gateway of APIv2 with everything around it.
type v2Bundle struct {
	gateway *wechat.V2

	mu       sync.Mutex
	requests []v2Request
	observed []string
	changed  []string
	log      bytes.Buffer
}

// openV2 starts a WeChat that answers with handle and a gateway that speaks to it.
func openV2(t *testing.T, handle http.HandlerFunc, change ...func(*v2Bundle, *wechat.V2Config)) *v2Bundle {
	t.Helper()
	b := &v2Bundle{}
	main := httptest.NewServer(b.host(t, "main", handle))
	t.Cleanup(main.Close)
	cfg := wechat.V2Config{
		Merchant: "shop2", AppID: v2AppID, MchID: v2MchID, APIKey: v2Key, Endpoint: main.URL, NotifyURL: v2NotifyURL,
		Now: func() time.Time { return now }, Random: zeros{},
		Observe: func(c wechat.Call) {
			b.note(&b.observed, strings.TrimSpace(c.Name+" "+c.Host+" "+c.Outcome+" "+c.Code+" "+c.RequestID))
		},
		HostChanged: func(host string, open bool) { b.note(&b.changed, fmt.Sprint(host, " ", open)) },
		Log:         slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, change := range change {
		change(b, &cfg)
	}
	var err error
	if b.gateway, err = wechat.NewV2(cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

// withBackup adds a second host.
func withBackup(t *testing.T, handle http.HandlerFunc) func(*v2Bundle, *wechat.V2Config) {
	return func(b *v2Bundle, cfg *wechat.V2Config) {
		backup := httptest.NewServer(b.host(t, "backup", handle))
		t.Cleanup(backup.Close)
		cfg.BackupEndpoint = backup.URL
	}
}

// host keeps what comes in, and then handles it.
func (b *v2Bundle) host(t *testing.T, name string, handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		got := v2Request{Host: name, Method: r.Method, Path: r.RequestURI, Media: r.Header.Get("Content-Type"), Body: string(body)}
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			got.Certificate = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		b.mu.Lock()
		b.requests = append(b.requests, got)
		b.mu.Unlock()
		handle(w, r)
	}
}

func (b *v2Bundle) note(list *[]string, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*list = append(*list, what)
}

// got returns the requests that came in so far.
func (b *v2Bundle) got() []v2Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// v2Sign signs as the signature document says, with HMAC-SHA256. It shares no line with
// the code that is tested.
func v2Sign(fields map[string]string, key string) string {
	var pairs []string
	for name, value := range fields {
		if name != "sign" && value != "" {
			pairs = append(pairs, name+"="+value)
		}
	}
	slices.Sort(pairs)
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%s&key=%s", strings.Join(pairs, "&"), key)
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

// v2XML writes a message as it is.
func v2XML(root string, fields map[string]string) string {
	var message strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(&message, "<%s><![CDATA[%s]]></%s>\n", name, fields[name], name)
	}
	return "<" + root + ">\n" + message.String() + "</" + root + ">"
}

// v2Message signs and writes a message from WeChat to the merchant; fields come on top of
// those that all messages have.
func v2Message(key string, fields map[string]string) string {
	all := map[string]string{
		"return_code": "SUCCESS", "return_msg": "OK", "result_code": "SUCCESS",
		"appid": v2AppID, "mch_id": v2MchID, "nonce_str": "TN55wO9Pba5yENl8",
	}
	maps.Copy(all, fields)
	all["sign"] = v2Sign(all, key)
	return v2XML("xml", all)
}

// v2Yes is an answer that says yes.
func v2Yes(fields map[string]string) string { return v2Message(v2Key, fields) }

// v2No is an answer that says no.
func v2No(code, message string) string {
	return v2Yes(map[string]string{"result_code": "FAIL", "err_code": code, "err_code_des": message})
}

// v2Fail is an answer of WeChat's that has not looked at what was asked.
func v2Fail(message string) string {
	return v2XML("xml", map[string]string{"return_code": "FAIL", "return_msg": message})
}

// v2With is fields with some of them changed; an empty value takes one out.
func v2With(fields map[string]string, change ...string) map[string]string {
	changed := maps.Clone(fields)
	for i := 0; i < len(change); i += 2 {
		changed[change[i]] = change[i+1]
	}
	maps.DeleteFunc(changed, func(_, value string) bool { return value == "" })
	return changed
}

// v2Read reads a request and takes its signature off, which has to be right.
func v2Read(t *testing.T, message string) map[string]string {
	t.Helper()
	var read struct {
		Elements []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(message), &read); err != nil {
		t.Fatalf("%v: %s", err, message)
	}
	fields := map[string]string{}
	for _, element := range read.Elements {
		fields[element.XMLName.Local] = element.Text
	}
	if want := v2Sign(fields, v2Key); fields["sign"] != want {
		t.Errorf("sign %s, want %s", fields["sign"], want)
	}
	delete(fields, "sign")
	return fields
}

// v2Asked is what every request of the merchant's holds, with more on top.
func v2Asked(more map[string]string) map[string]string {
	all := map[string]string{"appid": v2AppID, "mch_id": v2MchID, "nonce_str": nonce, "sign_type": "HMAC-SHA256"}
	maps.Copy(all, more)
	return all
}

// v2Payment is a payment of a trade type.
func v2Payment(as settled.TradeType) settled.Payment {
	p := payment()
	p.Merchant, p.TradeType, p.PayerOpenID = "shop2", as, "oUpF8uMEb4qRXf22hE3X68TekukE"
	p.PrepayRequest = []byte("<xml><stored>as it is &amp; was</stored></xml>")
	return p
}
