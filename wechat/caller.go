package wechat

import (
	"bytes"
	"cmp"
	"context"
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

// request is one HTTP request. secrets are what no error may tell.
type request struct {
	method  string
	url     string
	json    []byte // the body, if any
	secrets []string
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

// send returns the answer's status and body. It fails with *settled.Unknown alone: without
// an answer nobody knows what WeChat did.
func (c caller) send(ctx context.Context, r request) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	sent, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.json))
	if err != nil {
		return 0, nil, r.lost(err)
	}
	if r.json != nil {
		sent.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	response, err := c.http.Do(sent)
	if err != nil {
		return 0, nil, r.lost(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch status = response.StatusCode; {
	case err != nil:
		return 0, nil, r.lost(err)
	case status == http.StatusTooManyRequests:
		return 0, nil, &settled.Unknown{Code: codeOfStatus(status), After: time.Minute, Err: errors.New("too many requests")}
	case status >= 500 || status >= 300 && status < 400:
		return 0, nil, &settled.Unknown{Code: codeOfStatus(status), Err: errors.New("no answer of WeChat's own")}
	case len(body) > maxAnswer:
		return 0, nil, &settled.Unknown{Code: codeUnreadable, Err: fmt.Errorf("more than %d bytes", maxAnswer)}
	}
	return status, body, nil
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
