package simulator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

// openCertified opens a shop that verifies with platform certificates.
func openCertified(t *testing.T) v3shop { return openV3(t, nil).as(certified()) }

// downloaded are the serials of the certificates that can be downloaded, each of which has
// been decrypted and looked into.
func (s v3shop) downloaded() []string {
	s.t.Helper()
	answer := s.get("/v3/certificates")
	if answer.status != http.StatusOK {
		s.t.Fatalf("answer is %d %s", answer.status, answer.text)
	}
	list, _ := answer.body["data"].([]any)
	var serials []string
	for _, item := range list {
		listed, _ := item.(body)
		certificate := s.certificate(s.open(listed["encrypt_certificate"]))
		serial := strings.ToUpper(certificate.SerialNumber.Text(16))
		want := body{
			"serial_no": serial, "encrypt_certificate": listed["encrypt_certificate"],
			"effective_time": certificate.NotBefore.In(beijing).Format(time.RFC3339),
			"expire_time":    certificate.NotBefore.AddDate(5, 0, 0).In(beijing).Format(time.RFC3339),
		}
		if diff := cmp.Diff(want, listed); diff != "" {
			s.t.Errorf("another certificate (-want +got):\n%s", diff)
		}
		if !certificate.NotAfter.Equal(certificate.NotBefore.AddDate(5, 0, 0)) {
			s.t.Errorf("valid from %s until %s", certificate.NotBefore, certificate.NotAfter)
		}
		serials = append(serials, serial)
	}
	return serials
}

func TestV3CertificatesAreDownloaded(t *testing.T) {
	t.Parallel()
	s := openCertified(t)
	if diff := cmp.Diff([]string{s.WechatKeyID}, s.downloaded()); diff != "" {
		t.Errorf("other certificates (-want +got):\n%s", diff)
	}
	sealed := func() any {
		list, _ := s.get("/v3/certificates").body["data"].([]any)
		first, _ := list[0].(body)
		return first["encrypt_certificate"]
	}
	if cmp.Equal(sealed(), sealed()) {
		t.Error("two answers were encrypted with one nonce")
	}
}

func TestV3CertificatesAreNotThereInPublicKeyMode(t *testing.T) {
	t.Parallel()
	if answer := openV3(t, nil).get("/v3/certificates"); answer.refused() != "404 RESOURCE_NOT_EXISTS" {
		t.Errorf("answer is %d %s", answer.status, answer.text)
	}
}

// signers are the keys that a number of answers or notifies are signed with, sorted.
func signers(number int, signer func() string) []string {
	var seen []string
	for range number {
		if id := signer(); !slices.Contains(seen, id) {
			seen = append(seen, id)
		}
	}
	slices.Sort(seen)
	return seen
}

// answers is what the answer to a call that asks for a key is signed with.
func (s v3shop) answers(asked string) string {
	s.t.Helper()
	request := s.request(http.MethodGet, "/v3/pay/transactions/out-trade-no/A00001?mchid="+s.MchID, "")
	if asked != "" {
		request.Header.Set("Wechatpay-Serial", asked)
	}
	return s.send(request).header.Get("Wechatpay-Serial")
}

func TestV3AnswerIsSignedWithTheKeyThatIsAskedFor(t *testing.T) {
	t.Parallel()
	s := openCertified(t)
	s.place("A00001", simulator.APP)
	if err := s.wechat.RotateCertificate(s.Name); err != nil {
		t.Fatal(err)
	}
	public, old := s.keys().PublicKeyID, s.keys().Certificates[0].SerialNo
	fresh := s.keys().Certificates[1].SerialNo
	both := []string{old, fresh}
	slices.Sort(both)
	for _, row := range []struct {
		asked string
		want  []string
	}{
		{public, []string{public}},
		{old, []string{old}},
		{fresh, []string{fresh}},
		{"", both},
		{"PUB_KEY_ID_0", both},
		{strings.ToLower(fresh), both},
	} {
		if diff := cmp.Diff(row.want, signers(40, func() string { return s.answers(row.asked) })); diff != "" {
			t.Errorf("asked for %q (-want +got):\n%s", row.asked, diff)
		}
	}
}

func TestV3CertificateIsRotated(t *testing.T) {
	t.Parallel()
	s := openCertified(t)
	s.place("A00001", simulator.APP)
	s.clock.advance(time.Hour)
	if err := s.wechat.RotateCertificate(s.Name); err != nil {
		t.Fatal(err)
	}
	keys := s.keys()
	if len(keys.Certificates) != 2 || keys.Certificates[0].SerialNo != s.WechatKeyID || !keys.Certificates[1].From.Equal(s.clock.Now()) {
		t.Fatalf("keys are %+v", keys)
	}
	fresh := keys.Certificates[1].SerialNo
	if diff := cmp.Diff([]string{s.WechatKeyID, fresh}, s.downloaded()); diff != "" {
		t.Errorf("other certificates in the meantime (-want +got):\n%s", diff)
	}
	if err := s.wechat.RetireCertificates(s.Name); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fresh}, s.downloaded()); diff != "" {
		t.Errorf("other certificates afterwards (-want +got):\n%s", diff)
	}
	if got := signers(20, func() string { return s.answers(s.WechatKeyID) }); !slices.Equal(got, []string{fresh}) {
		t.Errorf("answers are signed with %v", got)
	}
}

// signedBy counts the notifies of a number of payments that a key signs.
func (s v3shop) signedBy(id string, notifies <-chan heard, numbers ...string) (signed int) {
	s.t.Helper()
	for _, number := range numbers {
		s.paid(number)
		n := <-notifies
		s.verify(n.header, n.body)
		if n.header.Get("Wechatpay-Serial") == id {
			signed++
		}
	}
	return signed
}

func TestV3MerchantMovesToThePublicKey(t *testing.T) {
	t.Parallel()
	s, notifies := postedV3(t, http.StatusOK, nil)
	s = s.as(certified())
	s.place("A00001", simulator.APP)
	public, serial, paid := s.keys().PublicKeyID, s.WechatKeyID, 0
	for _, row := range []struct {
		share       float64
		least, most int // notifies of 40 that the public key signs
		answer      string
		mode        simulator.KeyMode
		status      int // of a download
	}{
		{0, 0, 0, serial, simulator.PlatformCertificates, http.StatusOK},
		{0.5, 4, 36, serial, simulator.PlatformCertificates, http.StatusOK},
		{1, 40, 40, public, simulator.PublicKey, http.StatusNotFound},
		{0, 0, 0, serial, simulator.PlatformCertificates, http.StatusOK},
	} {
		if err := s.wechat.ShiftToPublicKey(s.Name, row.share); err != nil {
			t.Fatal(err)
		}
		var numbers []string
		for range 40 {
			paid++
			numbers = append(numbers, fmt.Sprintf("N%05d", paid))
		}
		signed := s.signedBy(public, notifies, numbers...)
		if signed < row.least || signed > row.most {
			t.Errorf("at %v the public key signs %d of 40 notifies", row.share, signed)
		}
		if got := s.answers(""); got != row.answer {
			t.Errorf("at %v an answer is signed with %s", row.share, got)
		}
		if got := s.answers(serial); got != serial {
			t.Errorf("at %v an answer is signed with %s, not as asked", row.share, got)
		}
		if got := s.keys(); got.KeyMode != row.mode || got.PublicShare != row.share {
			t.Errorf("at %v keys are %+v", row.share, got)
		}
		if got := s.get("/v3/certificates").status; got != row.status {
			t.Errorf("at %v a download is answered %d", row.share, got)
		}
	}
}

func TestV3MerchantMovesBackToCertificates(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	s.place("A00001", simulator.APP)
	if err := s.wechat.ShiftToPublicKey(s.Name, 0); err != nil {
		t.Fatal(err)
	}
	serials := s.downloaded()
	if len(serials) != 1 || s.answers("") != serials[0] || s.answers(wechatKeyID) != wechatKeyID {
		t.Errorf("certificates are %v", serials)
	}
}

func TestV3KeysOverHTTP(t *testing.T) {
	t.Parallel()
	s := openCertified(t)
	read := func(method, target, content string) (status int, keys simulator.Keys) {
		response := s.do(method, target, []byte(content))
		if err := json.Unmarshal(response.Body.Bytes(), &keys); err != nil {
			t.Fatalf("%s answered %s", target, response.Body)
		}
		return response.Code, keys
	}
	status, keys := read(http.MethodGet, "/simulator/keys?merchant=certified", "")
	if diff := cmp.Diff(s.keys(), keys); status != http.StatusOK || diff != "" {
		t.Errorf("other keys (-want +got):\n%s", diff)
	}
	for _, row := range []struct {
		content      string
		certificates int
		mode         simulator.KeyMode
	}{
		{`{"merchant": "certified", "rotate": true}`, 2, simulator.PlatformCertificates},
		{`{"merchant": "certified", "retire": true}`, 1, simulator.PlatformCertificates},
		{`{"merchant": "1900007292", "rotate": true, "retire": true, "public_share": 0.2}`, 1, simulator.PlatformCertificates},
		{`{"merchant": "certified", "public_share": 1}`, 1, simulator.PublicKey},
	} {
		status, keys := read(http.MethodPost, "/simulator/keys", row.content)
		if status != http.StatusOK || len(keys.Certificates) != row.certificates || keys.KeyMode != row.mode {
			t.Errorf("%s: answer is %d %+v", row.content, status, keys)
		}
	}
	for content, want := range map[string]int{
		`{"merchant": "nobody", "rotate": true}`:         http.StatusNotFound,
		`{"rotate": true}`:                               http.StatusNotFound, // there are two
		`{"merchant": "certified", "public_share": 1.1}`: http.StatusBadRequest,
		`{"merchant": "certified", "mode": "none"}`:      http.StatusBadRequest,
	} {
		if status, _ := read(http.MethodPost, "/simulator/keys", content); status != want {
			t.Errorf("%s is answered %d", content, status)
		}
	}
}

func TestV3KeysOfNobody(t *testing.T) {
	t.Parallel()
	wechat := openV3(t, nil).wechat
	_, err := wechat.Keys("nobody")
	for name, err := range map[string]error{
		"keys": err, "rotate": wechat.RotateCertificate("nobody"), "retire": wechat.RetireCertificates("nobody"), "shift": wechat.ShiftToPublicKey("nobody", 1),
	} {
		if !errors.Is(err, simulator.ErrUnknownMerchant) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestV3KeysAreMadeIfThereAreNone(t *testing.T) {
	t.Parallel()
	for _, mode := range []simulator.KeyMode{simulator.PublicKey, simulator.PlatformCertificates, ""} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			m := modern()
			m.KeyMode, m.WechatKey, m.WechatKeyID = mode, nil, ""
			s := openV3(t, func(c *simulator.Config) { c.Merchants = []simulator.Merchant{m} }).as(m)
			s.place("A00001", simulator.APP) // which verifies the answer
			keys, err := s.wechat.Keys("")
			if err != nil || !strings.HasPrefix(keys.PublicKeyID, "PUB_KEY_ID_") || keys.Merchant != "modern" {
				t.Errorf("keys are %+v: %v", keys, err)
			}
		})
	}
}

func TestV3NewRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		edit func(*simulator.Merchant)
	}{
		{"an APIv3 key of 31 bytes", func(m *simulator.Merchant) { m.APIV3Key = m.APIV3Key[1:] }},
		{"no public key", func(m *simulator.Merchant) { m.PublicKey = nil }},
		{"a serial in lowercase", func(m *simulator.Merchant) { m.CertificateSerial = "4f" }},
		{"a mode that is not", func(m *simulator.Merchant) { m.KeyMode = "certificates" }},
		{"a public key without its prefix", func(m *simulator.Merchant) { m.WechatKeyID = "0000000000" }},
		{"a public key without a number", func(m *simulator.Merchant) { m.WechatKeyID = "PUB_KEY_ID_" }},
		{"a public key with letters", func(m *simulator.Merchant) { m.WechatKeyID = "PUB_KEY_ID_TEST" }},
		{"a certificate named as a public key", func(m *simulator.Merchant) { m.KeyMode = simulator.PlatformCertificates }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := modern()
			row.edit(&m)
			if s, err := simulator.New(simulator.Config{Merchants: []simulator.Merchant{m}, Now: time.Now}); err == nil {
				s.Close()
				t.Error("taken")
			}
		})
	}
}
