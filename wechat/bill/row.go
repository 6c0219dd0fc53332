package bill

import "time"

// State says what a row is about, in WeChat's own words.
type State string

// The states of rows. A revoked row tells of a payment by a customer's code that the
// cashier took back.
const (
	Paid     State = "SUCCESS"
	Refunded State = "REFUND"
	Revoked  State = "REVOKED"
)

// Row is one row of a bill. Amounts are fen.
type Row struct {
	At            time.Time // of the trade
	AppID         string
	MchID         string
	TransactionID string // WeChat's number of the payment
	OrderID       string // the merchant's, out_trade_no
	State         State
	Currency      string
	Amount        int64 // what the order was for; of a refund's row nothing

	// Of a refund's row.
	RefundID       string // the merchant's number, out_refund_no
	WechatRefundID string
	Refund         int64  // what was asked to be given back
	RefundState    string // as it was when the bill was made: SUCCESS, PROCESSING, FAIL, CHANGE
}

// Totals are what the rows come to.
type Totals struct {
	Rows   int64
	Amount int64 // of all orders, fen
	Refund int64 // of all refunds, fen
}

func (t *Totals) add(r Row) error {
	t.Rows++
	for _, sum := range []struct {
		to   *int64
		fen  int64
		name string
	}{{&t.Amount, r.Amount, "orders"}, {&t.Refund, r.Refund, "refunds"}} {
		if *sum.to += sum.fen; *sum.to < 0 {
			return unreadable("the %s come to more than there is", sum.name)
		}
	}
	return nil
}
