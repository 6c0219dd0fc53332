package simulator

import "sync/atomic"

// tally counts what can't be read off the orders without walking through all of them.
type tally struct {
	paid, chargedTwice, otherContent        atomic.Int64
	sent, acknowledged, abandoned, silenced atomic.Int64
	delivered, refused                      atomic.Int64

	refundsRequested, refundsAccepted, refundsCompleted, refundsFailed, refundedTwice atomic.Int64
}

// charged counts an order whose customer's money has been taken times times.
func (t *tally) charged(times int) {
	switch times {
	case 1:
		t.paid.Add(1)
	case 2:
		t.chargedTwice.Add(1)
	}
}

// refunded counts a refund that has ended, after which the customer has got the money of it
// times times, and all in all more than was paid if tooMuch.
func (t *tally) refunded(state RefundState, times int, tooMuch bool) {
	if state != RefundSucceeded {
		t.refundsFailed.Add(1)
		return
	}
	t.refundsCompleted.Add(1)
	if times > 1 || tooMuch {
		t.refundedTwice.Add(1)
	}
}

// Stats counts what has happened since the simulator was made.
type Stats struct {
	Orders               int64 `json:"orders"`
	Paid                 int64 `json:"paid"`
	ChargedTwice         int64 `json:"charged_twice"`         // orders that were paid more than once: 0, always
	OtherContent         int64 `json:"other_content"`         // prepays that were refused because their number was used with other content
	NotifiesSent         int64 `json:"notifies_sent"`         // repeats and copies included
	NotifiesAcknowledged int64 `json:"notifies_acknowledged"` // orders and refunds whose notify was answered with success
	NotifiesAbandoned    int64 `json:"notifies_abandoned"`    // orders and refunds whose notify was repeated to the end of the schedule, in vain
	NotifiesSilenced     int64 `json:"notifies_silenced"`     // orders and refunds whose notify a switch kept from being sent
	Delivered            int64 `json:"delivered"`             // orders of which the merchant said that the goods were delivered
	RefundsRequested     int64 `json:"refunds_requested"`     // repeats and those not accepted included
	RefundsAccepted      int64 `json:"refunds_accepted"`
	RefundsCompleted     int64 `json:"refunds_completed"`
	RefundsFailed        int64 `json:"refunds_failed"` // closed or abnormal; one that is mended afterwards is completed too
	RefundedTwice        int64 `json:"refunded_twice"` // refunds that gave the money back twice, or more than was paid: 0, always
	Refused              int64 `json:"refused"`        // calls of merchants that were answered with an error, faults not counted
}

// Stats returns the counts as they are now.
func (s *Simulator) Stats() Stats {
	return Stats{
		Orders:               int64(s.book.size()),
		Paid:                 s.tally.paid.Load(),
		ChargedTwice:         s.tally.chargedTwice.Load(),
		OtherContent:         s.tally.otherContent.Load(),
		NotifiesSent:         s.tally.sent.Load(),
		NotifiesAcknowledged: s.tally.acknowledged.Load(),
		NotifiesAbandoned:    s.tally.abandoned.Load(),
		NotifiesSilenced:     s.tally.silenced.Load(),
		Delivered:            s.tally.delivered.Load(),
		RefundsRequested:     s.tally.refundsRequested.Load(),
		RefundsAccepted:      s.tally.refundsAccepted.Load(),
		RefundsCompleted:     s.tally.refundsCompleted.Load(),
		RefundsFailed:        s.tally.refundsFailed.Load(),
		RefundedTwice:        s.tally.refundedTwice.Load(),
		Refused:              s.tally.refused.Load(),
	}
}
