package console

import (
	"slices"
	"time"

	"settled"
)

// situation is all that decides why a payment stands where it stands.
type situation struct {
	payment settled.Payment
	refunds []settled.Refund
	flags   []settled.Flag // that wait for a person
	closing bool           // an operator has asked for it to be closed
	now     time.Time
}

// overdueAfter is how late the workers may be before it is worth a word.
const overdueAfter = time.Minute

// because is one rule: when it holds, and what it says then.
type because struct {
	when func(situation) bool
	say  func(situation) sentence
}

// open are the rules that those of both open states begin with.
var open = []because{
	{situation.flagged, flaggedAs("open.flagged")},
	{situation.disputed, disputedAs("open.disputed")},
	{situation.overdue, always("open.overdue")},
	{both(situation.asked, situation.troubled), troubledAs("closing.trouble")},
	{situation.asked, always("closing.waits")},
	{both(situation.expired, situation.troubled), troubledAs("expired.trouble")},
	{situation.expired, always("expired.waits")},
}

// reasons are the rules for each state. The first that holds speaks, and the last of each
// always holds.
var reasons = map[settled.Status][]because{
	settled.StatusRequested: append(slices.Clone(open),
		because{situation.troubled, troubledAs("requested.trouble")},
		because{anyway, always("requested.waits")},
	),
	settled.StatusPrepared: append(slices.Clone(open),
		because{situation.troubled, troubledAs("prepared.trouble")},
		because{anyway, always("prepared.waits")},
	),
	settled.StatusCompleted: {
		{situation.flagged, flaggedAs("completed.flagged")},
		{refundIs(stuckRefund), always("completed.refund_abnormal")},
		{refundIs(refusedRefund), always("completed.refund_failed")},
		{refundIs(openRefund), amounts("completed.refunding")},
		{situation.acknowledgeTroubled, troubledAs("completed.acknowledge_trouble")},
		{situation.due, always("completed.acknowledging")},
		{situation.givenBack, always("completed.refunded")},
		{situation.partlyGivenBack, amounts("completed.refunded_part")},
		{situation.troubled, always("completed.never_acknowledged")},
		{situation.late, always("completed.late")},
		{situation.found, always("completed.query")},
		{anyway, always("completed.notify")},
	},
	settled.StatusClosed: {
		{situation.flagged, flaggedAs("closed.flagged")},
		{situation.disputed, disputedAs("closed.disputed")},
		{situation.overdue, always("closed.overdue")},
		{both(situation.due, situation.troubled), troubledAs("closed.trouble")},
		{both(situation.due, situation.byRequest), always("closed.requested_care")},
		{situation.due, always("closed.expired_care")},
		{situation.byRequest, always("closed.requested")},
		{anyway, always("closed.expired")},
	},
	settled.StatusFailed: {
		{situation.flagged, flaggedAs("failed.flagged")},
		{anyway, func(s situation) sentence { return say("failed", "code", short(s.payment.Failure.Code)) }},
	},
}

// reason says in one sentence why the payment stands where it stands.
func reason(s situation) sentence {
	for _, b := range reasons[s.payment.Status] {
		if b.when(s) {
			return b.say(s)
		}
	}
	return say("state.unknown")
}

func anyway(situation) bool { return true }

func both(a, b func(situation) bool) func(situation) bool {
	return func(s situation) bool { return a(s) && b(s) }
}

func always(key word) func(situation) sentence {
	return func(situation) sentence { return say(key) }
}

func flaggedAs(key word) func(situation) sentence {
	return func(s situation) sentence { return say(key, "flag", flagWord(s.flags[0].Reason)) }
}

func disputedAs(key word) func(situation) sentence {
	return func(s situation) sentence { return say(key, "flag", flagWord(s.trouble().flag)) }
}

func troubledAs(key word) func(situation) sentence {
	return func(s situation) sentence { return say(key, "trouble", s.trouble().told(s.payment.Attempts)) }
}

func amounts(key word) func(situation) sentence {
	return func(s situation) sentence {
		held := settled.Money{Total: s.payment.Refunding, Currency: s.payment.Amount.Currency}
		return say(key, "amount", yuan(held), "total", yuan(s.payment.Amount))
	}
}

func (s situation) flagged() bool  { return len(s.flags) > 0 }
func (s situation) asked() bool    { return s.closing }
func (s situation) troubled() bool { return s.payment.Trouble != "" }
func (s situation) disputed() bool { return s.troubled() && s.trouble().flag != "" }
func (s situation) due() bool      { return !s.payment.DueAt.IsZero() }
func (s situation) late() bool     { return s.payment.Late }
func (s situation) found() bool    { return s.payment.Source == settled.FromQuery }
func (s situation) expired() bool  { return !s.now.Before(s.payment.ExpiresAt) }
func (s situation) overdue() bool  { return s.due() && s.now.Sub(s.payment.DueAt) > overdueAfter }

func (s situation) byRequest() bool           { return s.payment.CloseReason == settled.Requested }
func (s situation) acknowledgeTroubled() bool { return s.due() && s.troubled() }

func (s situation) givenBack() bool { return s.payment.Refunding == s.payment.Amount.Total }

func (s situation) partlyGivenBack() bool { return s.payment.Refunding > 0 }

// usualDeeds is what the workers do with a payment when its trouble does not say.
var usualDeeds = map[settled.Status]word{
	settled.StatusRequested: "deed.prepay",
	settled.StatusPrepared:  "deed.query",
	settled.StatusClosed:    "deed.query",
	settled.StatusCompleted: "deed.acknowledge",
	settled.StatusFailed:    "deed.query",
}

func (s situation) trouble() trouble {
	return readTrouble(s.payment.Trouble, usualDeeds[s.payment.Status])
}

func refundIs(so func(settled.Refund, []settled.Refund) bool) func(situation) bool {
	return func(s situation) bool {
		for _, r := range s.refunds {
			if so(r, s.refunds) {
				return true
			}
		}
		return false
	}
}

func openRefund(r settled.Refund, _ []settled.Refund) bool { return r.Status.Open() }

// stuckRefund is one that WeChat could not pay out, and that may still leave.
func stuckRefund(r settled.Refund, _ []settled.Refund) bool {
	return r.Status == settled.RefundFailed && r.Held
}

// refusedRefund is one of which nothing was paid out, and that nobody has asked for anew.
func refusedRefund(r settled.Refund, all []settled.Refund) bool {
	if r.Status != settled.RefundFailed || r.Held {
		return false
	}
	for _, other := range all {
		if other.CreatedAt.After(r.CreatedAt) {
			return false
		}
	}
	return true
}

// refundReason says in one sentence why a refund stands where it stands.
func refundReason(r settled.Refund, now time.Time) sentence {
	switch {
	case r.Status == settled.RefundCompleted:
		return say("refund.completed")
	case stuckRefund(r, nil):
		return say("refund.abnormal")
	case r.Status == settled.RefundFailed:
		return say("refund.failed", "code", short(r.Failure.Code))
	case !r.DueAt.IsZero() && now.Sub(r.DueAt) > overdueAfter:
		return say("refund.overdue")
	case r.Trouble != "":
		usual := word("deed.refund")
		if r.Status == settled.RefundAccepted {
			usual = "deed.query_refund"
		}
		return say("refund.trouble", "trouble", readTrouble(r.Trouble, usual).told(r.Attempts))
	case r.Status == settled.RefundAccepted:
		return say("refund.accepted")
	default:
		return say("refund.requested")
	}
}
