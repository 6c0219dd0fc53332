package wechat_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/wechat"
	v3 "settled/wechat/v3"
)

func TestV3ARequestAsksForTheNewestCertificate(t *testing.T) {
	t.Parallel()
	shared := &texts{all: []string{v3Certificates(t, v3NewSerial, v3OldSerial)}}
	b := openV3(t, platform(shared), v3Answer{status: 200, body: v3Paid, serial: v3OldSerial})
	for range 3 {
		if _, err := b.gateway.Query(t.Context(), v3Payment()); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range b.got() {
		if r.Serial != v3NewSerial {
			t.Errorf("asked for %q", r.Serial)
		}
	}
	if _, refused := shared.counted(); refused != 0 {
		t.Errorf("%d texts refused", refused)
	}
}

func TestV3NewCertificatesAreFoundByTheirSerial(t *testing.T) {
	t.Parallel()
	shared := &texts{all: []string{v3Certificates(t, v3OldSerial), v3Certificates(t, v3OldSerial, v3NewSerial)}}
	b := openV3(t, platform(shared), v3Answer{status: 200, body: v3Paid, serial: v3NewSerial})
	for range 2 {
		if _, err := b.gateway.Query(t.Context(), v3Payment()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{v3NewSerial + " query", v3NewSerial + " query"}, b.verified); diff != "" {
		t.Error(diff)
	}
	if _, refused := shared.counted(); refused != 1 {
		t.Errorf("%d texts refused", refused)
	}
}

func TestV3UnknownSerialsLeadToOneLookAMinute(t *testing.T) {
	t.Parallel()
	shared := &texts{all: []string{v3Certificates(t, v3OldSerial)}}
	b := openV3(t, platform(shared))
	for minute := range 3 {
		for range 50 {
			if _, err := b.gateway.Notify(t.Context(), v3Notify(t, "C3", "TRANSACTION.SUCCESS", v3Paid)); !errors.Is(err, settled.ErrUnverified) {
				t.Fatalf("got %v", err)
			}
		}
		if _, refused := shared.counted(); refused != minute+1 {
			t.Errorf("minute %d: %d texts refused", minute, refused)
		}
		b.pass(time.Minute)
	}
	for name, spoil := range map[string]func(*settled.Notify){
		"a probe": func(n *settled.Notify) { n.Header["Wechatpay-Signature"] = []string{"WECHATPAY/SIGNTEST/x"} },
		"old":     func(n *settled.Notify) { n.ReceivedAt = now.Add(time.Hour) },
		"no base": func(n *settled.Notify) { n.Header["Wechatpay-Signature"] = []string{"*"} },
	} {
		n := v3Notify(t, "C3", "TRANSACTION.SUCCESS", v3Paid)
		spoil(&n)
		if _, err := b.gateway.Notify(t.Context(), n); !errors.Is(err, settled.ErrUnverified) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, refused := shared.counted(); refused != 3 {
		t.Errorf("what can't be right led to a look: %d", refused)
	}
}

func TestV3ATextThatIsForgedBringsNoCertificate(t *testing.T) {
	t.Parallel()
	good := v3Certificates(t, v3OldSerial)
	for name, forged := range map[string]string{
		"plain":            `{"data":[{"serial_no":"A1","certificate":"-----BEGIN CERTIFICATE-----"}]}`,
		"of another key":   strings.Replace(good, "0123456789a0", "0123456789a9", 1),
		"another's serial": strings.Replace(good, `"serial_no":"A1"`, `"serial_no":"C3"`, 1),
		"nothing":          "none",
		"empty":            "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared := &texts{all: []string{good}}
			b := openV3(t, platform(shared), v3Answer{status: 200, body: v3Paid, serial: v3OldSerial})
			first := openV3(t, platform(&texts{all: []string{forged}}), v3Answer{status: 200, body: v3Paid, serial: v3OldSerial})
			_, err := first.gateway.Query(t.Context(), v3Payment())
			wantFailure(t, err, &settled.Unknown{Code: "unverified"})

			if _, err := b.gateway.Query(t.Context(), v3Payment()); err != nil {
				t.Fatal(err)
			}
			shared.mu.Lock()
			shared.all[0] = forged
			shared.mu.Unlock()
			_, err = b.gateway.Query(t.Context(), v3Payment())
			if name != "nothing" && err != nil { // what was good still is
				t.Error(err)
			}
		})
	}
}

func TestV3WithoutAnyKeyNobodyIsAsked(t *testing.T) {
	t.Parallel()
	cause := &settled.Unknown{Code: "SYSTEM_ERROR", After: time.Minute, Err: errors.New("busy")}
	for name, test := range map[string]struct {
		err  error
		want *settled.Unknown
	}{
		"nobody keeps them": {errors.New("redis is away"), &settled.Unknown{Code: "certificates"}},
		"WeChat gives none": {cause, &settled.Unknown{Code: "SYSTEM_ERROR", After: time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV3(t, platform(&texts{err: test.err}), signed(`{}`))
			_, err := b.gateway.Prepay(t.Context(), v3Payment())
			wantFailure(t, err, test.want)
			if len(b.got()) != 0 {
				t.Error("it made a call")
			}
			if _, err := b.gateway.Notify(t.Context(), v3Notify(t, v3OldSerial, "TRANSACTION.SUCCESS", v3Paid)); !errors.Is(err, settled.ErrUnverified) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestV3KnownCertificatesOutliveTheSharedText(t *testing.T) {
	t.Parallel()
	shared := &texts{all: []string{v3Certificates(t, v3OldSerial)}}
	b := openV3(t, platform(shared), v3Answer{status: 200, body: v3Paid, serial: v3OldSerial})
	if _, err := b.gateway.Query(t.Context(), v3Payment()); err != nil {
		t.Fatal(err)
	}
	shared.mu.Lock()
	shared.err = errors.New("redis is away")
	shared.mu.Unlock()
	if _, err := b.gateway.Query(t.Context(), v3Payment()); err != nil {
		t.Error(err)
	}
	b.pass(25 * time.Hour) // the certificate has ended
	_, err := b.gateway.Query(t.Context(), v3Payment())
	wantFailure(t, err, &settled.Unknown{Code: "unverified"})
	if got := b.got(); got[len(got)-1].Serial != "" {
		t.Errorf("asked for %q", got[len(got)-1].Serial)
	}
}

func TestV3FurtherKeysVerify(t *testing.T) {
	t.Parallel()
	b := openV3(t, func(cfg *wechat.V3Config) { cfg.AlsoVerify = []v3.Key{publicOf("A1")} })
	for _, serial := range []string{v3PublicID, v3OldSerial} {
		if _, err := b.gateway.Notify(t.Context(), v3Notify(t, serial, "TRANSACTION.SUCCESS", v3Paid)); err != nil {
			t.Errorf("%s: %v", serial, err)
		}
	}
}

func TestV3FetchTokenHandsOutTheAnswerAsItCame(t *testing.T) {
	t.Parallel()
	body := v3Certificates(t, v3OldSerial, v3NewSerial)
	b := openV3(t, platform(&texts{}), v3Answer{status: 200, body: body, serial: v3NewSerial})
	text, life, err := b.fetcher.FetchToken(t.Context())
	if text != body || life != 12*time.Hour || err != nil {
		t.Errorf("got %d bytes, %s, %v", len(text), life, err)
	}
	got := b.got()
	if len(got) != 1 || got[0].Method != "GET" || got[0].URI != "/v3/certificates" || got[0].Serial != "" {
		t.Fatalf("got %+v", got)
	}
	checkSigned(t, got[0])
	if diff := cmp.Diff([]string{v3NewSerial + " certificates"}, b.verified); diff != "" {
		t.Error(diff)
	}
}

func TestV3FetchTokenRemembersThatThereAreNone(t *testing.T) {
	t.Parallel()
	b := openV3(t, nil, refused(404, "RESOURCE_NOT_EXISTS"))
	for calls, step := range []time.Duration{0, time.Hour, 11*time.Hour - time.Second} {
		b.pass(step)
		text, life, err := b.fetcher.FetchToken(t.Context())
		if text != "none" || life <= 0 || life > 12*time.Hour || err != nil || len(b.got()) != 1 {
			t.Errorf("%d: got %q, %s, %v after %d calls", calls, text, life, err, len(b.got()))
		}
	}
	b.pass(time.Second)
	if _, _, err := b.fetcher.FetchToken(t.Context()); err != nil || len(b.got()) != 2 {
		t.Errorf("got %v after %d calls", err, len(b.got()))
	}
}

func TestV3FetchTokenNeverRefusesAPayment(t *testing.T) {
	t.Parallel()
	body := v3Certificates(t, v3OldSerial)
	for name, test := range map[string]struct {
		answer v3Answer
		want   *settled.Unknown
	}{
		"a wrong signature":    {refused(401, "SIGN_ERROR"), &settled.Unknown{Code: "SIGN_ERROR", After: 5 * time.Minute}},
		"a word of later":      {refused(400, "LATER"), &settled.Unknown{Code: "LATER", After: 5 * time.Minute}},
		"busy":                 {refused(500, "SYSTEM_ERROR"), &settled.Unknown{Code: "SYSTEM_ERROR"}},
		"nobody's 404":         {v3Answer{status: 404}, &settled.Unknown{Code: "status_404"}},
		"signed by nobody":     {v3Answer{status: 200, body: body}, &settled.Unknown{Code: "unverified"}},
		"signed by another":    {v3Answer{status: 200, body: body, serial: v3NewSerial}, &settled.Unknown{Code: "unverified"}},
		"of another APIv3 key": {v3Answer{status: 200, body: in(body, "0123456789a0", "0123456789a9"), serial: v3OldSerial}, &settled.Unknown{Code: "unverified"}},
		"an empty list":        {v3Answer{status: 200, body: `{"data":[]}`, serial: v3OldSerial}, &settled.Unknown{Code: "unverified"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, _, err := openV3(t, platform(&texts{}), test.answer).fetcher.FetchToken(t.Context())
			wantFailure(t, err, test.want)
			if text != "" {
				t.Errorf("got %q", text)
			}
		})
	}
}
