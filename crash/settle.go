package crash

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"settled/wechat/simulator"
)

// patience bounds how long everything may take to come to its end.
const patience = 150 * time.Second

// Report is what a run has come to. Lost and Doubled must be 0, and Wrong empty.
type Report struct {
	Requested int // orders
	Paid      int // by WeChat's books
	Completed int // orders of which a subscriber heard so
	Refunds   int // that the shop asked for
	Refunded  int // of which a subscriber heard so
	Lost      int // paid, and not completed
	Doubled   int // completed with two ids, charged twice, refunded twice, or sent to WeChat with other content
	Wrong     []string
	Took      time.Duration
}

// Err says what is wrong, nil if nothing is.
func (r Report) Err() error {
	if r.Lost == 0 && r.Doubled == 0 && len(r.Wrong) == 0 {
		return nil
	}
	return fmt.Errorf("lost %d, doubled %d; %s", r.Lost, r.Doubled, strings.Join(r.Wrong, "; "))
}

// String is the report in a line.
func (r Report) String() string {
	return fmt.Sprintf("requested %d, paid %d, completed %d, refunded %d of %d, lost %d, doubled %d, took %s",
		r.Requested, r.Paid, r.Completed, r.Refunded, r.Refunds, r.Lost, r.Doubled, r.Took.Round(time.Millisecond))
}

// Settle waits until every order has come to its end and WeChat has heard of each, and then
// counts. Whatever has been done to the world must have been undone.
func (w *World) Settle(ctx context.Context) Report {
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	orders := w.Shop.all()
	_ = until(bounded, func() bool { // what has not come to its end by then is wrong
		return !slices.ContainsFunc(orders, func(o *order) bool { return w.unsettled(o) != "" })
	})
	pause(ctx, time.Second) // for what might come twice
	report := w.count(orders)
	if err := w.audit(ctx); err != nil {
		report.Wrong = append(report.Wrong, err.Error())
	}
	report.Took = time.Since(began)
	return report
}

// unsettled says what has still to happen to an order, "" for nothing.
func (w *World) unsettled(o *order) string {
	w.Shop.mu.Lock()
	ended, paid, turnedAway := o.ended, o.paid, o.turnedAway
	w.Shop.mu.Unlock()
	known, err := w.WeChat.Order(o.merchant, o.id)
	switch {
	case !ended:
		return "has not come to its end"
	case turnedAway || o.leaves || o.refused:
		return ""
	case !paid || err != nil:
		return "was not paid"
	case !o.silent && !known.Acknowledged:
		return "is paid, and WeChat has not heard success"
	case o.merchant == classic && !o.silent && !known.Delivered: // without a notify nobody knows whom to name
		return "is completed, and WeChat was not told of its goods"
	}
	return ""
}

// count counts what the shop, its customers and WeChat know.
func (w *World) count(orders []*order) Report {
	stats := w.WeChat.Stats()
	r := Report{Requested: len(orders), Paid: int(stats.Paid)}
	for _, o := range orders {
		w.countOrder(&r, o)
	}
	for twice, of := range map[string]int64{
		"orders were charged twice": stats.ChargedTwice, "refunds were paid out twice": stats.RefundedTwice,
		"prepays came with other content": stats.OtherContent,
	} {
		if r.Doubled += int(of); of > 0 {
			r.Wrong = append(r.Wrong, fmt.Sprintf("%d %s", of, twice))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Wrong = append(r.Wrong, w.wrong...)
	return r
}

func (w *World) countOrder(r *Report, o *order) {
	if missing := w.unsettled(o); missing != "" {
		r.Wrong = append(r.Wrong, fmt.Sprintf("order %s of %s %s", o.id, o.merchant, missing))
	}
	known, err := w.WeChat.Order(o.merchant, o.id)
	paid := err == nil && known.Charges > 0
	w.Shop.mu.Lock()
	defer w.Shop.mu.Unlock()
	r.Refunds += o.refunds
	r.Refunded += o.count("refund.completed")
	completed := o.count("payment.completed")
	r.Completed += min(1, completed)
	if completed > 1 {
		r.Doubled++
	}
	if paid && completed == 0 {
		r.Lost++
	}
	r.Wrong = append(r.Wrong, o.mistakes(known)...)
}

// mistakes are the ends that an order should not have come to.
func (o *order) mistakes(known simulator.Order) []string {
	var wrong []string
	for event, want := range o.ends() {
		if n := o.count(event); n != want {
			wrong = append(wrong, fmt.Sprintf("order %s of %s: %d different %s, not %d", o.id, o.merchant, n, event, want))
		}
	}
	if want := int64(o.total/3) * int64(o.refunds); !o.declines && known.RefundedFee != want {
		wrong = append(wrong, fmt.Sprintf("order %s of %s: %d fen went back, not %d", o.id, o.merchant, known.RefundedFee, want))
	}
	slices.Sort(wrong)
	return wrong
}

// ends is how often each end should have been told of.
func (o *order) ends() map[string]int {
	ends := map[string]int{
		"payment.completed": 0, "payment.closed": 0, "payment.failed": 0, "payment.flagged": 0, "payment.rejected": 0,
		"refund.completed": 0, "refund.failed": 0, "refund.rejected": 0,
	}
	switch {
	case o.turnedAway && o.count("payment.prepared") == 0:
		return map[string]int{"payment.completed": 0}
	case o.leaves && o.count("payment.rejected") > 0:
		return map[string]int{"payment.completed": 0} // it was too late when a worker first saw it
	}
	ends[o.rightEnd()] = 1
	ends[o.rightRefund()] += o.refunds
	return ends
}

// Audit has settled look at itself once, for at most so long.
func (w *World) Audit(ctx context.Context, most time.Duration) error {
	if len(w.Processes) == 0 {
		return errors.New("there is nothing to audit")
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	command := exec.CommandContext(ctx, w.servers.program, "audit", "--config", w.Processes[0].file, "--log-level", "error") //nolint:gosec // its own program
	said, err := command.CombinedOutput()
	if err != nil {
		const last = 2000 // the summary stands at the end
		return fmt.Errorf("settled audit: %w\n%s", err, said[max(0, len(said)-last):])
	}
	return nil
}

// audit audits. One that could not look, because a server was slow, is
// repeated; a break lasts.
func (w *World) audit(ctx context.Context) error {
	const tries = 3
	var err error
	for range tries {
		if err = w.Audit(ctx, time.Minute); err == nil {
			return nil
		}
		pause(ctx, 5*time.Second)
	}
	return err
}
