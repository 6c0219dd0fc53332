package settled

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Bills is what a gateway can do whose protocol has daily bills. Its call fails like those
// of Gateway, with ErrBillPending while WeChat has not made the bill yet, or with what each
// returned.
type Bills interface {
	// Bill hands over every row of the merchant's bill of a day, in no particular order. It
	// calls each for nothing but a bill that has arrived as a whole. A day without trades has a
	// bill without rows.
	Bill(ctx context.Context, day BillDay, each func(BillRow) error) error
}

// ErrBillPending: WeChat makes the bill of a day on the following morning, and has not yet.
var ErrBillPending = errors.New("WeChat has not made the bill of that day yet; it does so from 9:00 of the next day, Beijing time: ask again later")

// BillRow is one row of a bill: a payment, or a refund.
type BillRow struct {
	At            time.Time // when WeChat took the money, or began to give it back
	Own           bool      // of the merchant's own app; its number may have others
	OrderID       string
	TransactionID string
	Amount        Money // paid, or given back

	RefundID string // empty: it is a payment
	Refunded bool   // the customer had the money when the bill was made

	// Strange is WeChat's word for a row that is neither; empty for all others.
	Strange string
}

// China is the time zone of WeChat's days, whatever this machine's is.
var China = time.FixedZone("UTC+8", 8*60*60)

// BillDay is a day of WeChat's calendar, by the time at which it begins.
type BillDay struct{ begin time.Time }

// ParseBillDay reads a day that is written 2026-11-28.
func ParseBillDay(text string) (BillDay, error) {
	begin, err := time.ParseInLocation(time.DateOnly, text, China)
	if err != nil {
		return BillDay{}, fmt.Errorf("%.32q is no day, which is written as %s", text, time.DateOnly)
	}
	return BillDay{begin}, nil
}

// BillDayOf is the day of a time.
func BillDayOf(t time.Time) BillDay {
	year, month, day := t.In(China).Date()
	return BillDay{time.Date(year, month, day, 0, 0, 0, 0, China)}
}

// Begin is when the day begins.
func (d BillDay) Begin() time.Time { return d.begin }

// End is when the next day begins.
func (d BillDay) End() time.Time { return d.begin.AddDate(0, 0, 1) }

// Before is the day before.
func (d BillDay) Before() BillDay { return BillDay{d.begin.AddDate(0, 0, -1)} }

// After is the day after.
func (d BillDay) After() BillDay { return BillDay{d.End()} }

// String writes the day as ParseBillDay reads it.
func (d BillDay) String() string { return d.begin.Format(time.DateOnly) }

// BilledPayment is a payment as far as a bill is compared with it.
type BilledPayment struct {
	Merchant      string
	OrderID       string
	Status        Status
	Amount        Money
	TransactionID string
	PaidAt        time.Time
}

// BilledRefund is a refund as far as a bill is compared with it.
type BilledRefund struct {
	Merchant  string
	RefundID  string
	OrderID   string
	Status    RefundStatus
	Amount    Money
	CreatedAt time.Time
	// AcceptedAt is when it was known that WeChat had accepted it; zero if it never has. WeChat's
	// own time lies between the two.
	AcceptedAt time.Time
}
