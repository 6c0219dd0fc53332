package main

// mutant is one planted bug: in file, the text old is replaced by text, and the tests
// whose names match run, in package room, must fail for it.
type mutant struct {
	name  string
	means string // what the program does wrong
	file  string
	old   string // stands in file exactly once
	text  string
	room  string
	run   string
}

// mutants are the bugs with which payment systems lose money, one in each.
var mutants = []mutant{
	{
		"ack-before-commit", "a message is acknowledged before its handler has committed anything",
		"events/bus/handle.go",
		"\trelease := c.alive.keep(m)\n",
		"\t_ = m.Ack()\n\trelease := c.alive.keep(m)\n",
		"./events/bus", "TestHeldMessagesStayInHand|TestLaterComesAgainAfterItsDelay",
	},
	{
		"give-up-before-grave", "a message that nobody can process is given up before it is stored as a dead letter",
		"events/bus/dead.go",
		"\tif err := b.publish(ctx, letter); err != nil {\n",
		"\t_ = m.Term()\n\tif err := b.publish(ctx, letter); err != nil {\n",
		"./events/bus", "TestALetterThatCanNotBeStoredIsNotGivenUp",
	},
	{
		"publish-before-commit", "an event is published before the move that it tells of is committed",
		"workers/move.go",
		"\t\tmoved, err := w.cfg.Ledger.Move(ctx, m)\n",
		"\t\tw.publish(ctx, []settled.Event{m.Event})\n\t\tmoved, err := w.cfg.Ledger.Move(ctx, m)\n",
		"./workers", "TestNothingIsToldBeforeItsCommit",
	},
	{
		"success-before-commit", "WeChat hears success when the stream has the notify, and not when PostgreSQL has it",
		"ingress/notify.go",
		"\tif err != nil || in.cfg.Stored {\n",
		"\tif err != nil || !in.cfg.Stored {\n",
		"./ingress", "TestANotifyThatIsNotCommittedIsNotAnsweredWithSuccess",
	},
	{
		"reply-before-commit", "the waiting ingress is told before the notify is worked on",
		"workers/finalize.go",
		"\tif err := w.hear(ctx, m, n.Merchant, news); err != nil {\n",
		"\tw.reply(ctx, m, events.ReplyCommitted, struct{}{})\n\tif err := w.hear(ctx, m, n.Merchant, news); err != nil {\n",
		"./workers", "TestNothingIsToldBeforeItsCommit",
	},
	{
		"unguarded-move", "a move is applied wherever the row stands",
		"store/move.go",
		"where p.id = m.payment_id and p.status = m.from_status\n",
		"where p.id = m.payment_id\n",
		"./store", "TestAMoveHasOneWinner|TestWhatCallersHearOfAPaymentIsLinearizable",
	},
	{
		"unguarded-delay", "a delay overwrites a payment that has moved meanwhile",
		"store/due.go",
		"where p.id = d.payment_id and p.status = d.status\n",
		"where p.id = d.payment_id\n",
		"./store", "TestADelayLeavesAMovedPaymentAlone",
	},
	{
		"event-told-twice", "an event that is known already is told once more",
		"store/events.go",
		"\t\t\t\twhere not exists (select from events e where e.id = t.event_id)\n",
		"\n",
		"./store", "TestAnEventIsToldOnce",
	},
	{
		"no-cursor-safety", "the relay forgets everything up to the last event that it read, and with it what was committed late",
		"store/relay.go",
		"delete from outbox where id = any($1)",
		"delete from outbox where id <= (select max(i) from unnest($1::bigint[]) i)",
		"./store", "TestAnEventThatIsCommittedLateIsPublished|TestWhatWasNotPublishedStays",
	},
	{
		"published-or-not", "an event that could not be published leaves the outbox all the same",
		"store/relay.go",
		"\t\t\tfailed = err\n\t\t\tcontinue\n",
		"\t\t\tfailed = err\n",
		"./store", "TestWhatWasNotPublishedStays",
	},
	{
		"two-relays", "several relays are at work at once, and events of a payment overtake each other",
		"store/relay.go",
		"where name = $1 for update skip locked",
		"where name = $1",
		"./store", "TestOneRelayIsAtWorkAtATime",
	},
	{
		"order-lost", "after an event of a payment failed, its later ones are published",
		"events/bus/publish.go",
		"\t\t\tcase failed[order]:\n",
		"\t\t\tcase false:\n",
		"./events/bus", "TestAfterAFailureTheLaterEventsOfTheOrderWait",
	},
	{
		"timeout-as-failure", "a call to WeChat that timed out counts as refused",
		"workers/prepare.go",
		"\tdefault:\n\t\treturn w.tryLater(ctx, p, err, p.ExpiresAt)\n",
		"\tdefault:\n\t\treturn w.refused(ctx, p, &settled.Refusal{Code: \"TIMEOUT\"}, tell)\n",
		"./workers", "TestAnUnknownOutcomeSendsTheSameBytesAgain",
	},
	{
		"unknown-as-unpaid", "a payment is closed although WeChat gave no answer",
		"workers/reconcile.go",
		"\t\treturn w.askLater(ctx, p, fmt.Errorf(\"query order after its close: %w\", err))\n",
		"\t\treturn w.close(ctx, p, settled.Expired)\n",
		"./workers", "TestWhatExpiryHears",
	},
	{
		"close-unasked", "a payment is closed without another question after the close",
		"workers/reconcile.go",
		"\t\treturn w.expire(ctx, p, gateway)\n",
		"\t\treturn w.close(ctx, p, settled.Expired)\n",
		"./workers", "TestExpiryAsksClosesAndAsksOnceMore|TestWhatExpiryHears",
	},
	{
		"late-money-lost", "money that comes after the close moves nothing",
		"move.go",
		"\t{StatusClosed, FactPaid, StatusCompleted},\n",
		"",
		".", "TestMoneyAlwaysWins",
	},
	{
		"amount-unchecked", "a notify of another amount completes the payment",
		"trade.go",
		"\tcase t.Amount.Total != p.Amount.Total:\n",
		"\tcase t.Amount.Total < 0:\n",
		".", "TestDisagreement",
	},
	{
		"second-money-unseen", "another transaction for a completed payment counts as a repeat",
		"workers/complete.go",
		"\tif reason, detail := settled.Disagreement(p, t); reason != \"\" {\n\t\treturn w.flag",
		"\tif reason, detail := settled.Disagreement(p, t); reason == \"-\" {\n\t\treturn w.flag",
		"./cmd/settled", "TestANotifyThatDisagreesIsFlagged|TestIndependentNotifies",
	},
	{
		"another-id", "an event has another ce-id each time that it is made",
		"event.go",
		"\tid := uuid.NewSHA1(eventSpace, []byte(name))\n",
		"\t_ = name\n\tid := uuid.New()\n",
		"./workers", "TestWhatNobodyRequestedIsFlaggedAfterAWhile|TestARenewalAtTheSameMomentIsOneEvent|TestAMoveWhoseCommitNobodyHeardOfIsFoundDone",
	},
	{
		"refund-timeout-as-failure", "a refund whose outcome is unknown counts as refused, and its amount as free",
		"workers/refund.go",
		"\t\treturn w.refundLater(ctx, r, fmt.Errorf(\"request refund: %w\", err))\n",
		"\t\trefusal = &settled.Refusal{Code: \"TIMEOUT\"}\n\t\treturn w.moveRefund(ctx, r, settled.RefundFactRefused, refusedRefund(refusal), tell)\n",
		"./workers", "TestARefundWhoseOutcomeIsUnknownIsSentAgainByteForByte",
	},
	{
		"accepted-as-refunded", "a refund that WeChat says nothing of any more is forgotten",
		"workers/refund.go",
		"\t\treturn w.refundLater(ctx, r, errors.New(\"WeChat accepted the refund, and says now that it does not know it\"))\n",
		"\t\treturn w.delayRefund(ctx, r, time.Time{}, errors.New(\"gone\"))\n",
		"./workers", "TestAnAcceptedRefundThatWeChatForgetsIsAskedAboutWithoutEnd",
	},
	{
		"half-a-signature", "a legacy notify counts as verified by one of its two signatures",
		"wechat/legacy/notify.go",
		"\tif err := customer.verify(c.PaySignKey); err != nil {\n\t\treturn Notify{}, err\n\t}\n",
		"",
		"./wechat", "TestNotifyIsUnverifiedIfAnythingIsWrong",
	},
	{
		"lease-for-nobody", "what is due is given to every worker that asks at the same moment",
		"store/due.go",
		"\t\t\tupdate payments p set due_at = now() + $4 * interval '1 millisecond', updated_at = now()\n",
		"\t\t\tupdate payments p set due_at = now() - $4 * interval '1 millisecond', updated_at = now()\n",
		"./store", "TestDuePaymentsBelongToOneAtATime",
	},
	{
		"outage-as-failure", "a database that is away counts as a failed handler, until the message is a dead letter",
		"workers/workers.go",
		"\t\t\treturn events.Hold(err)\n",
		"\t\t\treturn err\n",
		"./workers", "TestWithoutPostgreSQLEveryMessageIsKeptInHand",
	},
	{
		"subscriber-acts-twice", "a subscriber acts although its row says that it has acted",
		"subscribe/once.go",
		"\tif err != nil || !first {\n",
		"\tif err != nil || !first && err != nil {\n",
		"./subscribe", "TestManyMachinesAtOnceHaveOneEffect|TestEachOrderIsShippedOnceHoweverOftenItIsTold",
	},
	{
		"subscriber-acts-when-forgotten", "a subscriber acts on an event that is older than it can remember",
		"subscribe/once.go",
		"now() - $5::bigint * interval '1 second'",
		"now() - $5::bigint * interval '1 year'",
		"./subscribe", "TestForgettingDoesNothingTwice",
	},
	{
		"subscriber-acks-first", "a subscriber's event is acknowledged before its effect",
		"subscribe/work.go",
		"\tverdict := t.broken\n",
		"\t_ = t.Ack()\n\tverdict := t.broken\n",
		"./subscribe", "TestAProcessIsKilledAroundItsCommit|TestWhatFailsIsTriedAgainGrowingSlower",
	},
	{
		"subscriber-drops-unread", "what a subscriber can't read is ended before anybody has it",
		"subscribe/work.go",
		"\tparked := Parked{\n",
		"\t_ = t.Term()\n\tparked := Parked{\n",
		"./subscribe", "TestWhatCanNotBeReadIsParked",
	},
	{
		"subscriber-overtakes", "events overtake what another process still has in hand",
		"subscribe/turns.go",
		"\tif info.NumAckPending > len(r.relay.held) {\n",
		"\tif info.NumAckPending < 0 {\n",
		"./subscribe", "TestTheOrderSurvivesAChangeOfProcess|TestAProcessThatReadsInOrderIsKilled",
	},
}
