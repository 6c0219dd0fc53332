package reconcile

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"settled"
)

// Kind says how a bill and our books differ.
type Kind string

// The kinds of differences.
const (
	PaymentUnknown Kind = "payment_unknown"       // in the bill, and of no order of ours
	PaymentOpen    Kind = "payment_not_completed" // in the bill, and not completed here
	PaymentAmount  Kind = "payment_amount"        // of another amount
	PaymentOther   Kind = "payment_transaction"   // of another transaction
	PaymentDay     Kind = "payment_day"           // here paid on another day
	PaymentMissing Kind = "payment_not_in_bill"   // completed here, and not in the bill
	RefundUnknown  Kind = "refund_unknown"        // in the bill, and none of ours
	RefundOpen     Kind = "refund_not_completed"  // further at WeChat than here
	RefundAmount   Kind = "refund_amount"         // of another amount, or of another order
	RefundMissing  Kind = "refund_not_in_bill"    // accepted here, and not in the bill
	RowStrange     Kind = "row_strange"           // neither a payment nor a refund
)

// steps are what comes next, in the order in which a report has them.
var steps = []struct {
	kind Kind
	next string
}{
	{PaymentOpen, "WeChat has the money: have WeChat asked, with --ask or with \"Ask WeChat now\" on the operator's page; what it says completes the payment."},
	{PaymentUnknown, "WeChat has money for an order that was never recorded here: look for it in whatever else orders under this merchant number; if it is nobody's, refund it on WeChat's merchant platform."},
	{PaymentAmount, "WeChat was paid another amount than we have: look at it with settled show, and ask WeChat's support with the transaction id."},
	{PaymentOther, "the order was paid by another transaction than we have, perhaps twice: look at it with settled show and on WeChat's merchant platform."},
	{PaymentDay, "WeChat has booked it on another day than it told us: look at it with settled show."},
	{PaymentMissing, "we hold it for paid, and WeChat has not booked it: deliver nothing more for it, and ask WeChat's support with the transaction id."},
	{RefundOpen, "WeChat is further than we know: look at it with settled show; a refund that waits is asked about by itself."},
	{RefundUnknown, "somebody has refunded it past settled, as on WeChat's merchant platform: the order system has to be told."},
	{RefundAmount, "WeChat has given back another amount than we have, or of another order: ask WeChat's support with the refund id."},
	{RefundMissing, "we hold it for accepted, and WeChat has not booked it: look at it with settled show, and ask WeChat's support."},
	{RowStrange, "settled knows no such row: look at the order on WeChat's merchant platform."},
}

// Difference is one of them. Amounts are zero where there is nothing.
type Difference struct {
	Kind          Kind        `json:"kind"`
	Merchant      string      `json:"merchant,omitempty"` // as our books call it; empty: they do not have it
	OrderID       string      `json:"order_id"`
	RefundID      string      `json:"refund_id,omitempty"`
	TransactionID string      `json:"transaction_id,omitempty"`
	Bill          settled.Fen `json:"bill"`            // fen that WeChat has
	Books         settled.Fen `json:"books"`           // fen that we have
	State         string      `json:"state,omitempty"` // of ours; of a strange row WeChat's word
	At            *time.Time  `json:"at,omitempty"`
}

// Sum is how many there are, and what they come to.
type Sum struct {
	Count int64       `json:"count"`
	Fen   settled.Fen `json:"fen"`
}

func (s *Sum) add(amount settled.Fen) { s.Count, s.Fen = s.Count+1, s.Fen+amount }

// Sums are those of a day.
type Sums struct {
	Payments Sum `json:"payments"`
	Refunds  Sum `json:"refunds"`
}

// listed is how many differences are named; more are counted.
const listed = 1000

// Report is what a comparison finds.
type Report struct {
	Merchants []string `json:"merchants"`
	Date      string   `json:"date"`
	Agree     bool     `json:"agree"`
	Bill      Sums     `json:"bill"`
	Books     Sums     `json:"books"`
	// Others are the rows of other apps under the same merchant number. They are not compared.
	Others Sum `json:"other_apps"`
	// Differed is how many differences there are, of which the first are in Differences.
	Differed    int64        `json:"differed"`
	Differences []Difference `json:"differences"`
	// Borders is how many the bill lacks that lie next to midnight, while the day beside it
	// has no bill yet that could have them.
	Borders int64        `json:"bordered"`
	Border  []Difference `json:"border"`
}

func newReport(cfg Config) *Report {
	return &Report{
		Merchants: cfg.Merchants, Date: cfg.Day.String(), Agree: true, Differences: []Difference{}, Border: []Difference{},
	}
}

func (r *Report) differ(d Difference) {
	r.Agree = false
	if r.Differed++; r.Differed <= listed {
		r.Differences = append(r.Differences, d)
	}
}

func (r *Report) border(d Difference) {
	if r.Borders++; r.Borders <= listed {
		r.Border = append(r.Border, d)
	}
}

// Open are the payments that WeChat has and that are not completed here, as far as they are
// named, if asking WeChat can move them.
func (r *Report) Open() []Difference {
	var open []Difference
	for _, d := range r.Differences {
		if d.Kind == PaymentOpen && d.State != string(settled.StatusFailed) {
			open = append(open, d)
		}
	}
	return open
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// Text writes the report for people: a line for each difference, what it all comes to, and
// what to do.
func (r *Report) Text(w io.Writer) error {
	for _, d := range r.Differences {
		fmt.Fprintln(w, d.line())
	}
	for _, d := range r.Border {
		fmt.Fprintln(w, "next to midnight, no difference yet: "+d.line())
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s, %s\tWeChat's bill\t\tour books\t\n", printable(strings.Join(r.Merchants, " and ")), r.Date)
	for _, row := range []struct {
		name        string
		bill, books Sum
	}{{"payments", r.Bill.Payments, r.Books.Payments}, {"refunds", r.Bill.Refunds, r.Books.Refunds}} {
		fmt.Fprintf(table, "%s\t%d\t%s\t%d\t%s\n", row.name, row.bill.Count, yuan(row.bill.Fen), row.books.Count, yuan(row.books.Fen))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if r.Others.Count > 0 {
		fmt.Fprintf(w, "rows of other apps under this merchant number, not compared: %d, %s\n", r.Others.Count, yuan(r.Others.Fen))
	}
	if r.Borders > 0 {
		fmt.Fprintf(w, "next to midnight, to be looked for again when the next day has its bill: %d\n", r.Borders)
	}
	return r.verdict(w)
}

// Verdict is the report in a word.
func (r *Report) Verdict() string {
	switch r.Differed {
	case 0:
		return "they agree"
	case 1:
		return "1 difference"
	}
	return fmt.Sprintf("%d differences", r.Differed)
}

// verdict says how it ends, and what to do.
func (r *Report) verdict(w io.Writer) error {
	fmt.Fprintln(w, r.Verdict())
	if more := r.Differed - int64(len(r.Differences)); more > 0 {
		fmt.Fprintf(w, "%d more are not named\n", more)
	}
	found := map[Kind]bool{}
	for _, d := range r.Differences {
		found[d.Kind] = true
	}
	for _, step := range steps {
		if found[step.kind] {
			fmt.Fprintf(w, "%s: %s\n", step.kind, step.next)
		}
	}
	return nil
}

// line names a difference in one line, whatever a stranger called an order.
func (d Difference) line() string {
	line := string(d.Kind) + "  " + strings.TrimSpace(d.Merchant+" "+d.OrderID)
	if d.RefundID != "" {
		line += " refund " + d.RefundID
	}
	line += fmt.Sprintf("  WeChat %s, here %s", amount(d.Bill), amount(d.Books))
	if d.State != "" {
		line += " " + d.State
	}
	if d.At != nil {
		line += " at " + d.At.In(settled.China).Format(time.DateTime)
	}
	if d.TransactionID != "" {
		line += "  transaction " + d.TransactionID
	}
	return printable(line)
}

func amount(fen settled.Fen) string {
	if fen == 0 {
		return "nothing"
	}
	return yuan(fen)
}

func yuan(fen settled.Fen) string { return settled.Money{Total: fen, Currency: settled.CNY}.String() }

// printable replaces whatever moves a cursor or begins a line.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
