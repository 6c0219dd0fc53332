package simulator

// checkClient checks the second signature (documents, "calling the payment" from an app and
// from a page), made with the merchant's own key over four lines. The last of them is the
// bare prepay id for an app, and package for a page. The fields are named as in APIv2.
func (v *v3) checkClient(o *order, client map[string]string) error {
	return checkClient(o, client, "RSA", func(rule clientRule) bool {
		last := client["package"]
		if o.terms.trade == APP {
			last = client["prepayid"]
		}
		message := v3Message(client[rule.app], client[rule.timestamp], client[rule.nonce], last)
		return verifyV3(o.account.PublicKey, message, client[rule.sign])
	})
}
