package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"settled/events"
)

// demoSummary is what came of the demo's orders.
type demoSummary struct {
	requested, prepared, completed, closed int

	toPrepared, toCompleted []time.Duration // from the order, and from the customer's payment
	notifies                demoNotifies
	flagged                 int
	took                    time.Duration

	wrong []string // whatever is not as it must be
}

// demoNotifies is how often WeChat sent its notifies.
type demoNotifies struct {
	sent, heard, most int
}

// summarize counts what the shop has seen.
func (s *demoShop) summarize() demoSummary {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum demoSummary
	for _, o := range s.orders {
		sum.requested++
		if len(o.told[events.PaymentPrepared]) > 0 {
			sum.prepared++
			sum.toPrepared = append(sum.toPrepared, o.prepared.Sub(o.requested))
		}
		if len(o.told[events.PaymentCompleted]) > 0 {
			sum.completed++
			sum.toCompleted = append(sum.toCompleted, o.completed.Sub(o.paid))
		}
		if len(o.told[events.PaymentClosed]) > 0 {
			sum.closed++
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
	for _, end := range []string{events.PaymentCompleted, events.PaymentClosed, events.PaymentFailed, events.PaymentRejected} {
		if n := len(o.told[end]); end != o.rightEnd() && n > 0 {
			wrong = append(wrong, fmt.Sprintf("order %s: %d %s", o.id, n, end))
		}
	}
	return wrong
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
	row("flagged", "%d", sum.flagged)
	row("notifies sent", "%d, heard %d, at most %d for one payment", sum.notifies.sent, sum.notifies.heard, sum.notifies.most)
	row("order to prepared", "%s", quantiles(sum.toPrepared))
	row("paid to completed", "%s", quantiles(sum.toCompleted))
	row("took", "%s", sum.took.Round(time.Millisecond))
	_ = table.Flush() // w fails no more than the lines around this one
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
