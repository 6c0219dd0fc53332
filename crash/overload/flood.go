package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"settled/crash"
)

// flood is many honest callers at once, each with a connection of its own.
type flood struct {
	Name    string
	Last    time.Duration
	Parties []party
}

// party is callers who want the same: to order, each time something new, or, without a
// token, to have a notify heard that was heard before.
type party struct {
	Name        string
	Merchant    string
	Token       string
	Connections int
}

// floods are those of the full run. The ingress keeps 4096 connections, has as many requests
// in hand, and gives half of them to one kind of request of one merchant.
func floods(last time.Duration) []flood {
	return []flood{
		{"one merchant", last, []party{
			{"orders of classic", "classic", crash.Eager, 3000},
			{"orders of shop2, too fast for their token", "shop2", crash.Hasty, 300},
			{"notifies of shop2", "shop2", "", 200},
		}},
		{"every merchant, more than there are connections", last, []party{
			{"orders of classic", "classic", crash.Eager, 2000},
			{"orders of shop2", "shop2", crash.Eager, 2000},
			{"orders of shop3", "shop3", crash.Eager, 2000},
		}},
	}
}

// answers is what a party heard.
type answers struct {
	Party    string
	Requests int
	Taken    int // orders: 202; notifies: WeChat's success
	Status   map[int]int
	Refused  int             // the ingress had no connection left for them, or closed the one they had
	Silent   int             // they were let in, and nothing came for half a minute
	Turned   []time.Duration // how long those waited that were turned away, once they had a connection
	Longest  time.Duration   // that anybody waited who had a connection
	Bare     int             // orders that were turned away without Retry-After
	Orders   []string        // that were taken
}

// turnedAwayPause is how soon a caller comes again, who should wait for longer: Retry-After says a second at least.
const turnedAwayPause = 250 * time.Millisecond

// callAll calls, with as many callers as there are connections; each calls once at least,
// however long it takes until all have begun.
func (c call) callAll(ctx context.Context) []answers {
	heard := make([]answers, len(c.Flood.Parties))
	end := time.Now().Add(c.Flood.Last)
	var number atomic.Int64
	var mu sync.Mutex
	var calling sync.WaitGroup
	for i, p := range c.Flood.Parties {
		heard[i] = answers{Party: p.Name, Status: map[int]int{}}
		client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: p.Connections}}
		defer client.CloseIdleConnections()
		for nth := range p.Connections {
			calling.Go(func() {
				for once := true; (once || time.Now().Before(end)) && ctx.Err() == nil; once = false {
					r, id := c.request(p, nth, c.First+number.Add(1))
					a, err := post(ctx, client, r)
					mu.Lock()
					taken := heard[i].count(a, err, id)
					mu.Unlock()
					if !taken {
						pause(ctx, turnedAwayPause)
					}
				}
			})
		}
	}
	calling.Wait()
	return heard
}

// count notes one answer and reports whether the request was taken.
func (a *answers) count(one answer, err error, orderID string) bool {
	a.Requests++
	a.Longest = max(a.Longest, one.took)
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout() && one.took > 0:
		a.Silent++
		return false
	case err != nil:
		a.Refused++
		return false
	}
	a.Status[one.status]++
	if one.taken() {
		a.Taken++
		if orderID != "" {
			a.Orders = append(a.Orders, orderID)
		}
		return true
	}
	a.Turned = append(a.Turned, one.took)
	if orderID != "" && one.retryAfter == "" {
		a.Bare++
	}
	return false
}

// notify is one that WeChat has sent, and heard success for.
type notify struct {
	Merchant string              `json:"merchant"`
	Headers  map[string][]string `json:"headers"`
	Query    string              `json:"query"`
	Body     []byte              `json:"body"`
}

// byMerchant reads notifies as they stood in the stream.
func byMerchant(bodies [][]byte) (map[string][]notify, error) {
	all := map[string][]notify{}
	for _, body := range bodies {
		var n notify
		if err := json.Unmarshal(body, &n); err != nil {
			return nil, fmt.Errorf("read notify.received: %w", err)
		}
		all[n.Merchant] = append(all[n.Merchant], n)
	}
	return all, nil
}

// request is what a caller of the party sends next; id is the order's, if it is one.
func (c call) request(p party, nth int, number int64) (r request, id string) {
	if p.Token != "" {
		id = fmt.Sprintf("flood%010d", number)
		return request{url: "http://" + c.Door + "/v1/payments", token: p.Token, body: order(p.Merchant, id, time.Now().Add(expires))}, id
	}
	n := c.Old[p.Merchant][nth%len(c.Old[p.Merchant])]
	return request{url: "http://" + c.Door + "/notify/" + p.Merchant + "?" + n.Query, header: n.Headers, body: n.Body}, ""
}

// request is one that is posted.
type request struct {
	url    string
	token  string
	header map[string][]string
	body   []byte
}

// answer is what came back.
type answer struct {
	status     int
	retryAfter string
	said       string
	took       time.Duration // since there was a connection
}

// taken reports whether the request was: a notify of APIv2 hears of its failure with 200.
func (a answer) taken() bool {
	return a.status == http.StatusAccepted || a.status == http.StatusNoContent ||
		a.status == http.StatusOK && !bytes.Contains(bytes.ToLower([]byte(a.said)), []byte("fail"))
}

func post(ctx context.Context, client *http.Client, r request) (a answer, err error) {
	var let time.Time
	defer func() {
		if !let.IsZero() {
			a.took = time.Since(let)
		}
	}()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { let = time.Now() }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return a, err
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	response, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	a.status, a.retryAfter, a.said = response.StatusCode, response.Header.Get("Retry-After"), string(said)
	return a, err
}
