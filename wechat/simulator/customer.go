package simulator

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
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
	o := s.book.holder(prepayID(client))
	if o == nil {
		return Receipt{}, &Declined{"the prepay id is unknown"}
	}
	if err := o.account.protocol.checkClient(o, client); err != nil {
		return Receipt{}, err
	}
	return s.charge(ctx, o)
}

// prepayID finds the prepay id where the app's SDKs and a page have it.
func prepayID(client map[string]string) string {
	page, _ := strings.CutPrefix(client["package"], "prepay_id=")
	return cmp.Or(client["prepayid"], client["prepayId"], page)
}

// PayCode is the customer scanning the code that shows code_url. It fails with *Declined.
func (s *Simulator) PayCode(ctx context.Context, codeURL string) (Receipt, error) {
	o := s.book.holder(codeURL)
	if o == nil || o.terms.trade != Native {
		return Receipt{}, &Declined{"the code_url is unknown"}
	}
	return s.charge(ctx, o)
}

// PayLink is the customer following h5_url (APIv2: mweb_url) in a browser. The merchant may
// have added where to go afterwards, as redirect_url. It fails with *Declined.
func (s *Simulator) PayLink(ctx context.Context, h5URL string) (Receipt, error) {
	link, _, _ := strings.Cut(h5URL, "&redirect_url=")
	o := s.book.holder(link)
	if o == nil || o.terms.trade != MWEB {
		return Receipt{}, &Declined{"the h5_url is unknown"}
	}
	return s.charge(ctx, o)
}

// PayOrder is Pay for somebody who has nothing but the order's number: nothing that the
// app was given is checked. The merchant is a name, app id, partner id or mch id;
// "" finds the order whoever's it is. It fails with *Declined or ErrUnknownOrder.
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
	s.book.settle(p.transactionID, o)
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
