package v3_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	v3 "settled/wechat/v3"
)

// listed is one certificate in an answer to certificates.
type listed struct{ serial, nonce, text string }

func list(tb testing.TB, entries ...listed) []byte {
	tb.Helper()
	data := []any{}
	for _, entry := range entries {
		data = append(data, map[string]any{
			"serial_no": entry.serial, "effective_time": "2025-12-31T12:00:30+08:00", "expire_time": "2026-01-01T12:00:30+08:00",
			"encrypt_certificate": map[string]string{
				"algorithm": "AEAD_AES_256_GCM", "nonce": entry.nonce, "associated_data": "certificate",
				"ciphertext": seal(tb, apiV3Key, entry.nonce, "certificate", entry.text),
			},
		})
	}
	body, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

func TestTheFirstAnswerEverIsVerifiedWithWhatStandsInIt(t *testing.T) {
	t.Parallel()
	body := list(t, listed{"0A1", "0123456789ab", certificate(t, 0xA1)}, listed{"b2", "0123456789ac", certificate(t, 0xB2)})
	keys, err := v3.ReadCertificates(apiV3Key, body)
	if err != nil || len(keys) != 2 || keys[0].ID != "A1" || keys[1].ID != "B2" {
		t.Fatalf("got %+v, %v", keys, err)
	}
	answer := v3.Answer{Status: 200, Header: headers(t, "B2", body, at), Body: body}
	if got, err := v3.NewKeyring(keys...).Open(v3.Certificates, answer, at); err != nil || got != "B2" {
		t.Errorf("got %q, %v", got, err)
	}
	answer.Header = headers(t, "C3", body, at)
	if _, err := v3.NewKeyring(keys...).Open(v3.Certificates, answer, at); !errors.Is(err, v3.ErrUnverified) {
		t.Errorf("got %v", err)
	}
}

func TestReadCertificatesTakesAllOrNothing(t *testing.T) {
	t.Parallel()
	one := listed{"A1", "0123456789ab", certificate(t, 0xA1)}
	good := string(list(t, one))
	for name, test := range map[string]struct {
		body string
		want error
	}{
		"another serial":           {string(list(t, listed{"A2", "0123456789ab", certificate(t, 0xA1)})), v3.ErrUnreadable},
		"no serial":                {strings.Replace(good, "serial_no", "other", 1), v3.ErrUnreadable},
		"no certificate":           {strings.Replace(good, "encrypt_certificate", "other", 1), v3.ErrUnreadable},
		"a key for a certificate":  {string(list(t, one, listed{"B2", "0123456789ac", string(read(t, "example_public.pem"))})), v3.ErrKey},
		"an empty certificate":     {string(list(t, one, listed{"B2", "0123456789ac", ""})), v3.ErrKey},
		"other associated data":    {strings.Replace(good, `"associated_data":"certificate"`, `"associated_data":"other"`, 1), v3.ErrUndecipherable},
		"another nonce":            {strings.Replace(good, "0123456789ab", "0123456789ac", 1), v3.ErrUndecipherable},
		"another algorithm":        {strings.Replace(good, "AEAD_AES_256_GCM", "AEAD_SM4_GCM", 1), v3.ErrUnreadable},
		"an empty list":            {`{"data":[]}`, v3.ErrUnreadable},
		"no list":                  {`{}`, v3.ErrUnreadable},
		"an object for a list":     {`{"data":{}}`, v3.ErrUnreadable},
		"a list of something else": {`{"data":[null]}`, v3.ErrUnreadable},
		"a list without end":       {`{"data":[` + strings.Repeat(`{},`, 32) + `{}]}`, v3.ErrUnreadable},
		"a page":                   {`<html>`, v3.ErrUnreadable},
		"nothing":                  {``, v3.ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := v3.ReadCertificates(apiV3Key, []byte(test.body)); len(got) != 0 || !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
	if _, err := v3.ReadCertificates("another key of thirty-two bytes!", []byte(good)); !errors.Is(err, v3.ErrUndecipherable) {
		t.Errorf("with another key: got %v", err)
	}
}

// Only one certificate was ever encrypted with this key under its nonce: whatever is done
// to the list, it is refused, or holds nothing else.
func FuzzReadCertificates(f *testing.F) {
	f.Add(list(f, listed{"A1", "0123456789ab", certificate(f, 0xA1)}))
	f.Add([]byte(`{"data":[{"serial_no":"A1","encrypt_certificate":{"algorithm":"AEAD_AES_256_GCM","nonce":"0123456789ab","ciphertext":""}}]}`))
	f.Add([]byte(`{"data":[null,{},[]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := v3.ReadCertificates(apiV3Key, body)
		switch {
		case errors.Is(err, v3.ErrUnreadable), errors.Is(err, v3.ErrUndecipherable), errors.Is(err, v3.ErrKey):
		case err != nil:
			t.Errorf("got %v", err)
		default:
			for _, key := range keys {
				if key.ID != "A1" {
					t.Errorf("got %+v", key)
				}
			}
		}
	})
}
