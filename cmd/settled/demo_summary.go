package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"settled/events"
)

// demoSummary is what came of the demo's orders.
type demoSummary struct {
	demoCounts
	lanes map[lane]*demoCounts

	toPrepared []time.Duration // from the order
	notifies   demoNotifies
	flagged    int
	took       time.Duration
	audit      string // what settled audit says

	wrong []string // whatever is not as it must be
}

// demoCounts is how far orders have come.
type demoCounts struct {
	requested, prepared, completed, closed int
	refunds, refunded                      int // wanted, and completed

	toCompletion []time.Duration // from the customer's payment
}

// count adds one order.
func (c *demoCounts) count(o *demoOrder) {
	c.requested++
	c.prepared += min(1, len(o.told[events.PaymentPrepared]))
	c.completed += min(1, len(o.told[events.PaymentCompleted]))
	c.closed += min(1, len(o.told[events.PaymentClosed]))
	c.refunds += len(o.refunds)
	c.refunded += len(o.told[events.RefundCompleted])
	if len(o.told[events.PaymentCompleted]) > 0 {
		c.toCompletion = append(c.toCompletion, o.completed.Sub(o.paid))
	}
}

// demoNotifies is how often WeChat sent its notifies.
type demoNotifies struct {
	sent, heard, most int
}

// summarize counts what the shop has seen.
func (s *demoShop) summarize() demoSummary {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := demoSummary{lanes: map[lane]*demoCounts{}}
	for _, o := range s.orders {
		if sum.lanes[o.lane] == nil {
			sum.lanes[o.lane] = &demoCounts{}
		}
		sum.count(o)
		sum.lanes[o.lane].count(o)
		if len(o.told[events.PaymentPrepared]) > 0 {
			sum.toPrepared = append(sum.toPrepared, o.prepared.Sub(o.requested))
		}
		sum.flagged += len(o.told[events.PaymentFlagged])
		sum.wrong = append(sum.wrong, o.wrong()...)
	}
	slices.Sort(sum.wrong)
	return sum
}

// wrong says what is not as it must be with an order that has ended: one end, the right
// one, told once.
func (o *demoOrder) wrong() []string {
	var wrong []string
	if n := len(o.told[o.rightEnd()]); n != 1 {
		wrong = append(wrong, fmt.Sprintf("order %s: %d different %s", o.id, n, o.rightEnd()))
	}
	for _, end := range []string{
		events.PaymentCompleted, events.PaymentClosed, events.PaymentFailed, events.PaymentRejected,
		events.RefundFailed, events.RefundRejected,
	} {
		if n := len(o.told[end]); end != o.rightEnd() && n > 0 {
			wrong = append(wrong, fmt.Sprintf("order %s: %d %s", o.id, n, end))
		}
	}
	if n := len(o.told[events.RefundCompleted]); n != len(o.refunds) {
		wrong = append(wrong, fmt.Sprintf("order %s: %d different %s for %d refunds", o.id, n, events.RefundCompleted, len(o.refunds)))
	}
	return wrong
}

// writeLanes shows the orders by protocol and trade type, if there is more than one.
func (sum demoSummary) writeLanes(w io.Writer) {
	if len(sum.lanes) < 2 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\nprotocol\ttrade type\trequested\tprepared\tcompleted\tclosed\trefunded\tpaid to completed\t\n")
	byName := func(a, b lane) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.tradeType, b.tradeType))
	}
	for _, l := range slices.SortedFunc(maps.Keys(sum.lanes), byName) {
		c := sum.lanes[l]
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%d of %d\t%s\t\n", l.protocol, l.tradeType,
			c.requested, c.prepared, c.completed, c.closed, c.refunded, c.refunds, quantiles(c.toCompletion))
	}
	_ = table.Flush() // w fails no more than the lines around this one
}

// write shows the summary as a table for people.
func (sum demoSummary) write(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row := func(name, format string, values ...any) {
		fmt.Fprintf(table, "  %s\t%s\n", name, fmt.Sprintf(format, values...))
	}
	fmt.Fprintln(w)
	row("requested", "%d", sum.requested)
	row("prepared", "%d", sum.prepared)
	row("completed", "%d", sum.completed)
	row("closed", "%d", sum.closed)
	row("refunded", "%d of %d refunds", sum.refunded, sum.refunds)
	row("flagged", "%d", sum.flagged)
	row("notifies sent", "%d, heard %d, at most %d for one payment", sum.notifies.sent, sum.notifies.heard, sum.notifies.most)
	row("order to prepared", "%s", quantiles(sum.toPrepared))
	row("paid to completed", "%s", quantiles(sum.toCompletion))
	row("took", "%s", sum.took.Round(time.Millisecond))
	row("audit", "%s", sum.audit)
	_ = table.Flush() // w fails no more than the lines around this one
	sum.writeLanes(w)
	fmt.Fprintln(w)
	if len(sum.wrong) == 0 {
		fmt.Fprintf(w, "Every one of %d payments reached its one right end exactly once.\n", sum.requested)
		return
	}
	const shown = 20
	fmt.Fprintf(w, "%d things are not as they must be:\n  %s\n", len(sum.wrong), strings.Join(sum.wrong[:min(shown, len(sum.wrong))], "\n  "))
}

func quantiles(all []time.Duration) string {
	if len(all) == 0 {
		return "-"
	}
	slices.Sort(all)
	at := func(q float64) time.Duration {
		return all[min(len(all)-1, int(q*float64(len(all))))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %s, p99 %s", at(.50), at(.99))
}
