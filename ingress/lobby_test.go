package ingress_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"settled"
	"settled/events"
	"settled/ingress"
)

// open lets the desk listen on a real socket.
func (d *desk) open() (address string) {
	d.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(d.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(d.t.Context()))
	ended := make(chan error, 1)
	d.cfg.Drain = time.Second
	go func() { ended <- ingress.New(d.cfg).Serve(ctx, listener) }()
	d.t.Cleanup(func() { stop(); <-ended })
	return listener.Addr().String()
}

// notifies sends an honest notify and returns its status and how long that took.
func (d *desk) notifies(client *http.Client, address string) (status int, took time.Duration) {
	d.t.Helper()
	began := time.Now()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, "http://"+address+"/notify/shop3", strings.NewReader("honest"))
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		d.t.Errorf("an honest notify: %v", err)
		return 0, time.Since(began)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode, time.Since(began)
}

// slow are openings of requests that never end.
var slow = []string{
	"", "P", "POST /notify/shop3 HTTP/1.1\r\nHost: a\r\nX: ",
	"POST /notify/shop3 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\na",
	"POST /notify/shop3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
	"POST /v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer open-sesame\r\nContent-Length: 60000\r\n\r\n{",
	"GET /v1/payments/shop3/none HTTP/1.1\r\nHost: a\r\n\r\n", // answered, and then idle
	"OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\na",
	"POST /notify/shop3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n60000\r\n" + strings.Repeat("a", 0x50000), // too much, and not all
}

// Five thousand connections that say nothing, or too slowly, keep nobody out, whatever is
// the limit; nor do they take more file descriptors than that.
func TestTheIdleGiveWay(t *testing.T) {
	t.Parallel()
	crowded(t, slow, 5000, 500)
}

// Nor does a crowd that has agreed on one way of being slow.
func TestTheIdleOfEachKindGiveWay(t *testing.T) {
	t.Parallel()
	for i, opening := range slow {
		t.Run(fmt.Sprintf("opening %d", i), func(t *testing.T) {
			t.Parallel()
			crowded(t, []string{opening}, 300, 50)
		})
	}
}

// crowded lets a crowd come in with these openings, and an honest notify now and then.
func crowded(t *testing.T, openings []string, crowd, limit int) {
	t.Helper()
	d := newDesk(t)
	d.cfg.Stored, d.cfg.Connections, d.cfg.InHand = true, limit, 50
	address := d.open()
	var held []net.Conn
	t.Cleanup(func() {
		for _, conn := range held {
			_ = conn.Close()
		}
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range crowd {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // a server that has read enough may leave the rest
		_, _ = conn.Write([]byte(openings[i%len(openings)]))   // or have had enough of it
		if i%100 != 99 {
			continue
		}
		if status, took := d.notifies(client, address); status != http.StatusOK || took > 4*time.Second {
			t.Errorf("with %d held: %d after %s", i+1, status, took)
		}
	}
	// The kernel has taken in what the server has not seen yet, and whoever gave way may be about
	// to be closed.
	open := stillOpen(held)
	if open > limit {
		open = stillOpen(held)
	}
	if open > limit+limit/10+5 {
		t.Errorf("%d connections are open, want %d and a few at the most", open, limit)
	}
}

// stillOpen counts the connections that nobody has closed.
func stillOpen(held []net.Conn) (open int) {
	for _, conn := range held {
		_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
			open++
		}
	}
	return open
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error) //nolint:errorlint // as the connection returns it
	return ok && timeout.Timeout()
}

// What is no request, or an absurd one, is refused by what it is, and no more.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.cfg.Stored = true
	address := d.open()
	const notify, pays = "POST /notify/shop3 HTTP/1.1\r\nHost: a\r\n", "POST /v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer open-sesame\r\n"
	order := `{"merchant": "shop3", "order_id": "order0001", "amount": {"total": 1}, "description": "tea"}`
	gzip := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
	sized := func(body string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) }
	for name, row := range map[string]struct {
		said     string
		statuses []int // of all answers; none: the connection is closed
	}{
		"HTTP/1.0":                {"POST /notify/shop3 HTTP/1.0\r\nContent-Length: 1\r\n\r\na", []int{200}},
		"pipelined":               {strings.Repeat(notify+sized("a"), 3), []int{200, 200, 200}},
		"a negative length":       {notify + "Content-Length: -1\r\n\r\n", []int{400}},
		"two lengths":             {notify + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", []int{400}},
		"a length in words":       {notify + "Content-Length: one\r\n\r\na", []int{400}},
		"a length beyond 64 bits": {notify + "Content-Length: 99999999999999999999\r\n\r\na", []int{400}},
		"a length of a terabyte":  {notify + "Content-Length: 1099511627776\r\n\r\na", []int{413}},
		"a length and chunks":     {notify + "Content-Length: 1\r\nTransfer-Encoding: gzip\r\n\r\na", []int{501}},
		"a broken chunk":          {notify + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", []int{400}},
		"endless chunks":          {notify + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("a", 4096)+"\r\n", 100), []int{413}},
		"a huge header":           {notify + "X: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", []int{431}},
		"many headers":            {notify + strings.Repeat("X: a\r\n", 20000) + "\r\n", []int{431}},
		"a NUL in a header":       {notify + "X: a\x00b\r\n\r\n", []int{400}},
		"no host":                 {"POST /notify/shop3 HTTP/1.1\r\n\r\n", []int{400}},
		"another version":         {"POST /notify/shop3 HTTP/9.9\r\n\r\n", []int{505}},
		"not HTTP":                {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}},
		"a path that climbs":      {"POST /notify/../v1/payments HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", []int{307}},
		"a path of slashes":       {"POST ////notify//shop3 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", []int{307}},
		"an absurd token":         {"GET /v1/payments/shop3/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + strings.Repeat("\xff", 20000) + "\r\n\r\n", []int{401}},
		"an absurd preference":    {pays + "Prefer: wait=1e9, wait=-1, ,=,\"\r\n" + sized("{"), []int{400}},
		"duplicate keys":          {pays + sized(strings.Replace(order, "{", `{"merchant": "shop4", `, 1)), []int{400}},
		"a gzip":                  {pays + "Content-Encoding: gzip\r\n" + sized(gzip+strings.Repeat("\x00", 1000)), []int{400}},
		"deep JSON":               {pays + sized(strings.Repeat(`{"a":`, 10000)), []int{400}},
		"deep JSON in arrays":     {pays + sized(strings.Repeat(`[`, 60000)), []int{400}},
		"invalid UTF-8":           {pays + sized(strings.Replace(order, "tea", "\xff", 1)), []int{400}},
		"a NUL":                   {pays + sized(strings.Replace(order, "tea", `\u0000`, 1)), []int{400}},
		"64 KiB and a byte":       {pays + sized(strings.Repeat(" ", events.MaxBody+1)), []int{413}},
		"an upgrade to HTTP/2":    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400}},
		"a smuggled second":       {notify + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", []int{200}},
		"an expectation":          {notify + "Expect: a-miracle\r\nContent-Length: 0\r\n\r\n", []int{417}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
			go func() { _, _ = conn.Write([]byte(row.said)) }() // refused before its end, it may fail
			answers := bufio.NewReader(conn)
			for _, want := range row.statuses {
				answer, err := http.ReadResponse(answers, nil)
				if err != nil {
					t.Fatalf("want %d, got %v", want, err)
				}
				text, _ := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if answer.StatusCode != want {
					t.Errorf("answered %d %s, want %d", answer.StatusCode, text, want)
				}
			}
		})
	}
}

// While one machine forges as fast as it can, honest notifies are answered in time, at
// another merchant and at the forged one's, and from the forger's own address.
func TestForgedNotifiesHoldUpNoHonestOne(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.cfg.Stored = true
	signed := &signedOnly{}
	d.cfg.Merchants = map[string]ingress.Merchant{"shop3": {Protocol: "v3", Notifies: signed}, "shop4": {Protocol: "v3", Notifies: signed}}
	address := d.open()
	ctx, stop := context.WithCancel(t.Context())
	var forgers sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	for range 64 {
		forgers.Go(func() {
			for ctx.Err() == nil {
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/notify/shop4", bytes.NewReader([]byte("forged")))
				if err != nil {
					return
				}
				if answer, err := client.Do(r); err == nil {
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				}
			}
		})
	}
	honest := &http.Client{}
	for range 50 {
		if status, took := d.notifies(honest, address); status != http.StatusOK || took > 4*time.Second {
			t.Errorf("answered %d after %s", status, took)
		}
	}
	stop()
	forgers.Wait()
}

// signedOnly takes a while to see that a notify is forged.
type signedOnly struct{ wechat }

func (*signedOnly) Notify(_ context.Context, n settled.Notify) (settled.News, error) {
	if string(n.Body) == "honest" {
		return settled.News{Trade: &settled.Trade{OrderID: "order001"}}, nil
	}
	return settled.News{}, settled.ErrUnverified
}
