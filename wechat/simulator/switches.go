package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Switches says how WeChat misbehaves. A plain number is the probability, 0 to 1, that
// the fault happens each time it could. The zero value behaves well.
type Switches struct {
	Notify  NotifySwitches  `json:"notify"`
	Gateway GatewaySwitches `json:"gateway"`
}

// NotifySwitches are the faults of notifies, of payments and of refunds. The first four are
// drawn once for each payment or refund, the others for each notify that is sent.
type NotifySwitches struct {
	Silent     float64  `json:"silent"`       // no notify is ever sent
	Late       float64  `json:"late"`         // the first notify comes LateBy after the payment
	LateBy     Duration `json:"late_by"`      // default 30s
	Double     float64  `json:"double"`       // the first notify comes in Copies at once
	Copies     int      `json:"copies"`       // default 2
	OutOfOrder float64  `json:"out_of_order"` // the first notify waits until another payment's was sent

	WrongAmount    float64 `json:"wrong_amount"`    // one fen too many, signed all the same
	WrongSignature float64 `json:"wrong_signature"` // under the legacy API that of the order or that of the body
	ForeignPartner float64 `json:"foreign_partner"` // another merchant's number, signed all the same
	Probe          float64 `json:"probe"`           // APIv3's WECHATPAY/SIGNTEST/ in place of a signature, the first time; the real one follows
}

// GatewaySwitches are the faults of what merchants call.
type GatewaySwitches struct {
	Slow           float64  `json:"slow"`            // everything below happens SlowBy later
	SlowBy         Duration `json:"slow_by"`         // default 1s
	Down           float64  `json:"down"`            // 503, nothing is done
	MainDown       float64  `json:"main_down"`       // the same at the main host alone
	BackupDown     float64  `json:"backup_down"`     // the same at the backup host alone
	RateLimited    float64  `json:"rate_limited"`    // the protocol's "too often", nothing is done
	ErrorRate      float64  `json:"error_rate"`      // 500 or the protocol's "system busy", nothing is done
	CutConnection  float64  `json:"cut_connection"`  // no answer, nothing is done
	TokenRefused   float64  `json:"token_refused"`   // the call's access token is no longer good, as if somebody had fetched another
	AnswerLost     float64  `json:"answer_lost"`     // no answer, but everything is done
	WrongSignature float64  `json:"wrong_signature"` // that of the answer (V2 and V3), but everything is done
	Unsigned       float64  `json:"unsigned"`        // APIv3's answer without a signature, but everything is done
	Probe          float64  `json:"probe"`           // APIv3's WECHATPAY/SIGNTEST/ in place of the answer's signature, but everything is done

	// How a refund ends that was accepted, drawn once for each.
	RefundHangs    float64 `json:"refund_hangs"`    // never
	RefundFails    float64 `json:"refund_fails"`    // it is closed
	RefundAbnormal float64 `json:"refund_abnormal"` // it can't be paid out
	RefundAtOnce   float64 `json:"refund_at_once"`  // before the request is answered, instead of after RefundAfter

	// What is wrong with a daily bill, drawn for each of its rows.
	BillMisses      float64 `json:"bill_misses"`       // the row is not there
	BillWrongAmount float64 `json:"bill_wrong_amount"` // one fen too many
}

// Duration is a time.Duration that is written "1m30s" in JSON.
type Duration time.Duration

// MarshalText writes the duration as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

func (s Switches) withDefaults() Switches {
	s.Notify.LateBy = cmp.Or(s.Notify.LateBy, Duration(30*time.Second))
	s.Notify.Copies = cmp.Or(s.Notify.Copies, 2)
	s.Gateway.SlowBy = cmp.Or(s.Gateway.SlowBy, Duration(time.Second))
	return s
}

// maxCopies keeps a mistyped number from flooding the merchant.
const maxCopies = 100

func (s Switches) validate() error {
	for _, p := range []struct {
		name  string
		value float64
	}{
		{"notify.silent", s.Notify.Silent},
		{"notify.late", s.Notify.Late},
		{"notify.double", s.Notify.Double},
		{"notify.out_of_order", s.Notify.OutOfOrder},
		{"notify.wrong_amount", s.Notify.WrongAmount},
		{"notify.wrong_signature", s.Notify.WrongSignature},
		{"notify.foreign_partner", s.Notify.ForeignPartner},
		{"notify.probe", s.Notify.Probe},
		{"gateway.slow", s.Gateway.Slow},
		{"gateway.down", s.Gateway.Down},
		{"gateway.main_down", s.Gateway.MainDown},
		{"gateway.backup_down", s.Gateway.BackupDown},
		{"gateway.rate_limited", s.Gateway.RateLimited},
		{"gateway.error_rate", s.Gateway.ErrorRate},
		{"gateway.cut_connection", s.Gateway.CutConnection},
		{"gateway.token_refused", s.Gateway.TokenRefused},
		{"gateway.answer_lost", s.Gateway.AnswerLost},
		{"gateway.wrong_signature", s.Gateway.WrongSignature},
		{"gateway.unsigned", s.Gateway.Unsigned},
		{"gateway.probe", s.Gateway.Probe},
		{"gateway.refund_hangs", s.Gateway.RefundHangs},
		{"gateway.refund_fails", s.Gateway.RefundFails},
		{"gateway.refund_abnormal", s.Gateway.RefundAbnormal},
		{"gateway.refund_at_once", s.Gateway.RefundAtOnce},
		{"gateway.bill_misses", s.Gateway.BillMisses},
		{"gateway.bill_wrong_amount", s.Gateway.BillWrongAmount},
	} {
		if !(p.value >= 0 && p.value <= 1) {
			return fmt.Errorf("%s must be 0 to 1, is %v", p.name, p.value)
		}
	}
	switch {
	case s.Notify.LateBy < 0, s.Gateway.SlowBy < 0:
		return errors.New("notify.late_by and gateway.slow_by must not be negative")
	case s.Notify.Copies < 1, s.Notify.Copies > maxCopies:
		return fmt.Errorf("notify.copies must be 1 to %d, is %d", maxCopies, s.Notify.Copies)
	}
	return nil
}
