package wechat_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"settled"
	"settled/wechat"
	v3 "settled/wechat/v3"
)

// The merchant of APIv3, and what WeChat signs with.
const (
	v3MchID      = "1900007291"
	v3Key        = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"
	v3Serial     = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"
	v3PublicID   = "PUB_KEY_ID_0100000000"
	v3OldSerial  = "A1"
	v3NewSerial  = "B2"
	v3NotifyURL  = "https://pay.example.com/notify/shop3"
	v3Nonce      = "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"
	v3AnswerName = "08F78BA98206" // Request-ID of every answer
)

// Keys take long to make, so all tests share them.
var (
	v3Merchant = sync.OnceValue(v3GenerateKey)
	v3Wechat   = map[string]func() *rsa.PrivateKey{
		v3PublicID:  sync.OnceValue(v3GenerateKey),
		v3OldSerial: sync.OnceValue(v3GenerateKey),
		v3NewSerial: sync.OnceValue(v3GenerateKey),
	}
)

func v3GenerateKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// v3Request is a request as WeChat got it.
type v3Request struct {
	Method, URI, Body string
	Host, Serial      string // Wechatpay-Serial
	header            http.Header
}

// v3Answer is what WeChat answers.
type v3Answer struct {
	status int
	body   string
	serial string // of the key that signs; empty: nobody signs
	forge  func(http.Header)
}

// signed is a success, signed with the public key's private half.
func signed(body string) v3Answer { return v3Answer{status: 200, body: body, serial: v3PublicID} }

// refused is an unsigned error.
func refused(status int, code string) v3Answer {
	return v3Answer{status: status, body: `{"code":"` + code + `","message":"m"}`}
}

// v3Bundle is a gateway of APIv3 with everything around it.
type v3Bundle struct {
	gateway *wechat.V3
	fetcher *wechat.V3CertificateFetcher
	main    *httptest.Server

	mu       sync.Mutex
	clock    time.Time
	requests []v3Request
	observed []string
	verified []string
	log      bytes.Buffer
}

// openV3 starts a WeChat that gives the answers in turn, the last one for ever, and a
// gateway that speaks to it.
func openV3(t *testing.T, change func(*wechat.V3Config), answers ...v3Answer) *v3Bundle {
	t.Helper()
	b := &v3Bundle{clock: now}
	b.main = b.serve(t, answers...)
	cfg := wechat.V3Config{
		Merchant: "shop3", AppID: appID, MchID: v3MchID, APIV3Key: v3Key, PrivateKey: v3Merchant(), CertificateSerial: v3Serial,
		PublicKeyID: v3PublicID, PublicKey: &v3Wechat[v3PublicID]().PublicKey,
		Endpoint: b.main.URL, NotifyURL: v3NotifyURL, Now: b.now,
		Observe: func(c wechat.Call) {
			b.note(&b.observed, c.Name+" "+c.Host+" "+c.Outcome+" "+c.Code+" "+c.RequestID)
		},
		Verified: func(keyID, what string) { b.note(&b.verified, keyID+" "+what) },
		Log:      slog.New(slog.NewTextHandler(&b.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if b.gateway, err = wechat.NewV3(cfg); err != nil {
		t.Fatal(err)
	}
	if b.fetcher, err = wechat.NewV3CertificateFetcher(cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

// serve starts a host of WeChat's. One without answers cuts every connection.
func (b *v3Bundle) serve(t *testing.T, answers ...v3Answer) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		b.mu.Lock()
		b.requests = append(b.requests, v3Request{
			r.Method, r.RequestURI, string(body), r.Host, r.Header.Get("Wechatpay-Serial"), r.Header,
		})
		if len(answers) == 0 {
			b.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		a := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		at := b.clock
		b.mu.Unlock()
		a.write(t, w, at)
	}))
	t.Cleanup(server.Close)
	return server
}

func (a v3Answer) write(t *testing.T, w http.ResponseWriter, at time.Time) {
	t.Helper()
	for name, values := range v3Headers(t, a.serial, a.body, at) {
		w.Header()[name] = values
	}
	w.Header().Set("request-id", v3AnswerName)
	if a.forge != nil {
		a.forge(w.Header())
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// v3Headers signs as WeChat does.
func v3Headers(t *testing.T, serial, body string, at time.Time) http.Header {
	t.Helper()
	if serial == "" {
		return nil
	}
	key := v3Wechat[v3PublicID]
	if named, ok := v3Wechat[serial]; ok {
		key = named
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256([]byte(timestamp + "\n" + v3Nonce + "\n" + body + "\n"))
	raw, err := rsa.SignPKCS1v15(nil, key(), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return http.Header{
		"Wechatpay-Timestamp": {timestamp}, "Wechatpay-Nonce": {v3Nonce}, "Wechatpay-Serial": {serial},
		"Wechatpay-Signature": {base64.StdEncoding.EncodeToString(raw)},
	}
}

func (b *v3Bundle) note(where *[]string, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*where = append(*where, what)
}

func (b *v3Bundle) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *v3Bundle) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

// got returns the requests that came in so far.
func (b *v3Bundle) got() []v3Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]v3Request(nil), b.requests...)
}

// v3Seal encrypts as WeChat does.
func v3Seal(t *testing.T, nonce, associatedData, text string) map[string]string {
	t.Helper()
	block, err := aes.NewCipher([]byte(v3Key))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": associatedData,
		"ciphertext": base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), []byte(text), []byte(associatedData))),
	}
}

// v3Certificate returns a platform certificate of WeChat's in PEM, as old as its serial is
// low, and good for a day from now.
func v3Certificate(t *testing.T, serial string) string {
	t.Helper()
	number, _ := new(big.Int).SetString(serial, 16)
	template := x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: "Tenpay.com sign"},
		NotBefore: now.Add(-1000 * time.Hour).Add(time.Duration(number.Int64()) * time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &v3Wechat[serial]().PublicKey, v3Wechat[serial]())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// v3Certificates is the body of an answer to certificates.
func v3Certificates(t *testing.T, serials ...string) string {
	t.Helper()
	var data []any
	for i, serial := range serials {
		data = append(data, map[string]any{
			"serial_no":           serial,
			"encrypt_certificate": v3Seal(t, "0123456789a"+strconv.Itoa(i), "certificate", v3Certificate(t, serial)),
		})
	}
	body, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// texts hands out texts in turn: the next one once the one before is refused.
type texts struct {
	mu      sync.Mutex
	all     []string
	refused int
	taken   int
	err     error
}

func (s *texts) Token(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	if s.err != nil {
		return "", s.err
	}
	return s.all[min(s.refused, len(s.all)-1)], nil
}

func (s *texts) Refused(_ context.Context, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == s.all[min(s.refused, len(s.all)-1)] {
		s.refused++
	}
	return nil
}

func (s *texts) counted() (taken, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken, s.refused
}

// platform makes a config of one whose answers platform certificates verify.
func platform(shared wechat.Tokens) func(*wechat.V3Config) {
	return func(cfg *wechat.V3Config) { cfg.PublicKeyID, cfg.PublicKey, cfg.Certificates = "", nil, shared }
}

// v3Payment is a payment of APIv3 with its prepay request stored.
func v3Payment() settled.Payment {
	p := payment()
	p.Merchant, p.OrderID, p.PayerOpenID = "shop3", "T|20140508*17", "oX99MDgNcgwnz3zFN3DNmo8uwa-w"
	return p
}

// checkSigned holds the Authorization of a request against what was sent.
func checkSigned(t *testing.T, r v3Request) {
	t.Helper()
	fields := map[string]string{}
	authorization, ok := strings.CutPrefix(r.header.Get("Authorization"), "WECHATPAY2-SHA256-RSA2048 ")
	for field := range strings.SplitSeq(authorization, ",") {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = strings.Trim(value, `"`)
	}
	text := r.Method + "\n" + r.URI + "\n" + fields["timestamp"] + "\n" + fields["nonce_str"] + "\n" + r.Body + "\n"
	raw, err := base64.StdEncoding.DecodeString(fields["signature"])
	sum := sha256.Sum256([]byte(text))
	if !ok || err != nil || rsa.VerifyPKCS1v15(&v3Merchant().PublicKey, crypto.SHA256, sum[:], raw) != nil {
		t.Errorf("%s %s is not signed: %s", r.Method, r.URI, authorization)
	}
	if fields["mchid"] != v3MchID || fields["serial_no"] != v3Serial || len(fields["nonce_str"]) != 32 {
		t.Errorf("got %v", fields)
	}
	if r.header.Get("Accept") != "application/json" || r.header.Get("User-Agent") != "settled" {
		t.Errorf("got %v", r.header)
	}
}

// publicOf is a further key that verifies.
func publicOf(serial string) v3.Key {
	return v3.Key{ID: serial, Public: &v3Wechat[serial]().PublicKey}
}

// unknownOf is the unknown outcome that an error tells of.
func unknownOf(t *testing.T, err error) *settled.Unknown {
	t.Helper()
	var unknown *settled.Unknown
	if !errors.As(err, &unknown) {
		t.Fatalf("got %v", err)
	}
	return unknown
}
