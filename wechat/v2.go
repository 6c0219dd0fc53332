package wechat

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"settled"
	"settled/wechat/v2"
)

var _ settled.Gateway = (*V2)(nil)

// V2 is settled.Gateway for one merchant of WeChat Pay APIv2. Its methods may be called
// from many goroutines.
type V2 struct {
	line        *v2Line
	credentials v2.Credentials
	notifyURL   string
	now         func() time.Time
	random      io.Reader
}

// NewV2 returns a gateway ready for use. It makes no call.
func NewV2(cfg V2Config) (*V2, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &V2{
		line: newV2Line(cfg), credentials: cfg.credentials(), notifyURL: cfg.NotifyURL, now: cfg.Now, random: cfg.Random,
	}, nil
}

// v2TradeTypes are WeChat's words for the trade types. A type that is not listed is spelled
// as nothing, which no request may be written with.
var v2TradeTypes = map[settled.TradeType]v2.TradeType{
	settled.APP: v2.APP, settled.JSAPI: v2.JSAPI, settled.NATIVE: v2.NATIVE, settled.H5: v2.MWEB,
}

// PrepayRequest writes the body of unifiedorder. It is the same order whenever it is sent:
// the times in it are the payment's own.
func (g *V2) PrepayRequest(p settled.Payment) ([]byte, error) {
	nonce, err := g.nonce()
	if err != nil {
		return nil, err
	}
	start := p.CreatedAt
	if start.IsZero() {
		start = g.now()
	}
	return g.credentials.PrepayRequest(v2.Order{
		TradeType: v2TradeTypes[p.TradeType], OrderID: p.OrderID, Description: p.Description, TotalFee: int64(p.Amount.Total),
		Attach: p.Attach, ClientIP: p.ClientIP, OpenID: p.PayerOpenID, NotifyURL: g.notifyURL, Start: start, Expire: p.ExpiresAt,
	}, nonce)
}

// Prepay sends p.PrepayRequest as it is, and signs the prepay id for the app or the page.
func (g *V2) Prepay(ctx context.Context, p settled.Payment) (settled.Prepared, error) {
	as, ok := v2TradeTypes[p.TradeType]
	if !ok {
		return settled.Prepared{}, &settled.Unknown{Code: codeUnwritable, Err: fmt.Errorf("no trade type %.16q", p.TradeType)}
	}
	nonce, err := g.nonce() // before the call: with the id in hand nothing may go wrong
	if err != nil {
		return settled.Prepared{}, &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	given, requestID, err := askV2(ctx, g.line, v2Request{call: v2.UnifiedOrder, body: p.PrepayRequest, about: ofPayment(p), class: urgent}, reading[v2.Prepay]{
		read: func(body []byte) (v2.Prepay, error) { return g.credentials.ReadPrepay(as, body) },
	})
	if err != nil {
		return settled.Prepared{}, err
	}
	return settled.Prepared{
		PrepayID: given.PrepayID, Client: g.credentials.Client(as, given.PrepayID, nonce, g.now()),
		CodeURL: given.CodeURL, H5URL: given.MWebURL, RequestID: requestID,
	}, nil
}

// Query asks for the order by its number. One that WeChat does not know is not paid.
func (g *V2) Query(ctx context.Context, p settled.Payment) (settled.Trade, error) {
	body, err := g.write(func(nonce string) ([]byte, error) { return g.credentials.QueryRequest(p.OrderID, nonce) })
	if err != nil {
		return settled.Trade{}, err
	}
	trade, requestID, err := askV2(ctx, g.line, v2Request{call: v2.OrderQuery, body: body, about: ofPayment(p), class: asking}, reading[settled.Trade]{
		read:    func(body []byte) (settled.Trade, error) { return g.readQuery(p, body) },
		nothing: func() settled.Trade { return settled.Trade{OrderID: p.OrderID} },
	})
	if err != nil {
		return settled.Trade{}, err
	}
	trade.RequestID = requestID
	return trade, nil
}

// readQuery reads what WeChat says of the payment's order. Only a paid one may turn out to
// be another merchant's: that has to be looked at, while any other says nothing about ours.
func (g *V2) readQuery(p settled.Payment, body []byte) (settled.Trade, error) {
	told, err := g.credentials.ReadQuery(body)
	switch {
	case err != nil:
		return settled.Trade{}, err
	case told.OrderID != "" && told.OrderID != p.OrderID:
		return settled.Trade{}, otherNumber("order", p.OrderID, told.OrderID)
	case !told.State.Paid() && told.MchID != "" && told.MchID != g.credentials.MchID:
		return settled.Trade{}, otherNumber("an order of", g.credentials.MchID, told.MchID)
	}
	trade := g.trade(told)
	trade.OrderID = p.OrderID
	return trade, nil
}

// Close closes the order. One that WeChat does not know, or has closed, is closed.
func (g *V2) Close(ctx context.Context, p settled.Payment) error {
	body, err := g.write(func(nonce string) ([]byte, error) { return g.credentials.CloseRequest(p.OrderID, nonce) })
	if err != nil {
		return err
	}
	_, _, err = askV2(ctx, g.line, v2Request{call: v2.CloseOrder, body: body, about: ofPayment(p), class: patient}, reading[struct{}]{
		read:    func(body []byte) (struct{}, error) { return struct{}{}, g.credentials.ReadClose(body) },
		nothing: func() struct{} { return struct{}{} },
	})
	return err
}

// Acknowledge does nothing: the protocol does not ask for it.
func (g *V2) Acknowledge(context.Context, settled.Payment) error { return nil }

// Acknowledges reports that nobody wants Acknowledge.
func (g *V2) Acknowledges() bool { return false }

func (g *V2) nonce() (string, error) { return drawNonce(g.random) }

// write writes the body of a call that is not stored, with a nonce of its own.
func (g *V2) write(with func(nonce string) ([]byte, error)) ([]byte, error) {
	nonce, err := g.nonce()
	if err != nil {
		return nil, &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	body, err := with(nonce)
	if err != nil {
		return nil, &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	return body, nil
}

func (g *V2) trade(told v2.Trade) settled.Trade {
	if !told.State.Paid() {
		return settled.Trade{OrderID: told.OrderID, Closed: told.State.Over()}
	}
	return settled.Trade{
		Paid: true, OrderID: told.OrderID, TransactionID: told.TransactionID,
		Amount: settled.Money{Total: settled.Fen(told.Total), Currency: told.Currency},
		PaidAt: told.PaidAt, OpenID: told.OpenID, BankType: told.BankType, Attach: told.Attach,
		Foreign: g.foreign(told.MchID, told.AppID),
	}
}

// foreign names what is not this merchant's or this app's; empty when both are.
func (g *V2) foreign(mchID, appID string) string {
	return cmp.Or(foreign("merchant", mchID, g.credentials.MchID), foreign("app", appID, g.credentials.AppID))
}
