package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/reconcile"
)

// paper is a bill.
type paper []settled.BillRow

func (p paper) Bill(_ context.Context, day settled.BillDay, each func(settled.BillRow) error) error {
	for _, row := range p {
		if settled.BillDayOf(row.At) != day {
			continue
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return nil
}

// books are kept in memory.
type books struct {
	payments []settled.BilledPayment
	refunds  []settled.BilledRefund
}

func (b books) BilledPayments(_ context.Context, _ []string, orders []string) ([]settled.BilledPayment, error) {
	return among(b.payments, orders, func(p settled.BilledPayment) string { return p.OrderID }), nil
}

func (b books) BilledRefunds(_ context.Context, _ []string, refunds []string) ([]settled.BilledRefund, error) {
	return among(b.refunds, refunds, func(r settled.BilledRefund) string { return r.RefundID }), nil
}

func among[T any](all []T, numbers []string, of func(T) string) (found []T) {
	for _, one := range all {
		if slices.Contains(numbers, of(one)) {
			found = append(found, one)
		}
	}
	return found
}

func (b books) PaidOn(_ context.Context, _ []string, day settled.BillDay, each func(settled.BilledPayment) error) error {
	for _, p := range b.payments {
		if p.Status != settled.StatusCompleted || p.PaidAt.Before(day.Begin()) || !p.PaidAt.Before(day.End()) {
			continue
		}
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

func (b books) RefundedOn(_ context.Context, _ []string, day settled.BillDay, each func(settled.BilledRefund) error) error {
	for _, r := range b.refunds {
		accepted := r.Status == settled.RefundAccepted || r.Status == settled.RefundCompleted
		if !accepted || r.CreatedAt.Before(day.Begin()) || !r.CreatedAt.Before(day.End()) {
			continue
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, settled.China)

func fen(total settled.Fen) settled.Money { return settled.Money{Total: total, Currency: settled.CNY} }

// row is a payment in the bill, paid ours.
func row(order string, total settled.Fen) settled.BillRow {
	return settled.BillRow{At: noon, Own: true, OrderID: order, TransactionID: "T" + order, Amount: fen(total)}
}

func paid(order string, total settled.Fen, at time.Time) settled.BilledPayment {
	return settled.BilledPayment{OrderID: order, Status: settled.StatusCompleted, Amount: fen(total), TransactionID: "T" + order, PaidAt: at}
}

// back is a refund in the bill, refunded ours.
func back(refund string, total settled.Fen, done bool) settled.BillRow {
	r := row("tea", total)
	r.RefundID, r.Refunded = refund, done
	return r
}

func refunded(refund string, total settled.Fen, status settled.RefundStatus, asked, accepted time.Time) settled.BilledRefund {
	return settled.BilledRefund{RefundID: refund, OrderID: "tea", Status: status, Amount: fen(total), CreatedAt: asked, AcceptedAt: accepted}
}

func TestEveryDifferenceIsNamed(t *testing.T) {
	t.Parallel()
	var never time.Time
	day := settled.BillDayOf(noon)
	first, last := day.Begin(), day.End().Add(-time.Second)
	open := paid("tea", 1999, never)
	open.Status, open.TransactionID = settled.StatusClosed, ""
	other := row("tea", 1999)
	other.TransactionID = "another"
	foreign, strange := row("tea", 1999), row("tea", 1999)
	foreign.Own, strange.Strange = false, "REVOKED"
	before, after := row("tea", 1999), back("R1", 500, true)
	before.At, after.At = noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 1)
	for name, test := range map[string]struct {
		over    bool // the next day has its bill
		bill    paper
		books   books
		differ  []reconcile.Kind
		borders int64
	}{
		"nothing on either side":                 {},
		"the same payment":                       {bill: paper{row("tea", 1999)}, books: books{payments: []settled.BilledPayment{paid("tea", 1999, noon)}}},
		"an order that nobody knows":             {bill: paper{row("tea", 1999)}, differ: []reconcile.Kind{reconcile.PaymentUnknown}},
		"one that is closed here":                {bill: paper{row("tea", 1999)}, books: books{payments: []settled.BilledPayment{open}}, differ: []reconcile.Kind{reconcile.PaymentOpen}},
		"another amount":                         {bill: paper{row("tea", 2000)}, books: books{payments: []settled.BilledPayment{paid("tea", 1999, noon)}}, differ: []reconcile.Kind{reconcile.PaymentAmount}},
		"another transaction":                    {bill: paper{other}, books: books{payments: []settled.BilledPayment{paid("tea", 1999, noon)}}, differ: []reconcile.Kind{reconcile.PaymentOther}},
		"another day":                            {bill: paper{row("tea", 1999)}, books: books{payments: []settled.BilledPayment{paid("tea", 1999, noon.AddDate(0, 0, -1))}}, differ: []reconcile.Kind{reconcile.PaymentDay}},
		"paid a second before the day":           {bill: paper{row("tea", 1999)}, books: books{payments: []settled.BilledPayment{paid("tea", 1999, first.Add(-time.Second))}}},
		"paid a second after it":                 {bill: paper{row("tea", 1999)}, books: books{payments: []settled.BilledPayment{paid("tea", 1999, day.End().Add(time.Second))}}},
		"ours alone":                             {books: books{payments: []settled.BilledPayment{paid("tea", 1999, noon)}}, differ: []reconcile.Kind{reconcile.PaymentMissing}},
		"ours alone, just before midnight":       {books: books{payments: []settled.BilledPayment{paid("tea", 1999, last)}}, borders: 1},
		"so, and in no bill":                     {over: true, books: books{payments: []settled.BilledPayment{paid("tea", 1999, last)}}, differ: []reconcile.Kind{reconcile.PaymentMissing}},
		"ours alone, just after midnight":        {books: books{payments: []settled.BilledPayment{paid("tea", 1999, first)}}, differ: []reconcile.Kind{reconcile.PaymentMissing}},
		"so, and in the bill before":             {bill: paper{before}, books: books{payments: []settled.BilledPayment{paid("tea", 1999, first)}}},
		"a refund in the bill after":             {over: true, bill: paper{after}, books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundAccepted, noon, last)}}},
		"ours of another day":                    {books: books{payments: []settled.BilledPayment{paid("tea", 1999, noon.AddDate(0, 0, 1))}}},
		"another app's":                          {bill: paper{foreign}},
		"a row that settled does not know":       {bill: paper{strange}, differ: []reconcile.Kind{reconcile.RowStrange}},
		"the same refund":                        {bill: paper{back("R1", 500, true)}, books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundCompleted, noon, noon)}}},
		"completed after the bill":               {bill: paper{back("R1", 500, false)}, books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundCompleted, noon, noon)}}},
		"on its way on both sides":               {bill: paper{back("R1", 500, false)}, books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundAccepted, noon, noon)}}},
		"failed after all":                       {bill: paper{back("R1", 500, false)}, books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundFailed, noon, noon)}}},
		"a refund that nobody knows":             {bill: paper{back("R1", 500, true)}, differ: []reconcile.Kind{reconcile.RefundUnknown}},
		"completed, and failed here":             {bill: paper{back("R1", 500, true)}, books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundFailed, noon, noon)}}, differ: []reconcile.Kind{reconcile.RefundOpen}},
		"accepted, and only asked for here":      {bill: paper{back("R1", 500, false)}, books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundRequested, noon, never)}}, differ: []reconcile.Kind{reconcile.RefundOpen}},
		"another amount of a refund":             {bill: paper{back("R1", 501, true)}, books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundCompleted, noon, noon)}}, differ: []reconcile.Kind{reconcile.RefundAmount}},
		"a refund of ours alone":                 {books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundAccepted, noon, noon)}}, differ: []reconcile.Kind{reconcile.RefundMissing}},
		"a refund accepted just before midnight": {books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundAccepted, noon, last)}}, borders: 1},
		"a refund accepted the day after":        {books: books{refunds: []settled.BilledRefund{refunded("R1", 500, settled.RefundAccepted, last, noon.AddDate(0, 0, 1))}}},
	} {
		report, err := reconcile.Day(t.Context(), reconcile.Config{
			Merchants: []string{"shop3"}, Day: day, Bills: test.bill, Books: test.books, Now: day.End().Add(10 * time.Hour),
		})
		if test.over {
			report, err = reconcile.Day(t.Context(), reconcile.Config{
				Merchants: []string{"shop3"}, Day: day, Bills: test.bill, Books: test.books, Now: day.End().AddDate(0, 0, 2),
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		var kinds []reconcile.Kind
		for _, d := range report.Differences {
			kinds = append(kinds, d.Kind)
		}
		if diff := cmp.Diff(test.differ, kinds); diff != "" || report.Borders != test.borders || report.Agree != (len(test.differ) == 0) {
			t.Errorf("%s: %d next to midnight, agree %t\n%s", name, report.Borders, report.Agree, diff)
		}
	}
}

// A merchant with two names may have asked for an order under both: the one that was paid counts.
func TestOfTwoWithOneNumberThePaidOneCounts(t *testing.T) {
	t.Parallel()
	failed, ours := paid("tea", 1999, time.Time{}), paid("tea", 1999, noon)
	failed.Status, failed.TransactionID = settled.StatusFailed, ""
	for _, payments := range [][]settled.BilledPayment{{failed, ours}, {ours, failed}} {
		report, err := reconcile.Day(t.Context(), reconcile.Config{
			Merchants: []string{"shop2", "moved"}, Day: settled.BillDayOf(noon), Bills: paper{row("tea", 1999)}, Books: books{payments: payments},
		})
		if err != nil || !report.Agree {
			t.Errorf("%+v, %v", report, err)
		}
	}
}

// Rows are looked up many at once, and each meets its own.
func TestManyRowsMeetTheirOwn(t *testing.T) {
	t.Parallel()
	var bill paper
	var ours books
	for i := range 1234 {
		order := fmt.Sprintf("tea-%04d", i)
		bill = append(bill, row(order, settled.Fen(i+1)))
		ours.payments = append(ours.payments, paid(order, settled.Fen(i+1), noon))
	}
	bill[600].Amount.Total++
	bill = slices.Delete(bill, 700, 701)
	report, err := reconcile.Day(t.Context(), reconcile.Config{Merchants: []string{"shop3"}, Day: settled.BillDayOf(noon), Bills: bill, Books: ours})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Differences) != 2 || report.Differences[0].OrderID != "tea-0600" || report.Differences[1].OrderID != "tea-0700" {
		t.Errorf("%+v", report.Differences)
	}
	if want := (reconcile.Sum{Count: 1234, Fen: 1234 * 1235 / 2}); report.Books.Payments != want {
		t.Errorf("books %+v, want %+v", report.Books.Payments, want)
	}
	if want := (reconcile.Sum{Count: 1233, Fen: 1234*1235/2 + 1 - 701}); report.Bill.Payments != want {
		t.Errorf("bill %+v, want %+v", report.Bill.Payments, want)
	}
}

func TestAReportNamesAThousandAndCountsAll(t *testing.T) {
	t.Parallel()
	var bill paper
	for i := range 1001 {
		bill = append(bill, row(fmt.Sprintf("tea\x1b-%04d", i), 1))
	}
	report, err := reconcile.Day(t.Context(), reconcile.Config{Merchants: []string{"shop3"}, Day: settled.BillDayOf(noon), Bills: bill, Books: books{}})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := report.Text(&text); err != nil {
		t.Fatal(err)
	}
	if report.Differed != 1001 || len(report.Differences) != 1000 || !strings.Contains(text.String(), "1 more are not named") {
		t.Errorf("%d differences, %d named\n%.400s", report.Differed, len(report.Differences), text.String())
	}
	if strings.Contains(text.String(), "\x1b") {
		t.Error("an order's name commands the terminal")
	}
}

func TestWhatCanNotBeReadEndsTheComparison(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]reconcile.Config{
		"the bill":  {Bills: away{}, Books: books{}},
		"the books": {Bills: paper{}, Books: away{}},
	} {
		cfg.Day = settled.BillDayOf(noon)
		if report, err := reconcile.Day(t.Context(), cfg); !errors.Is(err, settled.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}

// away is what does not answer.
type away struct{ books }

func (away) Bill(context.Context, settled.BillDay, func(settled.BillRow) error) error {
	return settled.ErrUnavailable
}

func (away) PaidOn(context.Context, []string, settled.BillDay, func(settled.BilledPayment) error) error {
	return settled.ErrUnavailable
}
