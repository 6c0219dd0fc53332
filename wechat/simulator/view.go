package simulator

import (
	"errors"
	"fmt"
	"time"
)

// Order is what WeChat knows of an order, for people and tests to look at.
type Order struct {
	AppID         string     `json:"appid"`
	PartnerID     string     `json:"partnerid,omitempty"` // Legacy
	MchID         string     `json:"mch_id,omitempty"`    // V2 and V3
	OutTradeNo    string     `json:"out_trade_no"`
	TradeType     TradeType  `json:"trade_type,omitempty"` // V2 and V3
	State         State      `json:"state"`
	TotalFee      int64      `json:"total_fee"` // fen
	PrepayID      string     `json:"prepayid"`
	CodeURL       string     `json:"code_url,omitempty"`
	H5URL         string     `json:"h5_url,omitempty"`
	TransactionID string     `json:"transaction_id,omitempty"`
	OpenID        string     `json:"openid,omitempty"`
	PaidAt        *time.Time `json:"paid_at,omitempty"`
	Charges       int        `json:"charges"`                // how often the customer's money was taken
	Refunds       int        `json:"refunds,omitempty"`      // that were accepted
	RefundedFee   int64      `json:"refunded_fee,omitempty"` // fen that the customer has back
	NotifiesSent  int        `json:"notifies_sent"`          // of the payment; repeats and copies included
	Acknowledged  bool       `json:"acknowledged"`           // a notify was answered with success
	Abandoned     bool       `json:"abandoned"`              // none was, and no other will be sent
	DeliveryTold  int        `json:"delivery_told"`          // how often the merchant told of the goods
	Delivered     bool       `json:"delivered"`              // once it said that they were delivered
}

// Order returns the order of that number. The merchant is a name, app id, partner id or
// mch id; "" finds the order whoever's it is. It fails with ErrUnknownOrder, or if several
// merchants have one.
func (s *Simulator) Order(merchant, outTradeNo string) (Order, error) {
	o, err := s.findOrder(merchant, outTradeNo)
	if err != nil {
		return Order{}, err
	}
	return o.view(s.cfg.Now()), nil
}

func (o *order) view(now time.Time) Order {
	view := Order{
		AppID:      o.account.AppID,
		PartnerID:  o.account.PartnerID,
		MchID:      o.account.MchID,
		OutTradeNo: o.number,
		TradeType:  o.terms.trade,
		State:      o.state(now),
		TotalFee:   o.terms.total,
	}
	view.NotifiesSent, view.Acknowledged, view.Abandoned = o.hearing.result()
	o.mu.Lock()
	defer o.mu.Unlock()
	view.PrepayID, view.CodeURL, view.H5URL = o.ticket.prepayID, o.ticket.codeURL, o.ticket.h5URL
	view.DeliveryTold, view.Delivered = o.delivery.told, o.delivery.delivered
	view.Charges, view.Refunds = o.charges, len(o.refunds)
	if o.charges > 0 {
		at := o.payment.at
		view.TransactionID, view.OpenID, view.PaidAt = o.payment.transactionID, o.payment.openID, &at
	}
	for _, r := range o.refunds {
		view.RefundedFee += int64(r.completions) * r.terms.amount
	}
	return view
}

// Refund is what WeChat knows of a refund, for people and tests to look at.
type Refund struct {
	AppID        string      `json:"appid"`
	MchID        string      `json:"mch_id"`
	OutTradeNo   string      `json:"out_trade_no"`
	OutRefundNo  string      `json:"out_refund_no"`
	RefundID     string      `json:"refund_id"`
	State        RefundState `json:"state"`
	RefundFee    int64       `json:"refund_fee"` // fen
	Reason       string      `json:"reason,omitempty"`
	AcceptedAt   time.Time   `json:"accepted_at"`
	EndedAt      *time.Time  `json:"ended_at,omitempty"`
	Completions  int         `json:"completions"`   // how often the customer got the money
	NotifiesSent int         `json:"notifies_sent"` // repeats and copies included
	Acknowledged bool        `json:"acknowledged"`  // a notify was answered with success
	Abandoned    bool        `json:"abandoned"`     // none was, and no other will be sent
}

// ErrUnknownRefund says that no refund of that number was accepted.
var ErrUnknownRefund = errors.New("unknown refund")

// Refund returns the refund of that number, the merchant as in Order. It fails with
// ErrUnknownRefund, or if several merchants have one.
func (s *Simulator) Refund(merchant, outRefundNo string) (Refund, error) {
	r, err := s.findRefund(merchant, outRefundNo)
	if err != nil {
		return Refund{}, err
	}
	return r.view(), nil
}

// MendRefund lets the customer have the money of a refund that hangs or is abnormal, as
// people at WeChat or at the merchant's would, and tells the merchant. It fails with
// ErrUnknownRefund, or with *Declined if the refund has ended.
func (s *Simulator) MendRefund(merchant, outRefundNo string) error {
	r, err := s.findRefund(merchant, outRefundNo)
	if err != nil {
		return err
	}
	if !s.end(r, RefundSucceeded) {
		return &Declined{"the refund has ended"}
	}
	return nil
}

// findRefund finds a refund by what people know of it.
func (s *Simulator) findRefund(merchant, number string) (*refund, error) {
	return findNumber(s.accounts, merchant, number, ErrUnknownRefund, s.book.findRefund)
}

// findOrder finds an order by what people know of it.
func (s *Simulator) findOrder(merchant, number string) (*order, error) {
	return findNumber(s.accounts, merchant, number, ErrUnknownOrder, s.book.find)
}

// findNumber looks for what has a number at one of the merchants that are meant.
func findNumber[T any](accounts []*account, merchant, number string, unknown error, find func(*account, string) *T) (*T, error) {
	var found *T
	for _, a := range accounts {
		if merchant != "" && !a.answersTo(merchant) {
			continue
		}
		one := find(a, number)
		if one != nil && found != nil {
			return nil, fmt.Errorf("several merchants have a number %s: name the merchant", number)
		}
		if one != nil {
			found = one
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w %s", unknown, number)
	}
	return found, nil
}

func (r *refund) view() Refund {
	view := Refund{
		AppID:       r.order.account.AppID,
		MchID:       r.order.account.MchID,
		OutTradeNo:  r.order.number,
		OutRefundNo: r.number,
		RefundID:    r.id,
		RefundFee:   r.terms.amount,
		Reason:      r.terms.reason,
		AcceptedAt:  r.acceptedAt,
	}
	view.NotifiesSent, view.Acknowledged, view.Abandoned = r.hearing.result()
	r.order.mu.Lock()
	defer r.order.mu.Unlock()
	view.State, view.Completions = r.state, r.completions
	if !r.endedAt.IsZero() {
		at := r.endedAt
		view.EndedAt = &at
	}
	return view
}
