package simulator

import "errors"

// legacyPrepayFields are genprepay's (document, "genprepay"). appkey is signed and never
// sent: as a field it is refused. traceid may be left out as far as the document goes.
var legacyPrepayFields = []legacyField{
	{name: "appid", missing: legacyAppIDMissing},
	{name: "traceid", kind: legacyAnyText, optional: true},
	{name: "noncestr", most: 32},
	{name: "package"},
	{name: "timestamp", kind: legacySeconds},
	{name: "app_signature"},
	{name: "sign_method"},
}

type legacyPrepaid struct {
	PrepayID string     `json:"prepayid"`
	Code     legacyCode `json:"errcode"`
	Message  string     `json:"errmsg"`
}

// genprepay places an order. What happens when a number is used twice is not documented.
// Here the same package again gives the same prepay id, because a merchant whose answer
// was lost has nothing else that it could do; any other content is refused, and so is an
// order that is paid. One report has 268500741 for a bad signature here; the list, and
// this, 49004.
func (l *legacy) genprepay(a *legacyAccount, call legacyCall) (any, error) {
	values, err := call.fields.values(legacyPrepayFields)
	if err != nil {
		return nil, err
	}
	if err := checkLegacySignature(a.Merchant, values); err != nil {
		return nil, err
	}
	p, err := openLegacyPackage(values["package"], unescape)
	if err != nil {
		return nil, err
	}
	if err := p.checkOrder(a.Merchant); err != nil {
		return nil, err
	}
	issued, err := l.s.prepay(a.account, p["out_trade_no"], p.terms(), l.ticket)
	switch {
	case errors.Is(err, errExpired):
		return nil, refuse(legacyInvalid, err.Error())
	case err != nil:
		return nil, refuse(legacyNumberUsed, err.Error())
	}
	return legacyPrepaid{PrepayID: issued.prepayID, Message: "Success"}, nil
}

// ticket draws an id of the published shape: ten digits, the date, sixteen hex digits.
func (l *legacy) ticket() ticket {
	return ticket{prepayID: "1101000000" + l.s.cfg.Now().In(beijing).Format("060102") + l.s.dice.text(hex, 16)}
}
