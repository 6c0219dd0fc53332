package simulator

import (
	"errors"
	"time"
)

// prepay places an order of a trade type. The same number again needs the same content.
func (v *v3) prepay(trade TradeType) func(v3Request) (any, error) {
	return func(r v3Request) (any, error) {
		number, t := r.object.text("out_trade_no"), v.terms(r.object, trade)
		before := v.s.book.find(r.account, number)
		issued, err := v.s.prepay(r.account, number, t, func() ticket { return v.s.ticket(trade) })
		if err == nil && before != nil && before.terms.expired(v.s.cfg.Now()) {
			err = errExpired
		}
		if err != nil {
			return nil, refusePrepay(err, before, trade)
		}
		switch trade {
		case Native:
			return map[string]string{"code_url": issued.codeURL}, nil
		case MWEB:
			return map[string]string{"h5_url": issued.h5URL}, nil
		case APP, JSAPI:
		}
		return map[string]string{"prepay_id": issued.prepayID}, nil
	}
}

// refusePrepay finds the code. For a number that was used with other content the documents
// have two: here OUT_TRADE_NO_USED stands for an order of another trade type.
func refusePrepay(err error, before *order, trade TradeType) *v3Refusal {
	switch {
	case errors.Is(err, errPaid):
		return refuseV3(v3OrderPaid, "")
	case errors.Is(err, errClosed):
		return refuseV3(v3OrderClosed, "take another out_trade_no")
	case errors.Is(err, errOtherContent) && before != nil && before.terms.trade != trade:
		return refuseV3(v3NumberUsed, "the order has another trade type")
	case errors.Is(err, errOtherContent):
		return &v3Refusal{code: v3InvalidRequest, message: "请求重入时，参数与首次请求时不一致: " + err.Error()}
	}
	return refuseV3(v3InvalidRequest, err.Error())
}

const (
	// v3LeastTime is how much time a customer is given at least (document, "APP order"): a
	// time_expire that is nearer is moved. One that has passed is refused.
	v3LeastTime = time.Minute
	// v3MostTime is when an order that names no time_expire can't be paid any more. How far
	// ahead one may lie is told differently in each document, and not checked.
	v3MostTime = 7 * 24 * time.Hour
)

// terms are what a checked body orders.
func (v *v3) terms(body v3Object, trade TradeType) terms {
	now := v.s.cfg.Now()
	expires := parseV3Time(body.text("time_expire"))
	switch {
	case expires.IsZero():
		expires = now.Add(v3MostTime)
	case expires.After(now) && expires.Before(now.Add(v3LeastTime)):
		expires = now.Add(v3LeastTime)
	}
	return terms{
		content:    string(trade) + v3Spelling(body),
		trade:      trade,
		openID:     body.text("payer", "openid"),
		total:      body.fen("amount", "total"),
		charset:    "UTF-8",
		deviceInfo: body.text("scene_info", "device_id"),
		attach:     body.text("attach"),
		notifyURL:  body.text("notify_url"),
		expiresAt:  expires,
	}
}

// close closes an order; one that is closed stays so. How soon it may be closed was five
// minutes in older texts, and is not checked.
func (v *v3) close(r v3Request) (any, error) {
	o := v.s.book.find(r.account, r.path["out_trade_no"])
	if o == nil {
		return nil, refuseV3(v3NoOrder, "")
	}
	if err := o.close(); errors.Is(err, errPaid) {
		return nil, refuseV3(v3OrderPaid, "")
	}
	return nil, nil
}

func (v *v3) settle(o *order, at time.Time) payment { return v.s.settlement(o, at) }
