package simulator

// legacyDeliverFields are delivernotify's (document, "delivernotify").
var legacyDeliverFields = []legacyField{
	{name: "appid", missing: legacyAppIDMissing},
	{name: "openid", missing: legacyPayerMissing},
	{name: "transid", missing: legacyPayerMissing},
	{name: "out_trade_no"},
	{name: "deliver_timestamp", kind: legacySeconds},
	{name: "deliver_status"},
	{name: "deliver_msg", kind: legacyAnyText},
	{name: "app_signature"},
	{name: "sign_method"},
}

// delivernotify hears what became of the goods. It may be told again, and of a failure
// first and a delivery then.
func (l *legacy) delivernotify(a *legacyAccount, call legacyCall) (any, error) {
	values, err := call.fields.values(legacyDeliverFields)
	if err != nil {
		return nil, err
	}
	if err := checkLegacySignature(a.Merchant, values); err != nil {
		return nil, err
	}
	status := values["deliver_status"]
	if status != "0" && status != "1" {
		return nil, refuse(legacyInvalid, "deliver_status must be 1 or 0")
	}
	o := l.s.book.find(a.account, values["out_trade_no"])
	if o == nil {
		return nil, refuse(legacyNoTransaction, "")
	}
	switch paid, ok := o.paid(); {
	case !ok, paid.transactionID != values["transid"]:
		return nil, refuse(legacyNoTransaction, "")
	case paid.openID != values["openid"]:
		return nil, refuse(legacyForeignPayer, "")
	}
	if o.deliver(status == "1") {
		l.s.tally.delivered.Add(1)
	}
	return legacyHeard, nil
}

// legacyHeard is the answer to a call that gives nothing back.
var legacyHeard = legacyRefusal{Message: "ok"}
