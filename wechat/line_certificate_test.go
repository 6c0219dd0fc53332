package wechat

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// issue makes a client's certificate.
func issue(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestOnlyCertifiedCallsShowTheCertificate(t *testing.T) {
	t.Parallel()
	shown := make(chan int, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown <- len(r.TLS.PeerCertificates)
		say(200, "yes")(w, r)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	certificate := issue(t)
	l := newLine(lineConfig{
		Endpoint: server.URL, HTTP: server.Client(), Certificate: &certificate, Timeout: time.Minute,
		Now: func() time.Time { return began },
	})
	for _, certified := range []bool{false, true, false, true} {
		out := order()
		out.certified = certified
		if err := l.do(t.Context(), out, judge); err != nil {
			t.Fatal(err)
		}
		if got := <-shown; (got == 1) != certified {
			t.Errorf("certified %t: %d certificates shown", certified, got)
		}
	}
}

// roundTripper is a transport of the user's own.
type roundTripper struct{ http.RoundTripper }

func TestACertificateIsAddedToWhateverTransportTakesOne(t *testing.T) {
	t.Parallel()
	own := &http.Transport{}
	for name, test := range map[string]struct {
		client *http.Client
		taken  bool
	}{
		"of ours":           {nil, true},
		"of the user's":     {&http.Client{Transport: own}, true},
		"Go's own":          {&http.Client{}, true},
		"not http's at all": {&http.Client{Transport: roundTripper{own}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := newCaller(test.client, time.Minute)
			before := plain.http.Transport
			certified := plain.with(issue(t))
			transport, ok := certified.http.Transport.(*http.Transport)
			taken := ok && transport.TLSClientConfig != nil && len(transport.TLSClientConfig.Certificates) == 1
			if taken != test.taken || certified.timeout != plain.timeout || certified.http.CheckRedirect == nil {
				t.Errorf("taken: %t, or the caller is another otherwise", taken)
			}
			if plain.http.Transport != before || !test.taken && certified.http.Transport != before {
				t.Error("the plain caller has changed")
			}
		})
	}
	if own.TLSClientConfig != nil {
		t.Error("the user's transport has changed")
	}
}
