package simulator

import "slices"

// check checks what is true of every call: who calls, that nobody else could have, and that
// the elements are those of the call and nothing else.
func (v *v2) check(r v2Request, call v2Call) error {
	if err := v.checkCaller(r); err != nil {
		return err
	}
	rules := slices.Concat(v2Common, call.rules)
	known := map[string]bool{}
	for _, rule := range rules {
		known[rule.name] = true
		value, ok := r.fields[rule.name]
		if !ok && !rule.optional {
			return refuseV2(call.missing, rule.name+" is missing")
		}
		if ok && !rule.fits(value) {
			return refuseV2(call.invalid, rule.name+" must be "+rule.is)
		}
	}
	for name := range r.fields {
		if !known[name] {
			return refuseV2(call.invalid, name+" does not belong here")
		}
	}
	return nil
}

// checkCaller checks the merchant and its signature, in the way that was agreed: what is
// weaker is no more taken than what is wrong.
func (v *v2) checkCaller(r v2Request) error {
	signType := r.fields["sign_type"]
	if signType == "" {
		signType = MD5
	}
	switch a := r.account; {
	case r.fields["mch_id"] == "":
		return refuseV2(v2NoMerchant, "mch_id is missing")
	case a == nil:
		return refuseV2(v2NoMerchant, "")
	case signType != a.SignType:
		return refuseV2(v2BadSignature, "sign_type must be "+a.SignType)
	case r.fields["sign"] == "":
		return refuseV2(v2BadSignature, "sign is missing")
	case r.fields["sign"] != signV2(r.fields, a.SignType, a.APIKey):
		return refuseV2(v2BadSignature, "")
	case r.fields["appid"] != "" && r.fields["appid"] != a.AppID:
		return v.strange(r.fields["appid"])
	}
	return nil
}

// strange refuses an app that is not the merchant's.
func (v *v2) strange(appID string) error {
	for _, a := range v.s.accounts {
		if a.AppID == appID {
			return refuseV2(v2ForeignApp, "")
		}
	}
	return refuseV2(v2NoApp, "")
}
