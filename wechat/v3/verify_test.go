package v3_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	v3 "settled/wechat/v3"
)

// signedExample is something that WeChat signed, as published.
type signedExample struct {
	Name, Key, Serial, Timestamp, Nonce, Body, Signature string
}

func (e signedExample) header() map[string][]string {
	return map[string][]string{
		"Wechatpay-Timestamp": {e.Timestamp}, "Wechatpay-Nonce": {e.Nonce},
		"Wechatpay-Serial": {e.Serial}, "Wechatpay-Signature": {e.Signature},
	}
}

func (e signedExample) at(tb testing.TB) time.Time {
	tb.Helper()
	seconds, err := strconv.ParseInt(e.Timestamp, 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return time.Unix(seconds, 0)
}

// key reads the example's key, whatever kind it is of.
func (e signedExample) key(tb testing.TB) v3.Key {
	tb.Helper()
	text := read(tb, e.Key)
	key, err := v3.ReadCertificate(text)
	if block, _ := pem.Decode(text); block.Type == "PUBLIC KEY" {
		key, err = v3.ReadPublicKey(e.Serial, text)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestVerifyBelievesWhatIsPublished(t *testing.T) {
	t.Parallel()
	examples := readJSON[[]signedExample](t, "signed.json")
	var keys []v3.Key
	for _, example := range examples {
		keys = append(keys, example.key(t))
	}
	ring := v3.NewKeyring(keys...) // public keys and a certificate on one ring
	for _, example := range examples {
		t.Run(example.Name, func(t *testing.T) {
			t.Parallel()
			body := read(t, example.Body)
			if got, err := ring.Verify(example.header(), body, example.at(t)); err != nil || got != example.Serial {
				t.Errorf("got %q, %v", got, err)
			}
			body[len(body)-1]++
			if _, err := ring.Verify(example.header(), body, example.at(t)); !errors.Is(err, v3.ErrUnverified) {
				t.Errorf("another body: got %v", err)
			}
		})
	}
}

func TestVerifyTakesWhatIsTheSame(t *testing.T) {
	t.Parallel()
	body := []byte(`{"a":1}`)
	ring := v3.NewKeyring(publicKey(), v3.Key{ID: "0A1B2C", Public: &wechatKey().PublicKey, NotBefore: at, NotAfter: at})
	plain := headers(t, wechatKeyID, body, at)
	lower := map[string][]string{}
	for name, values := range plain {
		lower[strings.ToLower(name)] = values
	}
	typed := maps.Clone(plain)
	typed["Wechatpay-Signature-Type"] = []string{"WECHATPAY2-SHA256-RSA2048"}
	for name, test := range map[string]struct {
		header map[string][]string
		body   []byte
		at     time.Time
		want   string
	}{
		"as it is":                 {plain, body, at, wechatKeyID},
		"names in lowercase":       {lower, body, at, wechatKeyID},
		"the type that is known":   {typed, body, at, wechatKeyID},
		"300 s old":                {plain, body, at.Add(300 * time.Second), wechatKeyID},
		"300 s ahead":              {plain, body, at.Add(-300 * time.Second), wechatKeyID},
		"a serial in lowercase":    {headers(t, "0a1b2c", body, at), body, at, "0A1B2C"},
		"a serial without a zero":  {headers(t, "A1B2C", body, at), body, at, "0A1B2C"},
		"nothing, as 204 has":      {headers(t, wechatKeyID, nil, at), nil, at, wechatKeyID},
		"a body with line feeds":   {headers(t, wechatKeyID, []byte("{\n}\n"), at), []byte("{\n}\n"), at, wechatKeyID},
		"a body that is not UTF-8": {headers(t, wechatKeyID, []byte("\xff"), at), []byte("\xff"), at, wechatKeyID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := ring.Verify(test.header, test.body, test.at); err != nil || got != test.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	body := []byte(`{"a":1}`)
	other := v3.Key{ID: "PUB_KEY_ID_2", Public: &merchantKey().PublicKey}
	expired := v3.Key{ID: "EE", Public: &wechatKey().PublicKey, NotBefore: at.Add(-2 * time.Hour), NotAfter: at.Add(-time.Hour)}
	ring := v3.NewKeyring(publicKey(), other, expired, v3.Key{ID: "EMPTY"})
	good := func() map[string][]string { return headers(t, wechatKeyID, body, at) }
	with := func(name string, values ...string) map[string][]string {
		header := good()
		header[name] = values
		return header
	}
	without := func(name string) map[string][]string {
		header := good()
		delete(header, name)
		return header
	}
	right := good()["Wechatpay-Signature"][0]
	for name, test := range map[string]struct {
		header map[string][]string
		body   []byte
		at     time.Time
		want   error
	}{
		"no header at all":             {nil, body, at, v3.ErrUnverified},
		"no timestamp":                 {without("Wechatpay-Timestamp"), body, at, v3.ErrUnverified},
		"no nonce":                     {without("Wechatpay-Nonce"), body, at, v3.ErrUnverified},
		"no serial":                    {without("Wechatpay-Serial"), body, at, v3.ErrUnverified},
		"no signature":                 {without("Wechatpay-Signature"), body, at, v3.ErrUnverified},
		"an empty serial":              {with("Wechatpay-Serial", ""), body, at, v3.ErrUnverified},
		"a header of no value":         {with("Wechatpay-Serial"), body, at, v3.ErrUnverified},
		"a serial twice":               {with("Wechatpay-Serial", wechatKeyID, wechatKeyID), body, at, v3.ErrUnverified},
		"a serial twice, in two cases": {with("wechatpay-serial", wechatKeyID), body, at, v3.ErrUnverified},
		"a signature twice":            {with("Wechatpay-Signature", right, right), body, at, v3.ErrUnverified},
		"another type":                 {with("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"), body, at, v3.ErrUnverified},
		"301 s old":                    {good(), body, at.Add(301 * time.Second), v3.ErrUnverified},
		"301 s ahead":                  {good(), body, at.Add(-301 * time.Second), v3.ErrUnverified},
		"another time":                 {with("Wechatpay-Timestamp", "1767196831"), body, at, v3.ErrUnverified},
		"a time in words":              {with("Wechatpay-Timestamp", "now"), body, at, v3.ErrUnverified},
		"a time below zero":            {with("Wechatpay-Timestamp", "-1767196830"), body, at, v3.ErrUnverified},
		"a time beyond all":            {with("Wechatpay-Timestamp", "9223372036854775807"), body, at, v3.ErrUnverified},
		"another nonce":                {with("Wechatpay-Nonce", "x"), body, at, v3.ErrUnverified},
		"a nonce that takes the body":  {with("Wechatpay-Nonce", "EcZ9\n{"), []byte(`"a":1}`), at, v3.ErrUnverified},
		"another body":                 {good(), []byte(`{"a":2}`), at, v3.ErrUnverified},
		"a longer body":                {good(), []byte("{\"a\":1}\n"), at, v3.ErrUnverified},
		"another key's id":             {with("Wechatpay-Serial", other.ID), body, at, v3.ErrUnverified},
		"an id of no key":              {with("Wechatpay-Serial", "EMPTY"), body, at, v3.ErrUnknownSerial},
		"an unknown public key":        {with("Wechatpay-Serial", "PUB_KEY_ID_0100000001"), body, at, v3.ErrUnknownSerial},
		"an unknown certificate":       {with("Wechatpay-Serial", "D7CE59D1F522D701"), body, at, v3.ErrUnknownSerial},
		"an expired certificate":       {headers(t, "EE", body, at), body, at, v3.ErrUnverified},
		"a probe":                      {with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/"+right), body, at, v3.ErrProbe},
		"a probe of an unknown serial": {map[string][]string{
			"Wechatpay-Timestamp": {"1767196830"}, "Wechatpay-Nonce": {"n"}, "Wechatpay-Serial": {"X"}, "Wechatpay-Signature": {"WECHATPAY/SIGNTEST/$$"},
		}, body, at, v3.ErrProbe},
		"no base64":       {with("Wechatpay-Signature", right[:len(right)-1]), body, at, v3.ErrUnverified},
		"some base64":     {with("Wechatpay-Signature", base64.StdEncoding.EncodeToString([]byte("signed"))), body, at, v3.ErrUnverified},
		"half of it":      {with("Wechatpay-Signature", right[:len(right)/2]), body, at, v3.ErrUnverified},
		"signed by us":    {with("Wechatpay-Signature", sign(t, merchantKey(), "1767196830\nEcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz\n{\"a\":1}\n")), body, at, v3.ErrUnverified},
		"signed as asked": {with("Wechatpay-Signature", sign(t, wechatKey(), "{\"a\":1}")), body, at, v3.ErrUnverified},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ring.Verify(test.header, test.body, test.at)
			if got != "" || !errors.Is(err, v3.ErrUnverified) || !errors.Is(err, test.want) {
				t.Fatalf("got %q, %v", got, err)
			}
			for _, kind := range []error{v3.ErrProbe, v3.ErrUnknownSerial} {
				if !errors.Is(test.want, kind) && errors.Is(err, kind) {
					t.Errorf("%v is a %v", err, kind)
				}
			}
			if strings.Contains(err.Error(), right[:32]) {
				t.Error("the error tells a signature")
			}
		})
	}
}

func TestAnEmptyKeyringKnowsNobody(t *testing.T) {
	t.Parallel()
	var ring v3.Keyring
	if _, err := ring.Verify(headers(t, wechatKeyID, nil, at), nil, at); !errors.Is(err, v3.ErrUnknownSerial) {
		t.Errorf("got %v", err)
	}
	if key, ok := ring.Newest(at); ok || !ring.Empty() || v3.NewKeyring(publicKey()).Empty() {
		t.Errorf("got %+v", key)
	}
}

func TestNewestIsTheCertificateThatBeganLast(t *testing.T) {
	t.Parallel()
	life := func(id string, from, to time.Duration) v3.Key {
		return v3.Key{ID: id, Public: &wechatKey().PublicKey, NotBefore: at.Add(from), NotAfter: at.Add(to)}
	}
	ring := v3.NewKeyring(publicKey(), life("1", -5*time.Hour, 5*time.Hour), life("2", -2*time.Hour, time.Hour),
		life("3", -time.Hour, -time.Minute), life("4", time.Hour, 9*time.Hour))
	for name, test := range map[string]struct {
		at   time.Time
		want string
	}{
		"now": {at, "2"}, "before the second": {at.Add(-3 * time.Hour), "1"}, "after the second": {at.Add(100 * time.Minute), "4"},
		"before all": {at.Add(-6 * time.Hour), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, ok := ring.Newest(test.at); got.ID != test.want || ok != (test.want != "") {
				t.Errorf("got %q", got.ID)
			}
		})
	}
}

// Only one text was ever signed with WeChat's key here: whatever is done to its headers,
// they are refused, or they say the same.
func FuzzVerify(f *testing.F) {
	example := readJSON[[]signedExample](f, "signed.json")[0]
	body, ring, when := read(f, example.Body), v3.NewKeyring(example.key(f)), example.at(f)
	f.Add(example.Timestamp, example.Nonce, example.Serial, example.Signature, "", body)
	f.Add(example.Timestamp, example.Nonce, strings.ToLower(example.Serial), example.Signature, v3.Scheme, body)
	f.Add(example.Timestamp, example.Nonce, "D7CE59D1F522D701", "WECHATPAY/SIGNTEST/=", "", []byte("{}"))
	f.Add("-1", "\n", "", "====", "x", []byte(nil))
	f.Fuzz(func(t *testing.T, timestamp, nonce, serial, signature, scheme string, given []byte) {
		header := map[string][]string{
			"Wechatpay-Timestamp": {timestamp}, "wechatpay-nonce": {nonce}, "WECHATPAY-SERIAL": {serial},
			"Wechatpay-Signature": {signature}, "Wechatpay-Signature-Type": {scheme},
		}
		id, err := ring.Verify(header, given, when)
		switch {
		case errors.Is(err, v3.ErrUnverified):
		case err != nil:
			t.Errorf("got %v", err)
		case id != example.Serial || string(given) != string(body) || nonce != example.Nonce || timestamp != example.Timestamp:
			t.Errorf("%q verified %q", id, given)
		}
	})
}

// No certificate makes the reader panic.
func FuzzReadCertificate(f *testing.F) {
	f.Add(read(f, "notify_payscore_certificate.pem"))
	f.Add(read(f, "example_public.pem"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := v3.ReadCertificate(text)
		if err == nil && (key.ID == "" || key.Public == nil || !key.Certificate()) || err != nil && !errors.Is(err, v3.ErrKey) {
			t.Errorf("got %+v, %v", key, err)
		}
		if block, _ := pem.Decode(text); err == nil && block != nil && block.Type == "CERTIFICATE" {
			if _, err := x509.ParseCertificate(block.Bytes); err != nil {
				t.Errorf("it is none: %v", err)
			}
		}
	})
}
