package simulator

import "time"

// Order is what WeChat knows of an order, for people and tests to look at.
type Order struct {
	AppID         string     `json:"appid"`
	PartnerID     string     `json:"partnerid"`
	OutTradeNo    string     `json:"out_trade_no"`
	State         State      `json:"state"`
	TotalFee      int64      `json:"total_fee"` // fen
	PrepayID      string     `json:"prepayid"`
	TransactionID string     `json:"transaction_id,omitempty"`
	OpenID        string     `json:"openid,omitempty"`
	PaidAt        *time.Time `json:"paid_at,omitempty"`
	Charges       int        `json:"charges"`       // how often the customer's money was taken
	NotifiesSent  int        `json:"notifies_sent"` // repeats and copies included
	Acknowledged  bool       `json:"acknowledged"`  // a notify was answered with success
	Abandoned     bool       `json:"abandoned"`     // none was, and no other will be sent
	DeliveryTold  int        `json:"delivery_told"` // how often the merchant told of the goods
	Delivered     bool       `json:"delivered"`     // once it said that they were delivered
}

// State is where an order stands.
type State string

// The states of an order.
const (
	Unpaid  State = "unpaid"
	Paid    State = "paid"
	Expired State = "expired" // it can no longer be paid: time_expire has passed
)

// Order returns the order of that number. The merchant is a name, app id or partner id; ""
// finds the order whoever's it is. It fails with ErrUnknownOrder, or if several merchants
// have one.
func (s *Simulator) Order(merchant, outTradeNo string) (Order, error) {
	o, err := s.findOrder(merchant, outTradeNo)
	if err != nil {
		return Order{}, err
	}
	return o.view(s.cfg.Now()), nil
}

func (o *order) view(now time.Time) Order {
	o.mu.Lock()
	defer o.mu.Unlock()
	view := Order{
		AppID:         o.account.AppID,
		PartnerID:     o.account.PartnerID,
		OutTradeNo:    o.number,
		State:         Unpaid,
		TotalFee:      o.terms.total,
		PrepayID:      o.prepayID,
		TransactionID: o.payment.transactionID,
		OpenID:        o.payment.openID,
		Charges:       o.charges,
		NotifiesSent:  o.notifies,
		Acknowledged:  o.acknowledged,
		Abandoned:     o.abandoned,
		DeliveryTold:  o.delivery.told,
		Delivered:     o.delivery.delivered,
	}
	switch {
	case o.charges > 0:
		at := o.payment.at
		view.State, view.PaidAt = Paid, &at
	case o.terms.expired(now):
		view.State = Expired
	}
	return view
}
