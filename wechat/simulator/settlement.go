package simulator

import (
	"cmp"
	"fmt"
	"time"
)

// settlement makes up a payment under APIv2 and APIv3: a transaction id of 28 digits with
// the date in it, the payer that the merchant named or one that WeChat found, and change in
// the customer's purse.
func (s *Simulator) settlement(o *order, at time.Time) payment {
	return payment{
		transactionID: fmt.Sprintf("4200000215%s%010d", at.In(beijing).Format("20060102"), s.serial()),
		at:            at,
		openID:        cmp.Or(o.terms.openID, "o"+s.dice.text(base64, 27)),
		bankType:      "OTHERS",
	}
}

// refundID draws WeChat's number of a refund: 29 digits with the date in them.
func (s *Simulator) refundID() string {
	return fmt.Sprintf("5000040894%s%011d", s.cfg.Now().In(beijing).Format("20060102"), s.serial())
}

// customersPurse is where a refund goes that was paid out of the customer's change.
const customersPurse = "支付用户零钱"

// untilHeard are the pauses between the notifies of APIv2 and APIv3 (document, "payment
// notify"): fifteen repeats in 24 hours and four minutes.
func untilHeard() []time.Duration {
	const s, m, h = time.Second, time.Minute, time.Hour
	return []time.Duration{
		15 * s, 15 * s, 30 * s, 3 * m, 10 * m, 20 * m, 30 * m, 30 * m, 30 * m, 60 * m,
		3 * h, 3 * h, 3 * h, 6 * h, 6 * h,
	}
}
