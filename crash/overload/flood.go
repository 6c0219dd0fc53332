package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"settled/crash"
)

// flood is many honest callers at once, each with a connection of its own.
type flood struct {
	name    string
	last    time.Duration
	parties []party
}

// party is callers who want the same: to order, each time something new, or, without a
// token, to have a notify heard that was heard before.
type party struct {
	name        string
	merchant    string
	token       string
	connections int
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
	party    string
	requests int
	taken    int // orders: 202; notifies: WeChat's success
	status   map[int]int
	broken   int             // without an answer: the ingress closed the connection, or nothing came
	turned   []time.Duration // how long those waited that were turned away
	longest  time.Duration   // that anybody waited
	bare     int             // orders that were turned away without Retry-After
	orders   []string        // that were taken
}

// turnedAwayPause is how soon a caller comes again, who should wait for longer: Retry-After says a second at least.
const turnedAwayPause = 250 * time.Millisecond

// floodOrders numbers the orders of all floods.
var floodOrders atomic.Int64

// pour lets the flood come and returns what each party heard.
func (f flood) pour(ctx context.Context, w *crash.World, old map[string][]notify) []answers {
	heard := make([]answers, len(f.parties))
	end := time.Now().Add(f.last)
	var mu sync.Mutex
	var calling sync.WaitGroup
	for i, p := range f.parties {
		heard[i] = answers{party: p.name, status: map[int]int{}}
		client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: p.connections}}
		defer client.CloseIdleConnections()
		for nth := range p.connections {
			calling.Go(func() {
				for time.Now().Before(end) && ctx.Err() == nil {
					r, id := p.request(w, old, nth)
					began := time.Now()
					a, err := post(ctx, client, r)
					took := time.Since(began)
					mu.Lock()
					taken := heard[i].count(a, err, took, id)
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
func (a *answers) count(one answer, err error, took time.Duration, orderID string) bool {
	a.requests++
	a.longest = max(a.longest, took)
	if err != nil {
		a.broken++
		return false
	}
	a.status[one.status]++
	if one.taken() {
		a.taken++
		if orderID != "" {
			a.orders = append(a.orders, orderID)
		}
		return true
	}
	a.turned = append(a.turned, took)
	if orderID != "" && one.retryAfter == "" {
		a.bare++
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
func (p party) request(w *crash.World, old map[string][]notify, nth int) (r request, id string) {
	if p.token != "" {
		id = fmt.Sprintf("flood%09d", floodOrders.Add(1))
		return request{url: "http://" + w.Door() + "/v1/payments", token: p.token, body: order(p.merchant, id, time.Now().Add(expires))}, id
	}
	n := old[p.merchant][nth%len(old[p.merchant])]
	return request{url: "http://" + w.Door() + "/notify/" + p.merchant + "?" + n.Query, header: n.Headers, body: n.Body}, ""
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
}

// taken reports whether the request was: a notify of APIv2 hears of its failure with 200.
func (a answer) taken() bool {
	return a.status == http.StatusAccepted || a.status == http.StatusNoContent ||
		a.status == http.StatusOK && !bytes.Contains(bytes.ToLower([]byte(a.said)), []byte("fail"))
}

func post(ctx context.Context, client *http.Client, r request) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	response, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Retry-After"), string(said)}, err
}
