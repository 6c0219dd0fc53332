package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Receipt is what the customer has after paying.
type Receipt struct {
	AppID         string    `json:"appid"`
	OutTradeNo    string    `json:"out_trade_no"`
	TransactionID string    `json:"transaction_id"`
	TotalFee      int64     `json:"total_fee"` // fen
	OpenID        string    `json:"openid"`
	PaidAt        time.Time `json:"paid_at"`
}

// Declined says why WeChat did not take the customer's money.
type Declined struct {
	Reason string
}

// Error names the reason.
func (d *Declined) Error() string { return "declined: " + d.Reason }

// ErrUnknownOrder says that no merchant has placed an order of that number.
var ErrUnknownOrder = errors.New("unknown order")

// Pay is the customer paying: the app hands client, exactly as the shop gave it, to
// WeChat, which checks it as strictly as the WeChat app does, takes the money and begins to
// send notifies. It fails with *Declined, and nothing has happened then.
func (s *Simulator) Pay(ctx context.Context, client map[string]string) (Receipt, error) {
	o := s.book.prepaid(client["prepayid"])
	if o == nil {
		return Receipt{}, &Declined{"the prepay id is unknown"}
	}
	if err := o.account.protocol.checkClient(o, client); err != nil {
		return Receipt{}, err
	}
	return s.charge(ctx, o)
}

// PayOrder is Pay for somebody who has nothing but the order's number: nothing that the
// app was given is checked. The merchant is a name, app id or partner id; "" finds the
// order whoever's it is. It fails with *Declined or ErrUnknownOrder.
func (s *Simulator) PayOrder(ctx context.Context, merchant, outTradeNo string) (Receipt, error) {
	o, err := s.findOrder(merchant, outTradeNo)
	if err != nil {
		return Receipt{}, err
	}
	return s.charge(ctx, o)
}

func (s *Simulator) charge(ctx context.Context, o *order) (Receipt, error) {
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	p, times, err := o.charge(s.cfg.Now())
	if err != nil {
		return Receipt{}, err
	}
	s.tally.charged(times)
	s.cfg.Log.DebugContext(ctx, "order paid", slog.String("out_trade_no", o.number))
	s.notifier.announce(o)
	return Receipt{
		AppID:         o.account.AppID,
		OutTradeNo:    o.number,
		TransactionID: p.transactionID,
		TotalFee:      o.terms.total,
		OpenID:        p.openID,
		PaidAt:        p.at,
	}, nil
}

// findOrder finds an order by what people know of it.
func (s *Simulator) findOrder(merchant, number string) (*order, error) {
	var found *order
	for _, a := range s.accounts {
		if merchant != "" && !a.answersTo(merchant) {
			continue
		}
		o := s.book.find(a, number)
		if o != nil && found != nil {
			return nil, fmt.Errorf("several merchants have an order %s: name the merchant", number)
		}
		if o != nil {
			found = o
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w %s", ErrUnknownOrder, number)
	}
	return found, nil
}
