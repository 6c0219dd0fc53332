package simulator

import (
	"maps"
	"time"
)

// checkClient checks the second signature and all that it covers. It is made like the
// first one, with the same key in the same way.
func (v *v2) checkClient(o *order, client map[string]string) error {
	return checkClient(o, client, o.account.SignType, func(rule clientRule) bool {
		signed := v2Fields(maps.Clone(client))
		delete(signed, rule.sign)
		return signV2(signed, o.account.SignType, o.account.APIKey) == client[rule.sign]
	})
}

func (v *v2) settle(o *order, at time.Time) payment { return v.s.settlement(o, at) }
