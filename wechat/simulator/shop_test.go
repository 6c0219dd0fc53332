package simulator_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"settled/wechat/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// beijing is the zone of WeChat's times, opening the moment at which most tests begin.
var (
	beijing = time.FixedZone("GMT+8", 8*60*60)
	opening = time.Date(2014, 5, 8, 12, 0, 0, 0, beijing)
)

// demo is the merchant of WeChat's documents.
var demo = simulator.Merchant{
	Name:      "classic",
	Protocol:  simulator.Legacy,
	AppID:     "wxd930ea5d5a258f4f",
	AppSecret: "db426a9829e4b49a0dcac7b4162da6b6",
	PaySignKey: "L8LrMqqeGRxST5reouB0K66CaYAWpqhAVsq7ggKkxHCOastWksvuX1uvmvQclxaH" +
		"oYd3ElNBrNO2DHnnzgfVG9Qs473M3DTOZug5er46FhuGofumV8H2FVR9qkjSlC5K",
	PartnerID:  "1900000109",
	PartnerKey: "8934e7d15453e97507ef794cf7b0519d",
}

// other is a second merchant.
var other = simulator.Merchant{
	Name:       "corner",
	Protocol:   simulator.Legacy,
	AppID:      "wx0123456789abcdef",
	AppSecret:  "0123456789abcdef0123456789abcdef",
	PaySignKey: "another pay sign key",
	PartnerID:  "1900000208",
	PartnerKey: "another partner key",
}

// shop is a merchant with its own idea of how to sign, and the WeChat that it talks to.
type shop struct {
	t testing.TB
	simulator.Merchant
	wechat   *simulator.Simulator
	clock    *clock
	attempts chan simulator.NotifyAttempt
}

// open opens a shop whose notifies are heard at once, unless edit says otherwise.
func open(t testing.TB, edit func(*simulator.Config)) *shop {
	t.Helper()
	s := &shop{t: t, Merchant: demo, clock: &clock{now: opening}, attempts: make(chan simulator.NotifyAttempt, 1000)}
	cfg := simulator.Config{
		Merchants: []simulator.Merchant{demo, other},
		Now:       s.clock.Now,
		Random:    rand.NewChaCha8([32]byte{1}),
		HTTP:      &http.Client{Transport: hears("success")},
		OnNotify:  func(a simulator.NotifyAttempt) { s.attempts <- a },
	}
	if edit != nil {
		edit(&cfg)
	}
	wechat, err := simulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wechat.Close)
	s.wechat = wechat
	return s
}

// as is the same WeChat seen by another merchant.
func (s *shop) as(m simulator.Merchant) *shop {
	another := *s
	another.Merchant = m
	return &another
}

// order is a plain order's package, not signed yet.
func (s *shop) order(number string) map[string]string {
	return map[string]string{
		"bank_type":        "WX",
		"body":             "One pot of tea",
		"fee_type":         "1",
		"input_charset":    "UTF-8",
		"notify_url":       "http://shop.example.com/notify/classic",
		"out_trade_no":     number,
		"partner":          s.PartnerID,
		"spbill_create_ip": "203.0.113.7",
		"total_fee":        "1999",
	}
}

// pack signs and encodes a package.
func (s *shop) pack(values map[string]string) string {
	pairs := sorted(values, url.QueryEscape)
	return strings.ReplaceAll(pairs, "+", "%20") + "&sign=" + s.md5(values)
}

func (s *shop) md5(values map[string]string) string {
	return fmt.Sprintf("%X", md5.Sum([]byte(sorted(values, asIs)+"&key="+s.PartnerKey)))
}

// sign signs a body, and adds what is not signed.
func (s *shop) sign(body map[string]any) map[string]any {
	values := map[string]string{"appkey": s.PaySignKey}
	for key, value := range body {
		values[key] = fmt.Sprint(value)
	}
	signed := maps.Clone(body)
	signed["app_signature"] = s.sha1(values)
	signed["sign_method"] = "sha1"
	return signed
}

func (s *shop) sha1(values map[string]string) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(sorted(values, asIs))))
}

func asIs(text string) string { return text }

func sorted(values map[string]string, spell func(string) string) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		pairs = append(pairs, key+"="+spell(values[key]))
	}
	return strings.Join(pairs, "&")
}

// prepayBody is genprepay's body, not signed yet.
func (s *shop) prepayBody(packed string) map[string]any {
	return map[string]any{
		"appid":     s.AppID,
		"traceid":   "test_1399514976",
		"noncestr":  "e7d161ac8d8a76529d39d9f5b4249ccb",
		"package":   packed,
		"timestamp": s.clock.Now().Unix(),
	}
}

func (s *shop) queryBody(number string) map[string]any {
	values := map[string]string{"out_trade_no": number, "partner": s.PartnerID}
	return map[string]any{
		"appid":     s.AppID,
		"package":   sorted(values, asIs) + "&sign=" + s.md5(values),
		"timestamp": fmt.Sprint(s.clock.Now().Unix()),
	}
}

// token fetches an access token.
func (s *shop) token() string {
	s.t.Helper()
	token, _ := s.get("/cgi-bin/token?grant_type=client_credential&appid=" + s.AppID + "&secret=" + s.AppSecret)["access_token"].(string)
	if token == "" {
		s.t.Fatal("no token")
	}
	return token
}

// prepay places an order and returns its prepay id.
func (s *shop) prepay(values map[string]string) string {
	s.t.Helper()
	answer := s.post("/pay/genprepay?access_token="+s.token(), s.sign(s.prepayBody(s.pack(values))))
	id, _ := answer["prepayid"].(string)
	if id == "" {
		s.t.Fatalf("no prepay id: %v", answer)
	}
	return id
}

// client is what the shop gives its app for a prepay id.
func (s *shop) client(prepayID string) map[string]string {
	client := map[string]string{
		"appid":     s.AppID,
		"noncestr":  "adssdasssd13d",
		"package":   "Sign=WXPay",
		"partnerid": s.PartnerID,
		"prepayid":  prepayID,
		"timestamp": fmt.Sprint(s.clock.Now().Unix()),
	}
	signed := maps.Clone(client)
	signed["appkey"] = s.PaySignKey
	client["sign"] = s.sha1(signed)
	return client
}

// pay places an order and has it paid.
func (s *shop) pay(values map[string]string) simulator.Receipt {
	s.t.Helper()
	receipt, err := s.wechat.Pay(s.t.Context(), s.client(s.prepay(values)))
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt
}

func (s *shop) query(number string) map[string]any {
	s.t.Helper()
	return s.post("/pay/orderquery?access_token="+s.token(), s.sign(s.queryBody(number)))
}

func (s *shop) get(target string) map[string]any {
	s.t.Helper()
	return s.call(http.MethodGet, target, nil)
}

func (s *shop) post(target string, value any) map[string]any {
	s.t.Helper()
	return s.call(http.MethodPost, target, []byte(spelled(s.t, value)))
}

// spelled is JSON the way WeChat wants it: without \u escapes.
func spelled(t testing.TB, value any) string {
	t.Helper()
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func (s *shop) call(method, target string, body []byte) map[string]any {
	s.t.Helper()
	response := s.do(method, target, body)
	var answer map[string]any
	if err := json.Unmarshal(response.Body.Bytes(), &answer); err != nil {
		s.t.Fatalf("%s answered %d %q: %v", target, response.Code, response.Body, err)
	}
	return answer
}

func (s *shop) do(method, target string, body []byte) *httptest.ResponseRecorder {
	s.t.Helper()
	request := httptest.NewRequestWithContext(s.t.Context(), method, target, bytes.NewReader(body))
	response := httptest.NewRecorder()
	s.wechat.ServeHTTP(response, request)
	return response
}

// attempt waits for the next notify.
func (s *shop) attempt() simulator.NotifyAttempt {
	s.t.Helper()
	select {
	case a := <-s.attempts:
		return a
	case <-time.After(10 * time.Second):
		s.t.Fatal("no notify came")
		panic("unreachable")
	}
}

func (s *shop) switches(switches simulator.Switches) {
	s.t.Helper()
	if err := s.wechat.Switch(switches); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) look(number string) simulator.Order {
	s.t.Helper()
	o, err := s.wechat.Order(s.Name, number)
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

// clock is a clock that stands still until it is told otherwise.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// elapse lets the clock of a bubble run, and everything happen that is due by then. Nobody
// waits for it.
func elapse(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// ingress is where the shop hears notifies, without a socket between.
type ingress func(*http.Request) (status int, body string, err error)

// RoundTrip makes an ingress an http.RoundTripper.
func (i ingress) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body, err := i(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// hears answers every notify the same.
func hears(body string) ingress {
	return func(*http.Request) (int, string, error) { return http.StatusOK, body, nil }
}
