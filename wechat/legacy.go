package wechat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"settled"
	"settled/wechat/legacy"
)

var _ settled.Gateway = (*Legacy)(nil)

// The words for what keeps an outcome of the legacy API unknown, besides those of all
// protocols.
const (
	codeToken         = "token"          // there is no access token
	codeOpenIDMissing = "openid_missing" // only a notify tells who paid
)

// Legacy is settled.Gateway for one merchant of WeChat's first APP payment (WeChat Open
// Platform, APP payment document). Its methods may be called from many goroutines.
type Legacy struct {
	line          *legacyLine
	tokens        Tokens
	credentials   legacy.Credentials
	notifyURL     string
	deliverNotify bool
	now           func() time.Time
	random        io.Reader
}

// NewLegacy returns a gateway ready for use. It makes no call.
func NewLegacy(cfg LegacyConfig) (*Legacy, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(
		requirement{"PaySignKey", cfg.PaySignKey != ""},
		requirement{"PartnerID", cfg.PartnerID != ""},
		requirement{"PartnerKey", cfg.PartnerKey != ""},
		requirement{"Tokens", cfg.Tokens != nil},
	); err != nil {
		return nil, err
	}
	if !plainURL(cfg.NotifyURL) || len(cfg.NotifyURL) > maxNotifyURL {
		return nil, fmt.Errorf("merchant %s: NotifyURL is not a plain http or https URL of at most %d characters", cfg.Merchant, maxNotifyURL)
	}
	return &Legacy{
		line: newLegacyLine(cfg), tokens: cfg.Tokens, credentials: cfg.credentials(),
		notifyURL: cfg.NotifyURL, deliverNotify: cfg.DeliverNotify, now: cfg.Now, random: cfg.Random,
	}, nil
}

// PrepayRequest writes the body of genprepay. It is the same order whenever it is sent:
// the times in it are the payment's own.
func (l *Legacy) PrepayRequest(p settled.Payment) ([]byte, error) {
	nonce, err := l.nonce()
	if err != nil {
		return nil, err
	}
	at := p.CreatedAt
	if at.IsZero() {
		at = l.now()
	}
	return l.credentials.PrepayRequest(legacy.Order{
		OrderID: p.OrderID, Description: p.Description, TotalFee: int64(p.Amount.Total), Attach: p.Attach,
		ClientIP: p.ClientIP, NotifyURL: l.notifyURL, Start: at, Expire: p.ExpiresAt, TraceID: p.OrderID,
	}, nonce, at)
}

// Prepay sends p.PrepayRequest as it is and signs the prepay id for the app.
func (l *Legacy) Prepay(ctx context.Context, p settled.Payment) (settled.Prepared, error) {
	nonce, err := l.nonce() // before the call: with the id in hand nothing may go wrong
	if err != nil {
		return settled.Prepared{}, &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	prepayID, err := callLegacy(ctx, l, legacy.GenPrepay, p, p.PrepayRequest, legacy.ReadPrepay)
	if err != nil {
		return settled.Prepared{}, err
	}
	return settled.Prepared{PrepayID: prepayID, Client: l.credentials.Client(prepayID, nonce, l.now())}, nil
}

// Query asks orderquery. An order that WeChat will not tell of is not paid.
func (l *Legacy) Query(ctx context.Context, p settled.Payment) (settled.Trade, error) {
	body, err := l.credentials.QueryRequest(p.OrderID, l.now())
	if err != nil {
		return settled.Trade{}, &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	told, err := callLegacy(ctx, l, legacy.OrderQuery, p, body, legacy.ReadQuery)
	var refusal *settled.Refusal
	switch {
	case errors.As(err, &refusal):
		return settled.Trade{OrderID: p.OrderID}, nil
	case err != nil:
		return settled.Trade{}, err
	case told.OrderID != "" && told.OrderID != p.OrderID:
		return settled.Trade{}, &settled.Unknown{Code: codeOtherOrder, Err: fmt.Errorf("asked for order %s, told of %.32q", p.OrderID, told.OrderID)}
	}
	trade := tradeOfLegacy(told)
	trade.OrderID = p.OrderID
	if trade.Paid {
		trade.Foreign = foreign("partner", told.Partner, l.credentials.PartnerID)
	}
	return trade, nil
}

// Close does nothing: the protocol has no such call, time_expire closes the order.
func (l *Legacy) Close(context.Context, settled.Payment) error { return nil }

// Acknowledges reports whether the merchant wants delivernotify.
func (l *Legacy) Acknowledges() bool { return l.deliverNotify }

// Acknowledge tells WeChat by delivernotify that the goods were delivered. It needs the
// payer's openid, which a query does not tell: until a notify has, it is unknown.
func (l *Legacy) Acknowledge(ctx context.Context, p settled.Payment) error {
	if p.Paid.OpenID == "" {
		return &settled.Unknown{Code: codeOpenIDMissing, Err: errors.New("no notify has told who paid")}
	}
	body, err := l.credentials.DeliveryRequest(legacy.Delivery{
		OpenID: p.Paid.OpenID, TransactionID: p.Paid.TransactionID, OrderID: p.OrderID,
		At: l.now(), Delivered: true, Message: "ok",
	})
	if err != nil {
		return &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	_, err = callLegacy(ctx, l, legacy.DeliverNotify, p, body, func(answer []byte) (struct{}, error) {
		return struct{}{}, legacy.ReadDelivery(answer)
	})
	return err
}
