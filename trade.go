package settled

import (
	"fmt"
	"time"
)

// Trade is what WeChat says about an order, in a notify or in the answer to a query.
type Trade struct {
	Paid          bool
	OrderID       string // out_trade_no
	TransactionID string // WeChat's own number
	Amount        Money  // what the order was for, discounts included
	PaidAt        time.Time
	OpenID        string
	BankType      string
	Attach        string

	// Closed says that the order can't be paid any more: it was closed or revoked.
	Closed bool

	// Foreign names what belongs to another merchant or app than the one we asked for;
	// empty when all of it is ours.
	Foreign   string
	RequestID string // of the answer that said so, empty for a notify
}

// FlagReason says why a person has to look at a payment.
type FlagReason string

// The reasons to flag a payment.
const (
	AmountMismatch     FlagReason = "amount_mismatch"
	CurrencyMismatch   FlagReason = "currency_mismatch"
	MerchantMismatch   FlagReason = "merchant_mismatch"
	SecondTransaction  FlagReason = "second_transaction"
	UnknownOrder       FlagReason = "unknown_order"
	UnknownRefund      FlagReason = "unknown_refund" // money went back that we know no refund of
	AcknowledgeOverdue FlagReason = "acknowledge_overdue"
)

// FlagReasons lists every reason.
var FlagReasons = []FlagReason{
	AmountMismatch, CurrencyMismatch, MerchantMismatch, SecondTransaction, UnknownOrder, UnknownRefund, AcknowledgeOverdue,
}

// Disagreement compares a paid trade with the payment it claims to pay. A trade that
// disagrees must never complete the payment; reason is empty when it agrees.
func Disagreement(p Payment, t Trade) (reason FlagReason, detail string) {
	switch {
	case t.Foreign != "":
		return MerchantMismatch, t.Foreign
	case t.Amount.Currency != p.Amount.Currency:
		return CurrencyMismatch, fmt.Sprintf("the order is in %s, WeChat says %s", p.Amount.Currency, t.Amount.Currency)
	case t.Amount.Total != p.Amount.Total:
		return AmountMismatch, fmt.Sprintf("the order is for %d fen, WeChat says %d", p.Amount.Total, t.Amount.Total)
	case p.Paid.TransactionID != "" && p.Paid.TransactionID != t.TransactionID:
		return SecondTransaction, fmt.Sprintf("paid with transaction %s, and again with %s", p.Paid.TransactionID, t.TransactionID)
	default:
		return "", ""
	}
}
