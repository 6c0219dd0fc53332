package wechat

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"settled"
	v3 "settled/wechat/v3"
)

// The names of WeChat's two hosts.
const (
	MainHost   = "main"
	BackupHost = "backup"
)

// The words for what keeps an outcome unknown on a line besides a lost answer.
const (
	codeUnverified = "unverified" // the answer's signature does not verify
	codeHostOpen   = "host_open"  // the hosts fail and are left alone for a while
)

// Call is one call to WeChat, as those who count hear of it.
type Call struct {
	Name      string // WeChat's own word, such as unifiedorder
	Host      string // MainHost or BackupHost
	Outcome   string // as settled.Outcome
	Code      string // WeChat's code or ours, 0 if all is well
	RequestID string // names the answer for WeChat's support; may be empty
	Took      time.Duration

	// What it was about; empty for a call that is about no payment.
	PaymentID, OrderID string
}

// subject is what a call is about.
type subject struct{ paymentID, orderID string }

func ofPayment(p settled.Payment) subject { return subject{p.ID, p.OrderID} }

func ofRefund(r settled.Refund) subject { return subject{r.PaymentID, r.OrderID} }

// lineConfig is what APIv2 and APIv3 have in common on their way to WeChat.
type lineConfig struct {
	Endpoint, Backup string // Backup empty: there is one host
	Rate             int    // calls a second; 0: without bounds
	HTTP             *http.Client
	Certificate      *tls.Certificate // for calls that need one
	Timeout          time.Duration
	Now              func() time.Time
	Observe          func(Call)
	HostChanged      func(host string, open bool)
	Log              *slog.Logger
}

// line is one merchant's line to WeChat: two hosts of which the backup is used while the
// first one fails, and a budget. Every call that is made over it may be made twice: it
// names its order or refund, and carries the same body whatever host it goes to.
type line struct {
	hosts            []*host
	budget           *budget
	plain, certified caller
	now              func() time.Time
	observe          func(Call)
	changed          func(host string, open bool)
	log              *slog.Logger
}

// host is one of WeChat's hosts, as this merchant finds it.
type host struct {
	name, endpoint string
	breaker        breaker
}

func newLine(cfg lineConfig) *line {
	l := &line{
		hosts:  []*host{{name: MainHost, endpoint: cfg.Endpoint}},
		budget: newBudget(cfg.Rate), plain: newCaller(cfg.HTTP, cfg.Timeout),
		now: cfg.Now, observe: cfg.Observe, changed: cfg.HostChanged, log: cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)),
	}
	l.certified = l.plain
	if cfg.Certificate != nil {
		l.certified = l.plain.with(*cfg.Certificate)
	}
	if cfg.Backup != "" {
		l.hosts = append(l.hosts, &host{name: BackupHost, endpoint: cfg.Backup})
	}
	if l.observe == nil {
		l.observe = func(Call) {}
	}
	if l.changed == nil {
		l.changed = func(string, bool) {}
	}
	return l
}

// outgoing is a call. write makes the request for an endpoint anew for every attempt, since
// a signature may have a time of its own; its body is always the same.
type outgoing struct {
	name      string
	about     subject
	class     class
	certified bool // needs the client certificate
	write     func(endpoint string) (request, error)
}

// do makes a call and has judge read the answer, of whatever status. judge returns nil,
// *settled.Refusal or *settled.Unknown, and so does do. A host that gives no answer of
// WeChat's own is passed over once within the call, if the other one is well.
func (l *line) do(ctx context.Context, out outgoing, judge func(incoming) error) error {
	if again, rest := l.rests(); rest {
		return l.hostsOpen(again)
	}
	if err := l.budget.wait(ctx, l.now, out.class); err != nil {
		return err
	}
	var err error
	var again time.Time
	tried := 0
	for _, h := range l.hosts {
		term, admitted, after := h.breaker.admit(l.now())
		if !admitted {
			again = earliest(again, after)
			continue
		}
		tried++
		var found health
		if found, err = l.attempt(ctx, h, term, out, judge); found == healthy || found == neither || ctx.Err() != nil {
			return err
		}
	}
	if tried > 0 {
		return err
	}
	return l.hostsOpen(again)
}

// rests reports whether every host is left alone, and until when: then no call may take a
// turn in the budget, or wait for one.
func (l *line) rests() (again time.Time, rest bool) {
	for _, h := range l.hosts {
		after := h.breaker.rests(l.now())
		if after.IsZero() {
			return time.Time{}, false
		}
		again = earliest(again, after)
	}
	return again, true
}

func (l *line) hostsOpen(again time.Time) error {
	return &settled.Unknown{
		Code: codeHostOpen, After: max(again.Sub(l.now()), time.Second), Err: errors.New("WeChat's hosts have failed and are left alone"),
	}
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// attempt makes the call to one host, and says what that tells of the host. It says so to
// the breaker whatever happens: a probe that never ended would be the host's last.
func (l *line) attempt(ctx context.Context, h *host, term int, out outgoing, judge func(incoming) error) (found health, err error) {
	began := l.now()
	defer func() {
		if h.breaker.done(l.now(), term, found) {
			l.tell(ctx, h, found == failing)
		}
	}()
	answer, err := l.exchange(ctx, h, out)
	sent := err == nil
	if sent {
		err = judge(answer)
	}
	found = healthOf(ctx, answer, err, sent)
	switch {
	case found != healthy:
	case answer.status == http.StatusTooManyRequests || errors.Is(err, errTooOften):
		l.budget.slow(l.now())
	default:
		l.budget.answered()
	}
	call := Call{
		Name: out.name, Host: h.name, Outcome: settled.Outcome(err), Code: codeOf(err),
		RequestID: v3.RequestID(answer.header), Took: max(l.now().Sub(began), 0), // the clock may be set back
		PaymentID: out.about.paymentID, OrderID: out.about.orderID,
	}
	l.observe(call)
	l.note(ctx, call, err)
	return found, err
}

func (l *line) exchange(ctx context.Context, h *host, out outgoing) (incoming, error) {
	r, err := out.write(h.endpoint)
	if err != nil {
		return incoming{}, &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	if out.certified {
		return l.certified.exchange(ctx, r)
	}
	return l.plain.exchange(ctx, r)
}

// healthOf says what a call tells of its host. WeChat's own word, however unwelcome, is
// that of a host that is well; "system error" with a status of 5xx is not.
func healthOf(ctx context.Context, answer incoming, err error, sent bool) health {
	var unknown *settled.Unknown
	switch {
	case !errors.As(err, &unknown):
		return healthy
	case !sent && ctx.Err() != nil, unknown.Code == codeUnwritable:
		return neither
	case unknown.Code == codeUnverified:
		return doubtful
	case !sent, answer.status >= 500, isRedirect(answer.status), unknown.Code == codeUnreadable:
		return failing
	default:
		return healthy
	}
}

// isRedirect reports whether somebody else than WeChat answered, who wants us elsewhere.
func isRedirect(status int) bool { return status >= 300 && status < 400 }

// tell says that a host is left alone from now on, or no longer.
func (l *line) tell(ctx context.Context, h *host, open bool) {
	l.changed(h.name, open)
	if open {
		l.log.WarnContext(ctx, "wechat's host fails and is left alone", "host", h.name)
		return
	}
	l.log.InfoContext(ctx, "wechat's host is back", "host", h.name)
}

// note logs a call that did not go well where people look, and every other where those who
// search for it do. A probe of WeChat's is nothing to look at.
func (l *line) note(ctx context.Context, c Call, err error) {
	level := slog.LevelDebug
	if c.Outcome != "done" && c.Code != codeCancelled && !errors.Is(err, v3.ErrProbe) {
		level = slog.LevelInfo
	}
	l.log.Log(ctx, level, "wechat called", "call", c.Name, "host", c.Host, "outcome", c.Outcome, "code", c.Code,
		"request_id", c.RequestID, "took", c.Took)
}

// concealing are the texts that no error of a line may tell, the longest first.
func concealing(secrets ...string) []string {
	return slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}
