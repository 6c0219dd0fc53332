package wechat

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"settled"
)

const (
	maxAnswer  = 1 << 20 // bytes that are read of an answer
	maxMessage = 256     // bytes that are kept of what it says went wrong
)

// The words for what kept WeChat's answer from us, beside status_502 and its like.
const (
	codeTimeout    = "timeout"
	codeConnection = "connection"
	codeCancelled  = "cancelled" // the caller gave up
	codeUnreadable = "unreadable"
)

// caller is the one place of this package that speaks HTTP: bounded in time and size, and
// with errors that can't tell a secret.
type caller struct {
	http    *http.Client
	timeout time.Duration
}

// newCaller follows no redirect: a request that is signed, or carries a token, is meant
// for one address.
func newCaller(client *http.Client, timeout time.Duration) caller {
	own := http.Client{Transport: newTransport()}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return caller{http: &own, timeout: cmp.Or(timeout, 5*time.Second)}
}

// newTransport keeps enough connections open for a busy shop and never more than a slow
// WeChat can make us regret.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 3 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxConnsPerHost:     128,
		MaxIdleConnsPerHost: 64,
		MaxIdleConns:        64,
		IdleConnTimeout:     90 * time.Second,
	}
}

// with is the same caller with a client certificate. A client of the user's own keeps its
// transport: the user knows what it shows.
func (c caller) with(certificate tls.Certificate) caller {
	transport, ok := cmp.Or(c.http.Transport, http.DefaultTransport).(*http.Transport)
	if !ok {
		return c
	}
	own := transport.Clone()
	if own.TLSClientConfig == nil {
		own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	own.TLSClientConfig.Certificates = []tls.Certificate{certificate}
	client := *c.http
	client.Transport = own
	return caller{http: &client, timeout: c.timeout}
}

// request is one HTTP request. secrets are what no error may tell.
type request struct {
	method  string
	url     string
	header  http.Header // besides Content-Type; may be nil
	body    []byte      // nil: none
	media   string      // of the body; default JSON
	secrets []string

	into    *spool        // takes the body of a success, however long it is; nil: memory does
	timeout time.Duration // default the caller's
}

// incoming is an answer, of whatever status.
type incoming struct {
	status int
	header http.Header
	body   []byte // of what a spool took, the first bytes
}

// conceal takes the secrets out of a text and then shortens it; the other way round half a
// secret could stay.
func (r request) conceal(text string) string {
	for _, secret := range r.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return strings.ToValidUTF8(text[:min(len(text), maxMessage)], "")
}

// send returns the answer's status and body. It fails with *settled.Unknown alone, also for
// a status that no answer of WeChat's own has: without one nobody knows what WeChat did.
func (c caller) send(ctx context.Context, r request) (status int, body []byte, err error) {
	answer, err := c.exchange(ctx, r)
	switch status = answer.status; {
	case err != nil:
		return 0, nil, err
	case status == http.StatusTooManyRequests:
		return 0, nil, &settled.Unknown{Code: codeOfStatus(status), After: time.Minute, Err: errors.New("too many requests")}
	case status >= 500 || isRedirect(status):
		return 0, nil, &settled.Unknown{Code: codeOfStatus(status), Err: errors.New("no answer of WeChat's own")}
	}
	return status, answer.body, nil
}

// exchange sends a request and returns the answer, of whatever status. It fails with
// *settled.Unknown alone.
func (c caller) exchange(ctx context.Context, r request) (incoming, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.timeout, c.timeout))
	defer cancel()
	sent, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return incoming{}, r.lost(err)
	}
	for name, values := range r.header {
		sent.Header[name] = values
	}
	if r.body != nil {
		sent.Header.Set("Content-Type", cmp.Or(r.media, "application/json; charset=utf-8"))
	}
	response, err := c.http.Do(sent)
	if err != nil {
		return incoming{}, r.lost(err)
	}
	defer func() { _ = response.Body.Close() }()
	if r.into != nil && response.StatusCode == http.StatusOK {
		if err := r.into.take(response.Body); err != nil {
			return incoming{}, r.lost(err)
		}
		return incoming{response.StatusCode, response.Header, r.into.head}, nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return incoming{}, r.lost(err)
	case len(body) > maxAnswer:
		return incoming{}, &settled.Unknown{Code: codeUnreadable, Err: fmt.Errorf("more than %d bytes", maxAnswer)}
	}
	return incoming{response.StatusCode, response.Header, body}, nil
}

func codeOfStatus(status int) string { return fmt.Sprintf("status_%d", status) }

// lost names what became of a request without an answer. The cause is kept as text alone:
// the errors of net/http hold the whole URL, and with it the token or the secret.
func (r request) lost(err error) error {
	code := codeConnection
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		code = codeCancelled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		code = codeTimeout
	}
	var located *url.Error
	if errors.As(err, &located) {
		err = located.Err
	}
	return &settled.Unknown{Code: code, Err: errors.New(r.conceal(err.Error()))}
}
