package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/audit"
	"settled/cmd/settled/config"
	"settled/embedded"
	"settled/events"
	"settled/store/hints"
	"settled/store/storetest"
	"settled/wechat/simulator"
)

// redis is the real redis-server that the tests share; each has keys of its own.
var redis *embedded.RedisServer

func TestMain(m *testing.M) {
	if os.Getenv(asSettled) != "" {
		main() // this test binary is run as settled itself, to be killed
	}
	hints.Mute()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	var err error
	redis, err = embedded.StartRedisServer(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "start redis-server:", err)
		os.Exit(1)
	}
	code := storetest.Main(m)
	redis.Stop(context.Background())
	os.Exit(code)
}

// asSettled is the environment variable that makes the test binary behave as settled.
const asSettled = "SETTLED_TEST_RUN_AS_SETTLED"

// patience bounds every wait of a test; a test that is right waits for far less.
const patience = 2 * time.Minute

// world is a shop with everything around it: a PostgreSQL schema, a NATS server, Redis,
// WeChat, and settled in between.
type world struct {
	t         *testing.T
	nats      *embedded.NATS
	redisURL  string
	postgres  string // URL of the schema
	wechat    *simulator.Simulator
	wechatURL string
	backupURL string
	merchant  simulator.Merchant
	shop3     simulator.Merchant
	prefix    string
	log       io.Writer // where settled logs everything; default warnings alone, to the test
	stream    jetstream.JetStream
	audits    audit.Config // how the running auditor differs from the usual
	contract  *keeper      // of what it says

	file    string // the configuration
	ingress string // URL
	admin   string // URL

	deaf  atomic.Bool // it keeps nothing of what it hears
	lies  atomic.Bool // the test publishes in settled's name
	mu    sync.Mutex
	heard []heard
	news  chan struct{} // closed and replaced when something is heard
}

// heard is an event as a subscriber got it.
type heard struct {
	subject, id, order, raw string
	body                    map[string]any
}

// worldConfig says how a world differs from the usual.
type worldConfig struct {
	switches simulator.Switches
	prefix   string
	redisURL string        // default the shared redis-server
	like     *world        // has the same account with the same WeChat; default one of its own
	postgres string        // default a schema of the shared server
	stored   bool          // acknowledge: stored
	ttl      time.Duration // default 30 m
	schedule string        // default far away, so that only notifies complete payments
	deliver  bool
	shop3    simulator.Merchant // the APIv3 merchant; default one in public-key mode
	rate     int                // of the shop's token; default 2000
	compress float64            // of the notify schedule; default 100
	contract *keeper            // default one of its own
	public   string             // ingress.public_url; default the ingress itself
	bills    time.Duration      // after a day its bill is there; default -24 h, at once
	more     string             // of the configuration, at its end
}

var apps atomic.Int64

const shopToken = "a-token-of-the-shop"

// newWorld starts a world without settled; serve starts that.
func newWorld(t *testing.T, cfg worldConfig) *world {
	t.Helper()
	w := &world{t: t, prefix: cfg.prefix, merchant: documentedMerchant, news: make(chan struct{}), redisURL: cfg.redisURL, postgres: cfg.postgres}
	if w.contract = cfg.contract; w.contract == nil {
		w.contract = keepsContract(t)
	}
	w.merchant.TokenDailyQuota = 1000
	w.merchant.AppID = fmt.Sprintf("wx%016x", apps.Add(1)) // tokens in the shared Redis are kept by app
	if w.redisURL == "" {
		w.redisURL = redis.URL()
	}
	if w.postgres == "" {
		w.postgres = storetest.URL(t)
	}
	var err error
	if w.nats, err = embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.nats.Stop() })
	if cfg.compress == 0 {
		cfg.compress = 100
	}
	if w.shop3 = cfg.shop3; w.shop3.MchID == "" {
		w.shop3 = simulatedShop3()
	}
	w.wechat, err = simulator.New(simulator.Config{
		Merchants: []simulator.Merchant{w.merchant, simulatedShop2, w.shop3}, Now: time.Now, Compress: cfg.compress,
		BillAfter: cmp.Or(cfg.bills, -24*time.Hour),
		Log:       slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.wechat.Close)
	w.switches(cfg.switches)
	main, backup := httptest.NewServer(w.wechat), httptest.NewServer(w.wechat.Host(simulator.BackupHost))
	t.Cleanup(main.Close)
	t.Cleanup(backup.Close)
	w.wechatURL, w.backupURL = main.URL, backup.URL
	if cfg.like != nil {
		w.wechatURL, w.merchant = cfg.like.wechatURL, cfg.like.merchant
	}
	w.configure(cfg)
	w.listen(cfg.prefix)
	return w
}

// configure writes the configuration file.
func (w *world) configure(cfg worldConfig) {
	w.t.Helper()
	acknowledge := "committed"
	if cfg.stored {
		acknowledge = "stored"
	}
	if cfg.ttl == 0 {
		cfg.ttl = 30 * time.Minute
	}
	if cfg.rate == 0 {
		cfg.rate = 2000
	}
	if cfg.schedule == "" {
		cfg.schedule = "[20m]"
	}
	address := freeAddress(w.t)
	w.ingress = "http://" + address
	if cfg.public == "" {
		cfg.public = w.ingress
	}
	adminAddress := freeAddress(w.t)
	w.admin = "http://" + adminAddress
	text := fmt.Sprintf(`
nats: {url: "%s", prefix: "%s"}
postgres: {url: "%s"}
redis: {url: "%s"}
ingress:
  listen: %s
  public_url: %s
  acknowledge: %s
  tokens:
    - {name: shop, token: %s, merchants: [classic, shop2, shop3], rate: %d}
    - {name: other-shop, token: other-token, merchants: [other]}
admin: {listen: "%s"}
payments: {ttl: %s, query_schedule: %s}
merchants:
  classic:
    protocol: legacy
    endpoint: %s
    app_id: %s
    app_secret: %s
    pay_sign_key: %s
    partner_id: "%s"
    partner_key: %s
    token_daily_quota: 1000
    deliver_notify: %t
  other:
    protocol: legacy
    endpoint: %s
    app_id: wxother
    app_secret: s
    pay_sign_key: k
    partner_id: "1900000110"
    partner_key: k
%s`, w.nats.URL(), cfg.prefix, w.postgres, w.redisURL, address, cfg.public, acknowledge, shopToken, cfg.rate, adminAddress, cfg.ttl, cfg.schedule,
		w.wechatURL, w.merchant.AppID, w.merchant.AppSecret, w.merchant.PaySignKey, w.merchant.PartnerID, w.merchant.PartnerKey,
		cfg.deliver, w.wechatURL, w.successors()) + cfg.more
	w.file = filepath.Join(w.t.TempDir(), "settled.yaml")
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

var ports sync.Map // that a test was given

// freeAddress is one that nobody listens at, of a port below those that the servers of tests take
// and the kernel gives to connections: one of them would take it before settled does, or between
// two starts of it.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 4_000+rand.N(8_000))
		if _, given := ports.LoadOrStore(address, true); given {
			continue
		}
		if listener, err := listen(t.Context(), address); err == nil {
			_ = listener.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// serve runs settled in this process until the test ends or stop is called.
func (w *world) serve() (stop func()) {
	return w.serveParts(parts{ingress: true, workers: true, admin: true})
}

func (w *world) serveParts(what parts) (stop func()) {
	w.t.Helper()
	cfg, err := config.Load(w.file, os.LookupEnv)
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	if w.log != nil {
		log = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	p, err := open(w.t.Context(), cfg, log)
	if err != nil {
		w.t.Fatal(err)
	}
	p.audits = w.audits
	// A program that is just being started holds the ports that were open here until it has begun.
	syscall.ForkLock.RLock()
	syscall.ForkLock.RUnlock() //nolint:staticcheck // it was waited for
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		err := p.run(ctx, what, func(addresses) { close(started) })
		if closeErr := p.close(ctx); err == nil {
			err = closeErr
		}
		ended <- err
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				w.t.Errorf("settled ended with %v", err)
			}
		})
	}
	w.t.Cleanup(stop)
	select {
	case <-started:
	case <-time.After(patience):
		w.t.Fatal("settled did not start")
	}
	return stop
}

// listen subscribes to everything that settled tells, as plain NATS subscribers do.
func (w *world) listen(prefix string) {
	w.t.Helper()
	nc, err := nats.Connect(w.nats.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	if w.stream, err = jetstream.New(nc); err != nil {
		w.t.Fatal(err)
	}
	for _, subject := range []string{prefix + "payment.*", prefix + "refund.*", prefix + "audit.*", prefix + "dead.>"} {
		if _, err := nc.Subscribe(subject, func(m *nats.Msg) { w.hear(strings.TrimPrefix(m.Subject, prefix), m) }); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) hear(subject string, m *nats.Msg) {
	if w.deaf.Load() {
		return
	}
	w.look(subject, m)
	h := heard{subject: subject, id: m.Header.Get(events.HeaderID), raw: string(m.Data), body: map[string]any{}}
	_ = json.Unmarshal(m.Data, &h.body) // a dead letter may hold anything
	h.order, _ = h.body["order_id"].(string)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, h)
	close(w.news)
	w.news = make(chan struct{})
}

// look holds a message against the contract, if settled has published it.
func (w *world) look(subject string, m *nats.Msg) {
	switch {
	case w.lies.Load():
	case !slices.Contains(events.Inputs, subject):
		w.contract.told(subject, m.Header, m.Data)
	case m.Header.Get(events.HeaderID) != "": // from the ingress
		w.contract.taken(subject, m.Header, m.Data)
	}
}

// all returns the events of an order; an empty order means any, an empty subject every one.
func (w *world) all(subject, order string) []heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []heard
	for _, h := range w.heard {
		if (subject == "" || h.subject == subject) && (order == "" || h.order == order) {
			found = append(found, h)
		}
	}
	return found
}

// once returns the ce-ids with which an event of an order was told.
func (w *world) once(subject, order string) map[string]bool {
	ids := map[string]bool{}
	for _, h := range w.all(subject, order) {
		ids[h.id] = true
	}
	return ids
}

// expect waits for an event of an order and returns its body.
func (w *world) expect(subject, order string) map[string]any {
	w.t.Helper()
	return w.await(subject, "order "+order, func(h heard) bool { return order == "" || h.order == order })
}

// await waits for the first event of a subject that fits, and returns its body.
func (w *world) await(subject, of string, fits func(heard) bool) map[string]any {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		news := w.news
		w.mu.Unlock()
		for _, h := range w.all(subject, "") {
			if fits(h) {
				return h.body
			}
		}
		select {
		case <-news:
		case <-deadline:
			w.t.Fatalf("no %s of %s", subject, of)
		}
	}
}

// repeats has WeChat tell a notify until it hears success: what a busy machine has not
// committed within four seconds is told again. Any goroutine may call it.
func (w *world) repeats(tell func() (heard bool)) {
	w.t.Helper()
	deadline := time.After(patience)
	for pause := 100 * time.Millisecond; !tell(); pause *= 2 {
		select {
		case <-time.After(pause):
		case <-deadline:
			w.t.Error("a notify is not answered with success, however often it comes")
			return
		}
	}
}

// until waits for a condition that nobody signals.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// order is a request for one fen and what the changes say; nil removes a field.
func order(id string, changes map[string]any) []byte {
	fields := map[string]any{
		"merchant": "classic", "order_id": id, "amount": map[string]any{"total": 1999}, "description": "One pot of tea",
		"client_ip": "203.0.113.7",
	}
	for name, value := range changes {
		if fields[name] = value; value == nil {
			delete(fields, name)
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		panic(err) // a test wrote what JSON has no words for
	}
	return data
}

// publish puts a message into its stream.
func (w *world) publish(subject string, body []byte) {
	w.t.Helper()
	w.until("publish "+subject, func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
		defer cancel()
		_, err := w.stream.Publish(ctx, subject, body)
		return err == nil
	})
}

// customerPays pays an order with what payment.prepared gave to its app.
func (w *world) customerPays(prepared map[string]any) simulator.Receipt {
	w.t.Helper()
	client := map[string]string{}
	for name, value := range prepared["client"].(map[string]any) {
		client[name] = value.(string)
	}
	receipt, err := w.wechat.Pay(w.t.Context(), client)
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt
}

// response is an HTTP answer.
type response struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// call asks the ingress; headers are pairs.
func (w *world) call(method, path string, body []byte, headers ...string) response {
	w.t.Helper()
	r := w.callAt(w.ingress+path, method, body, headers...)
	w.contract.answered(method, path, r.status, r.header, []byte(r.text))
	return r
}

func (w *world) callAt(url, method string, body []byte, headers ...string) response {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	r := response{status: answer.StatusCode, header: answer.Header, text: string(text), body: map[string]any{}}
	_ = json.Unmarshal(text, &r.body) // not every answer is JSON
	return r
}

// metrics goes through the lines of /metrics: a name with its labels, and a value.
func (w *world) metrics() iter.Seq2[string, string] {
	w.t.Helper()
	text := w.callAt(w.admin+"/metrics", http.MethodGet, nil).text
	return func(yield func(string, string) bool) {
		for line := range strings.Lines(text) {
			if at := strings.LastIndexByte(line, ' '); at > 0 && !yield(line[:at], strings.TrimSpace(line[at:])) {
				return
			}
		}
	}
}

// metric reads one of them; "" if it is not there.
func (w *world) metric(name string) string {
	w.t.Helper()
	for found, value := range w.metrics() {
		if found == name {
			return value
		}
	}
	return ""
}

var bearer = []string{"Authorization", "Bearer " + shopToken}

// state asks the ingress for a payment's status.
func (w *world) state(order string) string {
	w.t.Helper()
	status, _ := w.call(http.MethodGet, "/v1/payments/classic/"+order, nil, bearer...).body["status"].(string)
	return status
}
