package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled"
)

// Books are ours, as far as a bill is held against them.
type Books interface {
	// BilledPayments reads the payments of the orders that a bill names; what is not there is
	// left out.
	BilledPayments(ctx context.Context, merchants []string, orders []string) ([]settled.BilledPayment, error)
	// BilledRefunds reads the refunds that a bill names, likewise.
	BilledRefunds(ctx context.Context, merchants []string, refunds []string) ([]settled.BilledRefund, error)
	// PaidOn hands over every payment that was completed and paid on a day.
	PaidOn(ctx context.Context, merchants []string, day settled.BillDay, each func(settled.BilledPayment) error) error
	// RefundedOn hands over every refund that was asked for on a day and accepted by WeChat.
	RefundedOn(ctx context.Context, merchants []string, day settled.BillDay, each func(settled.BilledRefund) error) error
}

// Config says what is compared.
type Config struct {
	// Merchants are the names under which orders of the account may stand in our books: a
	// merchant that moves to another protocol has two.
	Merchants []string
	Day       settled.BillDay
	Bills     settled.Bills
	Books     Books
	Now       time.Time // a day that is not over by then has no bill
}

const (
	// together is how many rows of a bill are looked up at once.
	together = 500
	// edge is how near to midnight a time of ours and one of WeChat's may lie on two sides of it.
	edge = 2 * time.Minute
)

// Day compares one day. It fails if the bill can't be had, or the books can't be read. Of each
// row of the bill eight bytes are kept, and of our books nothing.
func Day(ctx context.Context, cfg Config) (*Report, error) {
	c := comparison{
		cfg: cfg, report: newReport(cfg), payments: newSeen(), refunds: newSeen(),
	}
	if err := cfg.Bills.Bill(ctx, cfg.Day, func(row settled.BillRow) error { return c.take(ctx, row) }); err != nil {
		return nil, err
	}
	if err := c.lookUp(ctx); err != nil {
		return nil, err
	}
	if err := cfg.Books.PaidOn(ctx, cfg.Merchants, cfg.Day, c.paid); err != nil {
		return nil, err
	}
	if err := cfg.Books.RefundedOn(ctx, cfg.Merchants, cfg.Day, c.refunded); err != nil {
		return nil, err
	}
	if err := c.beside(ctx, cfg.Day.Before(), c.early); err != nil {
		return nil, err
	}
	if err := c.beside(ctx, cfg.Day.After(), c.late); err != nil {
		return nil, err
	}
	return c.report, nil
}

// comparison is how far a day is compared.
type comparison struct {
	cfg    Config
	report *Report
	waits  []settled.BillRow // not looked up yet

	payments, refunds *seen // that the bill has

	early, late []Difference // that the bill lacks, next to the midnight before it and after it
}

// take takes a row of the bill.
func (c *comparison) take(ctx context.Context, row settled.BillRow) error {
	switch {
	case !row.Own:
		c.report.Others.add(row.Amount.Total)
		return nil
	case row.Strange != "":
		c.report.differ(Difference{Kind: RowStrange, OrderID: row.OrderID, TransactionID: row.TransactionID, Bill: row.Amount.Total, State: row.Strange})
		return nil
	case row.RefundID != "":
		c.report.Bill.Refunds.add(row.Amount.Total)
		c.refunds.add(row.RefundID)
	default:
		c.report.Bill.Payments.add(row.Amount.Total)
		c.payments.add(row.OrderID)
	}
	c.waits = append(c.waits, row)
	if len(c.waits) < together {
		return nil
	}
	return c.lookUp(ctx)
}

// lookUp compares the rows that wait with what our books say of them.
func (c *comparison) lookUp(ctx context.Context) error {
	var orders, refunds []string
	for _, row := range c.waits {
		if row.RefundID != "" {
			refunds = append(refunds, row.RefundID)
			continue
		}
		orders = append(orders, row.OrderID)
	}
	payments, err := c.cfg.Books.BilledPayments(ctx, c.cfg.Merchants, orders)
	if err != nil {
		return err
	}
	repayments, err := c.cfg.Books.BilledRefunds(ctx, c.cfg.Merchants, refunds)
	if err != nil {
		return err
	}
	ofOrder := keyed(payments, func(p settled.BilledPayment) (string, bool) { return p.OrderID, p.Status == settled.StatusCompleted })
	ofRefund := keyed(repayments, func(r settled.BilledRefund) (string, bool) { return r.RefundID, r.Status == settled.RefundCompleted })
	for _, row := range c.waits {
		if row.RefundID != "" {
			r, known := ofRefund[row.RefundID]
			c.refund(row, r, known)
			continue
		}
		p, known := ofOrder[row.OrderID]
		c.payment(row, p, known)
	}
	c.waits = c.waits[:0]
	return nil
}

// keyed is what has a number, by that. Of two with one number, under two names, it is the one
// that WeChat's money belongs to.
func keyed[T any](all []T, of func(T) (number string, completed bool)) map[string]T {
	by := make(map[string]T, len(all))
	for _, one := range all {
		number, completed := of(one)
		if _, twice := by[number]; completed || !twice {
			by[number] = one
		}
	}
	return by
}

// payment compares a payment of the bill with ours.
func (c *comparison) payment(row settled.BillRow, p settled.BilledPayment, known bool) {
	d := Difference{
		Merchant: p.Merchant, OrderID: row.OrderID, TransactionID: row.TransactionID,
		Bill: row.Amount.Total, Books: p.Amount.Total, State: string(p.Status),
	}
	switch {
	case !known:
		d.Kind = PaymentUnknown
	case p.Status != settled.StatusCompleted:
		d.Kind = PaymentOpen
	case p.Amount != row.Amount:
		d.Kind = PaymentAmount
	case p.TransactionID != row.TransactionID:
		d.Kind = PaymentOther
	case p.PaidAt.Before(c.cfg.Day.Begin().Add(-edge)) || !p.PaidAt.Before(c.cfg.Day.End().Add(edge)):
		d.Kind, d.At = PaymentDay, &p.PaidAt
	default:
		return
	}
	c.report.differ(d)
}

// refund compares a refund of the bill with ours. What became of it by now the bill can't say:
// it was made once.
func (c *comparison) refund(row settled.BillRow, r settled.BilledRefund, known bool) {
	d := Difference{
		Merchant: r.Merchant, OrderID: row.OrderID, RefundID: row.RefundID, TransactionID: row.TransactionID,
		Bill: row.Amount.Total, Books: r.Amount.Total, State: string(r.Status),
	}
	switch {
	case !known:
		d.Kind = RefundUnknown
	case r.Amount != row.Amount || r.OrderID != row.OrderID:
		d.Kind = RefundAmount
	case r.Status == settled.RefundRequested, row.Refunded && r.Status != settled.RefundCompleted:
		d.Kind = RefundOpen
	default:
		return
	}
	c.report.differ(d)
}

// paid takes a payment of ours.
func (c *comparison) paid(p settled.BilledPayment) error {
	c.report.Books.Payments.add(p.Amount.Total)
	if c.payments.has(p.OrderID) {
		return nil
	}
	c.lack(Difference{
		Kind: PaymentMissing, Merchant: p.Merchant, OrderID: p.OrderID, TransactionID: p.TransactionID,
		Books: p.Amount.Total, State: string(p.Status), At: &p.PaidAt,
	}, p.PaidAt, p.PaidAt)
	return nil
}

// refunded takes a refund of ours.
func (c *comparison) refunded(r settled.BilledRefund) error {
	inBill := c.refunds.has(r.RefundID)
	if inBill || r.AcceptedAt.Before(c.cfg.Day.End()) {
		c.report.Books.Refunds.add(r.Amount.Total)
	}
	if inBill || !r.AcceptedAt.Before(c.cfg.Day.End().Add(edge)) {
		return nil // WeChat may have begun it the day after
	}
	c.lack(Difference{
		Kind: RefundMissing, Merchant: r.Merchant, OrderID: r.OrderID, RefundID: r.RefundID,
		Books: r.Amount.Total, State: string(r.Status), At: &r.CreatedAt,
	}, r.CreatedAt, r.AcceptedAt)
	return nil
}

// lack notes what the bill does not have. What began or ended next to midnight WeChat may have
// booked on its other side.
func (c *comparison) lack(d Difference, began, ended time.Time) {
	switch {
	case began.Before(c.cfg.Day.Begin().Add(edge)):
		c.early = append(c.early, d)
	case !ended.Before(c.cfg.Day.End().Add(-edge)):
		c.late = append(c.late, d)
	default:
		c.report.differ(d)
	}
}

// beside looks for what the bill lacks in that of the day beside it. While there is none it
// is no difference yet.
func (c *comparison) beside(ctx context.Context, day settled.BillDay, lacking []Difference) error {
	if len(lacking) == 0 {
		return nil
	}
	found := map[Difference]bool{} // by order and refund alone
	for _, d := range lacking {
		found[Difference{OrderID: d.OrderID, RefundID: d.RefundID}] = false
	}
	err := settled.ErrBillPending
	if !day.End().After(c.cfg.Now) {
		err = c.cfg.Bills.Bill(ctx, day, func(row settled.BillRow) error {
			one := Difference{OrderID: row.OrderID, RefundID: row.RefundID}
			if _, lacks := found[one]; lacks {
				found[one] = true
			}
			return nil
		})
	}
	pending := errors.Is(err, settled.ErrBillPending)
	if err != nil && !pending {
		return fmt.Errorf("look at the day beside, %s: %w", day, err)
	}
	for _, d := range lacking {
		switch {
		case pending:
			c.report.border(d)
		case !found[Difference{OrderID: d.OrderID, RefundID: d.RefundID}]:
			c.report.differ(d)
		}
	}
	return nil
}
