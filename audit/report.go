package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"settled"
)

// listed is how many breaks of each check are named; more are counted.
const listed = 1000

// Report is what an audit finds. The zero value has found nothing.
type Report struct {
	lookedAt, breaks map[settled.Check]int
	named            []settled.Break
}

func (r *Report) add(a settled.Audited) {
	if r.lookedAt == nil {
		r.lookedAt, r.breaks = map[settled.Check]int{}, map[settled.Check]int{}
	}
	r.lookedAt[a.Check] += a.LookedAt
	for _, b := range a.Breaks {
		if r.breaks[a.Check]++; r.breaks[a.Check] <= listed {
			r.named = append(r.named, b)
		}
	}
}

// Broken counts the breaks.
func (r *Report) Broken() (n int) {
	for _, breaks := range r.breaks {
		n += breaks
	}
	return n
}

// Verdict is the report in a word.
func (r *Report) Verdict() string {
	if n := r.Broken(); n > 0 {
		return fmt.Sprintf("%d breaks", n)
	}
	return "clean"
}

// Line names a break for people, in one line whatever a stranger called an order.
func Line(b settled.Break) string {
	name := b.Merchant + " " + b.OrderID
	if b.RefundID != "" {
		name += " refund " + b.RefundID
	}
	return printable(fmt.Sprintf("%s  %s: %s", b.Check, name, b.Detail))
}

// printable replaces whatever moves a cursor or begins a line.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	for _, b := range r.named {
		fmt.Fprintln(w, Line(b))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, check := range settled.Checks {
		verdict := "clean"
		if n := r.breaks[check]; n > 0 {
			verdict = fmt.Sprintf("%d breaks", n)
		}
		fmt.Fprintf(table, "%s\tlooked at %d\t%s\n", check, r.lookedAt[check], verdict)
	}
	return table.Flush()
}

// shownCheck and shownBreak are what --json prints.
type shownCheck struct {
	Name     settled.Check `json:"name"`
	LookedAt int           `json:"looked_at"`
	Breaks   int           `json:"breaks"`
}

type shownBreak struct {
	Check    settled.Check `json:"check"`
	Merchant string        `json:"merchant"`
	OrderID  string        `json:"order_id"`
	RefundID string        `json:"refund_id,omitempty"`
	Detail   string        `json:"detail"`
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	shown := struct {
		Checks []shownCheck `json:"checks"`
		Breaks []shownBreak `json:"breaks"`
	}{Breaks: []shownBreak{}}
	for _, check := range settled.Checks {
		shown.Checks = append(shown.Checks, shownCheck{check, r.lookedAt[check], r.breaks[check]})
	}
	for _, b := range r.named {
		shown.Breaks = append(shown.Breaks, shownBreak{b.Check, b.Merchant, b.OrderID, b.RefundID, b.Detail})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(shown)
}

// Named lists the breaks that are named.
func (r *Report) Named() []settled.Break { return r.named }
