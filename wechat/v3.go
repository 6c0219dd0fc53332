package wechat

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"settled"
	v3 "settled/wechat/v3"
)

var _ settled.Gateway = (*V3)(nil)

// V3 is settled.Gateway for one merchant of WeChat Pay APIv3. Its methods may be called
// from many goroutines.
type V3 struct {
	line        *v3Line
	keys        *v3Keys
	credentials v3.Credentials
	notifyURL   string
	now         func() time.Time
	verified    func(keyID, what string)
}

// NewV3 returns a gateway ready for use. It makes no call.
func NewV3(cfg V3Config) (*V3, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(cfg.checkGateway()); err != nil {
		return nil, err
	}
	return &V3{
		line: newV3Line(cfg), keys: newV3Keys(cfg), credentials: cfg.credentials(),
		notifyURL: cfg.NotifyURL, now: cfg.Now, verified: cfg.Verified,
	}, nil
}

// PlatformCertificates are WeChat's certificates as far as they are known by now, the
// oldest first. None are known before an answer or a notify has asked for them.
func (g *V3) PlatformCertificates() []v3.Key { return g.keys.known().Certificates() }

// prepayCalls are the prepay calls of the trade types.
var prepayCalls = map[settled.TradeType]v3.Call{
	settled.APP: v3.PrepayAPP, settled.JSAPI: v3.PrepayJSAPI, settled.NATIVE: v3.PrepayNative, settled.H5: v3.PrepayH5,
}

func prepayCall(p settled.Payment) (v3.Call, error) {
	call, ok := prepayCalls[p.TradeType]
	if !ok {
		return "", fmt.Errorf("no call for trade type %.16q", p.TradeType)
	}
	return call, nil
}

// PrepayRequest writes the body of a prepay call. It is the same order whenever it is sent:
// the times in it are the payment's own.
func (g *V3) PrepayRequest(p settled.Payment) ([]byte, error) {
	call, err := prepayCall(p)
	if err != nil {
		return nil, err
	}
	created := p.CreatedAt
	if created.IsZero() {
		created = g.now()
	}
	return g.credentials.PrepayRequest(call, v3.Order{
		OrderID: p.OrderID, Description: p.Description, Total: int64(p.Amount.Total), Attach: p.Attach,
		OpenID: p.PayerOpenID, ClientIP: p.ClientIP, NotifyURL: g.notifyURL, Created: created, Expire: p.ExpiresAt,
	})
}

// Prepay sends p.PrepayRequest as it is, and signs the prepay id for the app or the page.
func (g *V3) Prepay(ctx context.Context, p settled.Payment) (settled.Prepared, error) {
	call, err := prepayCall(p)
	if err != nil {
		return settled.Prepared{}, &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	nonce, err := g.line.nonce() // before the call: with the id in hand nothing may go wrong
	if err != nil {
		return settled.Prepared{}, &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	given, requestID, err := callV3(ctx, g, v3Request{call: call, body: p.PrepayRequest, about: ofPayment(p), class: urgent}, reading[string]{
		read: func(body []byte) (string, error) { return v3.ReadPrepay(call, body) },
	})
	if err != nil {
		return settled.Prepared{}, err
	}
	prepared, err := g.prepared(p.TradeType, given, nonce)
	if err != nil {
		return settled.Prepared{}, &settled.Unknown{Code: codeUnwritable, Err: err, RequestID: requestID}
	}
	prepared.RequestID = requestID
	return prepared, nil
}

// prepared puts what WeChat gave where the shop looks for it.
func (g *V3) prepared(as settled.TradeType, given, nonce string) (prepared settled.Prepared, err error) {
	switch as {
	case settled.APP:
		prepared.PrepayID = given
		prepared.Client, err = g.credentials.ClientAPP(given, nonce, g.now())
	case settled.JSAPI:
		prepared.PrepayID = given
		prepared.Client, err = g.credentials.ClientJSAPI(given, nonce, g.now())
	case settled.NATIVE:
		prepared.CodeURL = given
	case settled.H5:
		prepared.H5URL = given
	}
	return prepared, err
}

// Query asks for the order by its number. One that WeChat does not know is not paid.
func (g *V3) Query(ctx context.Context, p settled.Payment) (settled.Trade, error) {
	trade, requestID, err := callV3(ctx, g, v3Request{call: v3.Query, number: p.OrderID, about: ofPayment(p), class: asking}, reading[settled.Trade]{
		read: func(body []byte) (settled.Trade, error) {
			read, err := v3.ReadTrade(body)
			if err == nil && read.OrderID != p.OrderID {
				err = otherNumber("order", p.OrderID, read.OrderID)
			}
			if err != nil {
				return settled.Trade{}, err
			}
			return g.trade(read), nil
		},
		nothing: func() settled.Trade { return settled.Trade{OrderID: p.OrderID} },
	})
	if err != nil {
		return settled.Trade{}, err
	}
	trade.RequestID = requestID
	return trade, nil
}

// Close closes the order. One that WeChat does not know, or has closed, is closed.
func (g *V3) Close(ctx context.Context, p settled.Payment) error {
	body, err := g.credentials.CloseRequest()
	if err != nil {
		return &settled.Unknown{Code: codeUnwritable, Err: err}
	}
	_, _, err = callV3(ctx, g, v3Request{call: v3.Close, number: p.OrderID, body: body, about: ofPayment(p), class: patient}, reading[struct{}]{
		read:    func([]byte) (struct{}, error) { return struct{}{}, nil },
		nothing: func() struct{} { return struct{}{} },
	})
	return err
}

// Acknowledge does nothing: the protocol does not ask for it.
func (g *V3) Acknowledge(context.Context, settled.Payment) error { return nil }

// Acknowledges reports that nobody wants Acknowledge.
func (g *V3) Acknowledges() bool { return false }

// callV3 makes a call whose answer the merchant's keys verify.
func callV3[T any](ctx context.Context, g *V3, r v3Request, t reading[T]) (value T, requestID string, err error) {
	if r.serial, err = g.keys.serial(ctx); err != nil {
		return value, "", err
	}
	return askV3(ctx, g.line, r, g.open, t)
}

func (g *V3) open(ctx context.Context, call v3.Call, answer v3.Answer) (keyID string, err error) {
	at := g.now()
	return g.keys.verify(ctx, func(ring v3.Keyring) (string, error) { return ring.Open(call, answer, at) })
}

func (g *V3) trade(told v3.Trade) settled.Trade {
	t := settled.Trade{
		Paid: told.Paid, Closed: told.Closed, OrderID: told.OrderID, TransactionID: told.TransactionID,
		PaidAt: told.PaidAt, OpenID: told.OpenID, BankType: told.BankType, Attach: told.Attach,
	}
	if told.Paid {
		t.Amount = settled.Money{Total: settled.Fen(told.Total), Currency: told.Currency}
		t.Foreign = cmp.Or(
			foreign("merchant", told.MchID, g.credentials.MchID),
			foreign("app", told.AppID, g.credentials.AppID),
		)
	}
	return t
}
