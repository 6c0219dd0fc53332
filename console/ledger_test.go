package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"settled"
	"settled/console"
)

// books are a ledger, letters and health in memory, whose content is the test's.
type books struct {
	now func() time.Time

	mu       sync.Mutex
	payments []settled.Payment // the latest first
	history  map[string][]settled.Happening
	journal  map[string][]settled.Entry
	refunds  []settled.Refund
	flags    []settled.Flag
	letters  []console.Letter // the latest first
	overview settled.Overview
	queues   []console.Queue
	keys     []console.Key

	failing  []string      // dependencies that do not answer
	hangs    chan struct{} // not nil: nothing answers before it is closed
	looks    int           // at the overview
	acts     []settled.Act
	replayed []uint64
	would    func(console.Letter) string
}

// ask is how every read begins.
func (b *books) ask(of string) error {
	b.mu.Lock()
	hangs, down := b.hangs, slices.Contains(b.failing, of)
	b.mu.Unlock()
	if hangs != nil {
		<-hangs // whatever ctx says
	}
	if down {
		return fmt.Errorf("read: %w", settled.ErrUnavailable)
	}
	return nil
}

func (b *books) set(change func(*books)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *books) Overview(context.Context) (settled.Overview, error) {
	if err := b.ask("postgres"); err != nil {
		return settled.Overview{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
	o := b.overview
	o.At = b.now()
	return o, nil
}

func (b *books) Search(_ context.Context, text string) ([]settled.Payment, error) {
	if err := b.ask("postgres"); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []settled.Payment
	for _, p := range b.payments {
		refunded := slices.ContainsFunc(b.refunds, func(r settled.Refund) bool {
			return r.PaymentID == p.ID && (r.RefundID == text || r.WechatRefundID == text)
		})
		if p.OrderID == text || p.ID == text || p.Paid.TransactionID == text || refunded {
			found = append(found, p)
		}
	}
	return found, nil
}

// paged cuts a page out of a list.
func paged[T any](all []T, after string, size int, fits func(T) bool) settled.Page[T] {
	var fitting []T
	for _, item := range all {
		if fits(item) {
			fitting = append(fitting, item)
		}
	}
	start, _ := strconv.Atoi(after) // what is no number asks for the first page
	start = max(0, min(start, len(fitting)))
	end := min(start+size, len(fitting))
	page := settled.Page[T]{Items: fitting[start:end]}
	if end < len(fitting) {
		page.Next = strconv.Itoa(end)
	}
	return page
}

func (b *books) Payments(_ context.Context, l settled.Listing) (settled.Page[settled.Payment], error) {
	if err := b.ask("postgres"); err != nil {
		return settled.Page[settled.Payment]{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return paged(b.payments, l.After, l.Size, func(p settled.Payment) bool {
		return (l.Merchant == "" || p.Merchant == l.Merchant) && (l.Status == "" || p.Status == l.Status) &&
			(l.From.IsZero() || !p.CreatedAt.Before(l.From)) && (l.To.IsZero() || p.CreatedAt.Before(l.To))
	}), nil
}

func (b *books) RefundList(_ context.Context, l settled.RefundListing) (settled.Page[settled.Refund], error) {
	if err := b.ask("postgres"); err != nil {
		return settled.Page[settled.Refund]{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return paged(b.refunds, l.After, l.Size, func(r settled.Refund) bool {
		return (l.Merchant == "" || r.Merchant == l.Merchant) && (l.Status == "" || r.Status == l.Status)
	}), nil
}

func (b *books) Flags(_ context.Context, l settled.FlagListing) (settled.Page[settled.Flag], error) {
	if err := b.ask("postgres"); err != nil {
		return settled.Page[settled.Flag]{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return paged(b.flags, l.After, l.Size, func(f settled.Flag) bool {
		return (l.Merchant == "" || f.Merchant == l.Merchant) && l.Settled != f.SettledAt.IsZero()
	}), nil
}

func (b *books) PaymentByID(_ context.Context, id string) (settled.Payment, error) {
	if err := b.ask("postgres"); err != nil {
		return settled.Payment{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.payments {
		if p.ID == id {
			return p, nil
		}
	}
	return settled.Payment{}, settled.ErrNotFound
}

func (b *books) History(_ context.Context, id string) ([]settled.Happening, error) {
	err := b.ask("history")
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.history[id]), err
}

func (b *books) Journal(_ context.Context, id string) ([]settled.Entry, error) {
	err := b.ask("journal")
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.journal[id]), err
}

func (b *books) Refunds(_ context.Context, id string) ([]settled.Refund, error) {
	err := b.ask("refunds")
	b.mu.Lock()
	defer b.mu.Unlock()
	return paged(b.refunds, "", 100, func(r settled.Refund) bool { return r.PaymentID == id }).Items, err
}

func (b *books) FlagsOf(_ context.Context, id string) ([]settled.Flag, error) {
	err := b.ask("flags")
	b.mu.Lock()
	defer b.mu.Unlock()
	return paged(b.flags, "", 100, func(f settled.Flag) bool { return f.PaymentID == id }).Items, err
}

// Act does it once: the second of two at the same moment finds nothing to do.
func (b *books) Act(_ context.Context, a settled.Act) (bool, error) {
	if err := b.ask("postgres"); err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.payments, func(p settled.Payment) bool { return p.ID == a.PaymentID })
	if a.Kind == settled.ActSettle {
		flag := slices.IndexFunc(b.flags, func(f settled.Flag) bool { return f.EventID == a.EventID && f.PaymentID == a.PaymentID })
		if flag < 0 || !b.flags[flag].SettledAt.IsZero() {
			return false, nil
		}
		b.flags[flag].SettledAt, b.flags[flag].SettledBy, b.flags[flag].Comment = a.At, a.By, a.Comment
	} else if at < 0 {
		return false, settled.ErrNotFound
	} else if !b.payments[at].Status.Open() || slices.ContainsFunc(b.acts, func(o settled.Act) bool { return o.Kind == a.Kind && o.PaymentID == a.PaymentID }) {
		return false, nil
	}
	b.acts = append(b.acts, a)
	if at >= 0 {
		b.payments[at].CloseAsked = b.payments[at].CloseAsked || a.Kind == settled.ActClose
		data, _ := json.Marshal(map[string]string{"by": a.By, "comment": a.Comment})
		b.history[a.PaymentID] = append(b.history[a.PaymentID], settled.Happening{
			Event: settled.Event{Type: a.Kind.Event(), At: a.At, Data: data, Private: true, PaymentID: a.PaymentID},
		})
	}
	return true, nil
}

func (b *books) Letters(_ context.Context, before uint64, size int) ([]console.Letter, uint64, error) {
	if err := b.ask("nats"); err != nil {
		return nil, 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	page := paged(b.letters, "", size+1, func(l console.Letter) bool { return before == 0 || l.Sequence < before })
	if len(page.Items) > size {
		return page.Items[:size], page.Items[size-1].Sequence, nil
	}
	return page.Items, 0, nil
}

func (b *books) Would(_ context.Context, sequence uint64) (console.Letter, string, error) {
	if err := b.ask("nats"); err != nil {
		return console.Letter{}, "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.letters {
		if l.Sequence == sequence {
			return l, b.would(l), nil
		}
	}
	return console.Letter{}, "", settled.ErrNotFound
}

func (b *books) Replay(_ context.Context, sequence uint64, _, _ string) error {
	if err := b.ask("nats"); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replayed = append(b.replayed, sequence)
	b.letters = slices.DeleteFunc(b.letters, func(l console.Letter) bool { return l.Sequence == sequence })
	return nil
}

func (b *books) LettersOf(_ context.Context, merchant, orderID string) ([]console.Letter, error) {
	if err := b.ask("nats"); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return paged(b.letters, "", 50, func(l console.Letter) bool { return l.Merchant == merchant && l.OrderID == orderID }).Items, nil
}

func (b *books) Failing(context.Context) []string {
	_ = b.ask("")
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.failing), func(name string) bool {
		return !slices.Contains([]string{"postgres", "nats", "redis"}, name)
	})
}

func (b *books) Queues() []console.Queue {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queues
}

func (b *books) Keys() []console.Key {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keys
}

func (b *books) DeadLetters() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.Contains(b.failing, "nats") {
		return -1
	}
	return len(b.letters)
}

// id is the nth payment's, or event's.
func id(n int) string { return fmt.Sprintf("0192f0c1-7a00-7000-8000-%012d", n) }

// filled are books of a house in which most goes well.
func filled(now func() time.Time) *books {
	b := &books{
		now: now, history: map[string][]settled.Happening{}, journal: map[string][]settled.Entry{},
		would: func(console.Letter) string { return "would move payment " + id(3) + " from prepared to completed" },
	}
	at := now()
	statuses := []settled.Status{
		settled.StatusPrepared, settled.StatusCompleted, settled.StatusCompleted, settled.StatusPrepared, settled.StatusRequested,
		settled.StatusCompleted, settled.StatusClosed, settled.StatusFailed, settled.StatusPrepared, settled.StatusCompleted,
	}
	goods := []string{"One pot of tea", "龙井新茶 250g", "Two tickets, row 7", "双人下午茶套餐", "Refill"}
	for n := 1; n <= 64; n++ {
		p := settled.Payment{
			ID: id(n), Merchant: []string{"classic", "shop2", "shop3"}[n%3], OrderID: fmt.Sprintf("20261128-%06d", 4000-n),
			Status: statuses[n%len(statuses)], TradeType: settled.APP, Amount: settled.Money{Total: settled.Fen(n*n*137 + 99), Currency: settled.CNY},
			Description: goods[n%len(goods)], CreatedAt: at.Add(-time.Duration(n) * 43 * time.Second),
			Metadata: map[string]string{"cart": strconv.Itoa(70 + n)},
		}
		p.ExpiresAt = p.CreatedAt.Add(30 * time.Minute)
		b.payments = append(b.payments, b.lived(p, n))
	}
	b.troubles(at)
	b.house(at)
	return b
}

// lived gives a payment what its state needs.
func (b *books) lived(p settled.Payment, n int) settled.Payment {
	at := b.now()
	tell := func(kind string, after time.Duration, from, to settled.Status, more string) {
		h := settled.Happening{Version: int64(len(b.history[p.ID]) + 1), From: from, To: to}
		h.ID, h.Type, h.PaymentID, h.At = id(1000*n+len(b.history[p.ID])), kind, p.ID, p.CreatedAt.Add(after)
		h.Data = fmt.Appendf(nil, `{"payment_id":%q,"order_id":%q,"amount":{"total":%d,"currency":"CNY"}%s}`, p.ID, p.OrderID, p.Amount.Total, more)
		b.history[p.ID] = append(b.history[p.ID], h)
	}
	call := func(name, outcome string, after, took time.Duration) {
		b.journal[p.ID] = append(b.journal[p.ID], settled.Entry{
			At: p.CreatedAt.Add(after), PaymentID: p.ID, Kind: settled.EntryCall, Name: name, Host: "main", Outcome: outcome, Took: took,
			RequestID: "08F6A1B2-" + strconv.Itoa(n),
		})
	}
	tell("payment.recorded", 0, "", settled.StatusRequested, "")
	p.DueAt = at.Add(12 * time.Second)
	if p.Status == settled.StatusRequested {
		return p
	}
	if p.Status == settled.StatusFailed {
		p.DueAt, p.Failure = time.Time{}, settled.Failure{Code: "NOAUTH", Message: "商户无此接口权限"}
		call("unifiedorder", "refused", 90*time.Millisecond, 81*time.Millisecond)
		tell("payment.failed", 100*time.Millisecond, settled.StatusRequested, settled.StatusFailed, `,"error":{"code":"NOAUTH","message":"商户无此接口权限"}`)
		return p
	}
	call("unifiedorder", "done", 110*time.Millisecond, 97*time.Millisecond)
	tell("payment.prepared", 120*time.Millisecond, settled.StatusRequested, settled.StatusPrepared, `,"prepay_id":"wx28133005","client":{"sign":"SECRET-SIGN"}`)
	p.PreparedAt, p.Prepared.PrepayID = p.CreatedAt.Add(120*time.Millisecond), "wx28133005"+strconv.Itoa(n)
	switch p.Status { //nolint:exhaustive // the others have nothing more
	case settled.StatusCompleted:
		p.DueAt, p.Source, p.PayerOpenID = time.Time{}, settled.FromNotify, "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
		p.Paid = settled.Trade{TransactionID: "42000018" + strconv.Itoa(9000+n), PaidAt: p.CreatedAt.Add(14 * time.Second), BankType: "CMB_DEBIT"}
		b.journal[p.ID] = append(b.journal[p.ID], settled.Entry{
			At: p.CreatedAt.Add(15 * time.Second), Kind: settled.EntryNotify, Name: "payment", Outcome: "success", Took: 11 * time.Millisecond,
		})
		tell("payment.completed", 15*time.Second, settled.StatusPrepared, settled.StatusCompleted, `,"source":"notify"`)
	case settled.StatusClosed:
		p.CloseReason, p.DueAt = settled.Expired, at.Add(8*time.Minute)
		call("orderquery", "done", 30*time.Minute, 60*time.Millisecond)
		call("closeorder", "done", 30*time.Minute+time.Second, 70*time.Millisecond)
		tell("payment.closed", 30*time.Minute+2*time.Second, settled.StatusPrepared, settled.StatusClosed, `,"reason":"expired"`)
	}
	return p
}

// troubles are what operators come for: payment 10 hangs, 3 is flagged and has a dead letter,
// 11 and 1 have refunds.
func (b *books) troubles(at time.Time) {
	hangs := &b.payments[9]
	hangs.Status, hangs.Attempts, hangs.DueAt = settled.StatusPrepared, 4, at.Add(31*time.Second)
	hangs.Trouble = "query order: outcome unknown: timeout: Post \"https://api.mch.weixin.qq.com\": context deadline exceeded"
	for n := range 4 {
		b.journal[hangs.ID] = append(b.journal[hangs.ID], settled.Entry{
			At: at.Add(-time.Duration(4-n) * 70 * time.Second), Kind: settled.EntryCall, Name: "orderquery", Host: []string{"main", "backup"}[n%2],
			Outcome: "unknown", Code: "timeout", Took: 5 * time.Second,
		})
	}
	flagged := &b.payments[2]
	flagged.Status, flagged.DueAt, flagged.Attempts = settled.StatusPrepared, at.Add(41*time.Minute), 1
	flagged.Trouble = "amount_mismatch: the order is for 1332 fen, WeChat says 1"
	b.flags = append(b.flags,
		settled.Flag{EventID: id(500), PaymentID: flagged.ID, Merchant: flagged.Merchant, OrderID: flagged.OrderID, Reason: settled.AmountMismatch, Detail: "the order is for 1332 fen, WeChat says 1", At: at.Add(-19 * time.Minute)},
		settled.Flag{EventID: id(501), Merchant: "shop2", OrderID: "somebodyelse01", Reason: settled.UnknownOrder, Detail: "transaction 4200001888 of 12.00 CNY", At: at.Add(-3 * time.Hour)},
		settled.Flag{EventID: id(502), PaymentID: id(5), Merchant: "shop3", OrderID: "20261128-003995", Reason: settled.SecondTransaction, Detail: "paid with transaction 4200001, and again with 4200002", At: at.Add(-26 * time.Hour), SettledAt: at.Add(-25 * time.Hour), SettledBy: "alice", Comment: "refunded the second one on the merchant platform"},
	)
	b.letters = append(b.letters,
		console.Letter{Sequence: 92, Subject: "notify.received", Merchant: flagged.Merchant, OrderID: flagged.OrderID, Reason: "decode notify: unexpected end of XML", Attempts: 5, At: at.Add(-18 * time.Minute)},
		console.Letter{Sequence: 71, Subject: "payment.requested", Merchant: "shop2", OrderID: "20261127-000812", Reason: "merchant \"shop2\" is not configured", Attempts: 1, At: at.Add(-20 * time.Hour)},
	)
	refund := func(n int, status settled.RefundStatus, more func(*settled.Refund)) {
		p := b.payments[n-1]
		r := settled.Refund{
			ID: id(700 + n), PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, RefundID: "R" + p.OrderID, Amount: p.Amount.Total / 2, Total: p.Amount.Total,
			Currency: settled.CNY, Status: status, Held: true, Reason: "one cup was broken", CreatedAt: at.Add(-time.Duration(n) * time.Minute), WechatRefundID: "50000408" + strconv.Itoa(n),
		}
		more(&r)
		b.refunds = append(b.refunds, r)
		b.payments[n-1].Refunding = r.Amount
	}
	refund(1, settled.RefundAccepted, func(r *settled.Refund) { r.DueAt = at.Add(3 * time.Minute) })
	refund(11, settled.RefundFailed, func(r *settled.Refund) {
		r.Failure = settled.Failure{Code: "ABNORMAL", Message: "WeChat could not pay the customer back"}
	})
	refund(12, settled.RefundCompleted, func(r *settled.Refund) { r.RefundedAt, r.Account = at, "招商银行信用卡0403" })
}

// house is what the overview tells.
func (b *books) house(at time.Time) {
	late := b.payments[4]
	late.DueAt = at.Add(-6 * time.Minute)
	b.overview = settled.Overview{
		Open: map[settled.Status]int{settled.StatusRequested: 7, settled.StatusPrepared: 1284}, Flagged: 2, Oldest: &late,
		Steps: []settled.Step{
			{Name: "prepare", Count: 1000, P50: 84 * time.Millisecond, P99: 412 * time.Millisecond},
			{Name: "complete", Count: 1000, P50: 1300 * time.Millisecond, P99: 4100 * time.Millisecond},
		},
		Census: settled.Census{
			Unpublished: 18, OldestUnpublished: 400 * time.Millisecond, Overdue: map[settled.Status]time.Duration{settled.StatusPrepared: 6 * time.Minute},
		},
		Lines: []settled.Line{
			{Merchant: "classic", Host: "main", Calls: 2210, P50: 61 * time.Millisecond, P99: 240 * time.Millisecond},
			{Merchant: "shop2", Host: "main", Calls: 880, Failed: 47, P50: 74 * time.Millisecond, P99: 5 * time.Second, LastFailure: at.Add(-22 * time.Second), LastFailureCode: "timeout", LastFailureOutcome: "unknown"},
			{Merchant: "shop2", Host: "backup", Calls: 47, P50: 92 * time.Millisecond, P99: 310 * time.Millisecond},
			{Merchant: "shop3", Host: "main", Calls: 1502, P50: 66 * time.Millisecond, P99: 190 * time.Millisecond},
		},
		Notifies: settled.NotifyHealth{OnTime: 4812, Late: 37, Never: 12},
	}
	for n := range 60 {
		wave := (n*n*7)%23 + 40 + 18*((n/7)%3)
		b.overview.Rates = append(b.overview.Rates, settled.Rate{
			Minute: at.Truncate(time.Minute).Add(time.Duration(n-59) * time.Minute), Requested: wave, Completed: wave * (70 + n%9) / 100, Closed: wave * (4 + n%5) / 100,
		})
	}
	b.queues = []console.Queue{{"prepare", 3, 41}, {"finalize", 0, 12}, {"reconcile", 0, 2}, {"refund", 0, 0}}
	b.keys = []console.Key{
		{Merchant: "classic", What: "access token", State: "good", Since: at.Add(-31 * time.Minute), Until: at.Add(89 * time.Minute)},
		{Merchant: "shop2", What: "host main", State: "left_alone", Since: at.Add(-9 * time.Second), Until: at.Add(6 * time.Second)},
		{Merchant: "shop3", What: "platform certificate", State: "good", Since: at.Add(-70 * time.Hour), Until: at.Add(1900 * 24 * time.Hour)},
		{Merchant: "shop3", What: "public key", State: "good"},
	}
}

// nasty are books in which every text that comes from outside attacks whoever reads it.
func nasty(now func() time.Time) *books {
	b := filled(now)
	n := 0
	evil := func() string {
		n++
		return attacks[n%len(attacks)]
	}
	for i := range b.payments {
		p := &b.payments[i]
		p.OrderID, p.Merchant, p.Description, p.Attach, p.Trouble = evil(), evil(), evil(), evil(), "refused: "+evil()
		p.PayerOpenID, p.TradeType, p.ClientIP, p.Prepared.PrepayID = evil(), settled.TradeType(evil()), evil(), evil()
		p.Metadata = map[string]string{evil(): evil(), evil(): evil()}
		p.Failure = settled.Failure{Code: evil(), Message: evil()}
		p.Paid.BankType, p.Paid.TransactionID, p.Amount.Currency = evil(), evil(), evil()
		p.Source, p.CloseReason = settled.Source(evil()), settled.CloseReason(evil())
		for j := range b.history[p.ID] {
			h := &b.history[p.ID][j]
			h.Type, h.RequestID = evil(), evil()
			h.Data, _ = json.Marshal(map[string]any{
				"by": evil(), "comment": evil(), "detail": evil(), evil(): evil(), "reason": evil(), "subject": evil(), "error": map[string]string{"code": evil(), "message": evil()},
			})
		}
		for j := range b.journal[p.ID] {
			e := &b.journal[p.ID][j]
			e.Name, e.Host, e.Outcome, e.Code, e.RequestID, e.Kind = evil(), evil(), evil(), evil(), evil(), settled.EntryKind(evil())
		}
	}
	for i := range b.refunds {
		r := &b.refunds[i]
		r.RefundID, r.OrderID, r.Merchant, r.Reason, r.Account, r.WechatRefundID, r.Trouble, r.Currency = evil(), evil(), evil(), evil(), evil(), evil(), evil(), evil()
		r.Failure = settled.Failure{Code: evil(), Message: evil()}
	}
	for i := range b.flags {
		f := &b.flags[i]
		f.Merchant, f.OrderID, f.Reason, f.Detail, f.SettledBy, f.Comment = evil(), evil(), settled.FlagReason(evil()), evil(), evil(), evil()
	}
	for i := range b.letters {
		l := &b.letters[i]
		l.Subject, l.Merchant, l.OrderID, l.Reason = evil(), b.payments[2].Merchant, b.payments[2].OrderID, evil()
	}
	for i := range b.overview.Lines {
		l := &b.overview.Lines[i]
		l.Merchant, l.Host, l.LastFailureCode, l.LastFailureOutcome, l.LastFailure = evil(), evil(), evil(), evil(), now()
	}
	for i := range b.keys {
		b.keys[i].Merchant, b.keys[i].What, b.keys[i].State = evil(), evil(), evil()
	}
	for i := range b.queues {
		b.queues[i].Consumer = evil()
	}
	for i := range b.overview.Steps {
		b.overview.Steps[i].Name = evil()
	}
	oldest := b.payments[4]
	b.overview.Oldest = &oldest
	b.would = func(console.Letter) string { return evil() }
	return b
}

// canary is what a script of an attacker would call; a browser test fails if anything does.
const canary = "window.caught=1"

// attacks are texts that run, break out, turn or vanish where they are shown carelessly.
var attacks = []string{
	`<script>` + canary + `</script>`,
	`"><img src=x onerror="` + canary + `">`,
	`'-(` + canary + `)-'`,
	`javascript:` + canary + `//`,
	`</textarea></title></style></script><svg onload="` + canary + `">`,
	`{{.}}${` + canary + `}`,
	`{trouble}{code}{time}`,
	`paid` + "\u202e" + `000,1 ¥` + "\u202c",
	"zero\u200bwidth\ufeff\u2060\u00ad\u3164",
	"nul\x00 bell\a esc\x1b[31m line\r\nbreak\ttab",
	"broken \xff\xfe utf8 \xed\xa0\x80",
	"a" + strings.Repeat("\u0301", 40) + " zalgo",
	strings.Repeat("long ", 400),
	strings.Repeat("W", 3000),
	"data:text/html,<script>" + canary + "</script>",
	"\" onmouseover=\"" + canary + "\" autofocus onfocus=\"" + canary + "\" x=\"",
	"data: x\n\nevent: overview\ndata: <img src=x onerror=" + canary + ">\n\n",
}
