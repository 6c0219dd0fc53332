package store_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// audited runs every check and returns the breaks, each as a line without its detail's
// numbers, and how many rows each check looked at.
func audited(t *testing.T, s *store.Store) (breaks []string, lookedAt map[settled.Check]int) {
	t.Helper()
	lookedAt = map[settled.Check]int{}
	err := s.Audit(t.Context(), 10*time.Minute, func(a settled.Audited) {
		lookedAt[a.Check] += a.LookedAt
		for _, b := range a.Breaks {
			breaks = append(breaks, fmt.Sprintf("%s %s %s%s: %s", b.Check, b.Merchant, b.OrderID, b.RefundID, b.Detail))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return breaks, lookedAt
}

// everyState is a payment in each state, completed ones with refunds in each state.
func everyState(t *testing.T, s *store.Store) {
	t.Helper()
	record(t, s, request("requested"))
	arrive(t, s, "prepared", settled.FactPrepared)
	arrive(t, s, "renewed", settled.FactPrepared, settled.FactRenewed)
	arrive(t, s, "closed", settled.FactPrepared, settled.FactClosed)
	arrive(t, s, "failed", settled.FactRefused)
	arrive(t, s, "late", settled.FactClosed, settled.FactPaid)
	p := paid(t, s, "completed")
	for i, facts := range [][]settled.RefundFact{
		{}, {settled.RefundFactAccepted}, {settled.RefundFactAccepted, settled.RefundFactRefunded}, {settled.RefundFactRefused},
		{settled.RefundFactRefused, settled.RefundFactRefunded},
	} {
		r := refundOf(p, fmt.Sprintf("-r%d", i), 100)
		if _, err := s.RecordRefund(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		for _, fact := range facts {
			m := refundMoveOf(r, fact, fact != settled.RefundFactRefused)
			if moved, err := s.MoveRefund(t.Context(), m); err != nil || !moved {
				t.Fatalf("MoveRefund = %t, %v", moved, err)
			}
			r.Status = m.To
		}
	}
	if _, err := s.Tell(t.Context(), flagOf(p, "t1")); err != nil {
		t.Fatal(err)
	}
}

func TestACleanDatabaseAuditsClean(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	everyState(t, s)
	breaks, lookedAt := audited(t, s)
	if len(breaks) > 0 {
		t.Errorf("breaks %q", breaks)
	}
	want := map[settled.Check]int{settled.CheckCompletedOnce: 7, settled.CheckHistory: 7, settled.CheckRefunds: 7 + 5, settled.CheckAsTold: 7 + 5, settled.CheckStill: 7 + 5 + 16}
	if diff := cmp.Diff(want, lookedAt); diff != "" {
		t.Errorf("looked at (-want +got):\n%s", diff)
	}
}

// Each break is made beneath the store, where no constraint and no trigger is left, and is
// the only one that is told.
func TestAnAuditTellsExactlyWhatIsBroken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ breaks, told string }{
		"completed and never told": {
			`update events set type = 'payment.flagged' where order_id = 'completed' and type = 'payment.completed'`,
			"completed_once classic completed: it is completed, and 0 payment.completed in its history",
		},
		"completed and told twice": {
			`update events set type = 'payment.completed' where order_id = 'completed' and type = 'payment.flagged'`,
			"completed_once classic completed: it is completed, and 2 payment.completed in its history",
		},
		"told and not completed": {
			`update events set type = 'payment.completed' where order_id = 'closed' and type = 'payment.closed'`,
			"completed_once classic closed: it is closed, and 1 payment.completed in its history",
		},
		"a gap in a history": {
			`update events set version = version + 1 where order_id = 'prepared' and version = 2;
			update payments set version = 3 where order_id = 'prepared'`,
			"history classic prepared: the history has a gap before version 3",
		},
		"a history that has lost its end": {
			`delete from events where order_id = 'completed' and type = 'payment.flagged'`,
			"history classic completed: the history ends at version 13, and the payment is at 14",
		},
		"no history at all": {
			`delete from events where order_id = 'requested'`,
			"history classic requested: the history ends at version 0, and the payment is at 1",
		},
		"a move that begins elsewhere": {
			`update events set from_status = 'requested', fact = 'prepared' where order_id = 'renewed' and fact = 'renewed'`,
			"history classic renewed: version 3 of the history begins where the move before it did not end",
		},
		"a first move that begins elsewhere": {
			`update events set from_status = 'prepared' where order_id = 'failed' and version = 2`,
			"history classic failed: version 2 of the history begins where the move before it did not end",
		},
		"a payment that stands elsewhere": {
			`update payments set status = 'failed' where order_id = 'closed'`,
			"history classic closed: the history leads to closed, and the payment is failed",
		},
		"a sum that is not held": {
			`update payments set refunding = refunding - 1 where order_id = 'completed'`,
			"refunds classic completed: it counts 399 fen as given back, and its refunds hold 400",
		},
		"more than was paid": {
			`update refunds set amount = total where refund_id = '-r1';
			update payments set refunding = 2299 where order_id = 'completed'`,
			"refunds classic completed: 2299 fen are given back of 1999",
		},
		"a refund of what was not paid": {
			`update refunds set payment_id = (select id from payments where order_id = 'closed'), order_id = 'closed' where refund_id = '-r3'`,
			"refunds classic closed: it has 1 refunds, and is closed",
		},
		"a refund of another order": {
			`update refunds set order_id = 'another' where refund_id = '-r1'`,
			"refunds classic another-r1: it is of order classic/completed",
		},
		"a refund of another total": {
			`update refunds set total = 2000 where refund_id = '-r1'`,
			"refunds classic completed-r1: it is for a payment of 2000 CNY, which was of 1999 CNY",
		},
		"a refund of nothing": {
			`update refunds set amount = 0 where refund_id = '-r3'`,
			"refunds classic completed-r3: it gives back 0 fen of 1999",
		},
		"a refund that was never told": {
			`update events set type = 'refund.other' where type = 'refund.accepted' and refund_id = (select id from refunds where refund_id = '-r1')`,
			"refunds classic completed-r1: it is accepted, and 0 refund.accepted in its history",
		},
		"a refund that was told too early": {
			`update events set type = 'refund.completed' where type = 'refund.recorded' and refund_id = (select id from refunds where refund_id = '-r1')`,
			"refunds classic completed-r1: it is accepted, and refund.completed in its history",
		},
		"a payment that nobody will look at": {
			`update payments set due_at = null where order_id = 'prepared'`,
			"still classic prepared: it is prepared, and nobody will look at it",
		},
		"a refund that nobody will look at": {
			`update refunds set due_at = null where refund_id = '-r0'`,
			"still classic completed-r0: it is requested, and nobody will look at it",
		},
		"a payment that stands still": {
			`set timezone to 'UTC'; update payments set due_at = '2020-01-02 03:04:05Z' where order_id = 'prepared'`,
			"still classic prepared: it is prepared, and should have been looked at at 2020-01-02 03:04:05+00",
		},
		"a refund that stands still": {
			`update refunds set due_at = '2020-01-02 03:04:05Z' where refund_id = '-r1'`,
			"still classic completed-r1: it is accepted, and should have been looked at at 2020-01-02 03:04:05+00",
		},
		"an event that waits": {
			`update outbox set queued = '2020-01-02 03:04:05Z' where event_id = (select id from events where order_id = 'prepared' and not private)`,
			"still classic prepared: payment.prepared waits to be published since 2020-01-02 03:04:05+00",
		},
		"a payment that is not long overdue": {
			`update payments set due_at = now() - interval '9 minutes' where order_id = 'prepared'`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			if test.told != "" {
				want = []string{test.told}
			}
			if diff := cmp.Diff(want, tampered(t, test.breaks)); diff != "" {
				t.Errorf("breaks (-want +got):\n%s", diff)
			}
		})
	}
}

// tampered is what an audit tells of every state, once a statement has written beneath it.
func tampered(t *testing.T, statement string) (breaks []string) {
	t.Helper()
	address := storetest.URL(t) + "&timezone=UTC"
	s := storetest.Open(t, address)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	everyState(t, s)
	db := storetest.DB(t, address)
	lawless(t, db)
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	breaks, _ = audited(t, s)
	return breaks
}

// What has completed is held against the event that told it, whichever of the two somebody
// has changed; times are the same in every zone, and their fractions are not told.
func TestAnAuditTellsWhatDoesNotStandAsItWasTold(t *testing.T) {
	t.Parallel()
	const (
		paid = "as_told classic late: payment.completed tells "
		back = "as_told classic completed-r2: refund.completed tells "
		then = "as_told classic late: payment.completed tells paid_at %s, and the row has %s"
	)
	row := func(set string) string { return "update payments set " + set + " where order_id = 'late';" }
	refund := func(set string) string { return "update refunds set " + set + " where refund_id = '-r2';" }
	completed := func(old, text string) string {
		return fmt.Sprintf(`update events set data = regexp_replace(data::text, '%s', '%s')::json
			where type = 'payment.completed' and order_id = 'late';`, old, text)
	}
	refunded := func(old, text string) string {
		return fmt.Sprintf(`update events set data = regexp_replace(data::text, '%s', '%s')::json
			where type = 'refund.completed' and refund_id = (select id from refunds where refund_id = '-r2');`, old, text)
	}
	paidAt := func(text string) string { return completed(`"paid_at": "[^"]*"`, fmt.Sprintf(`"paid_at": %q`, text)) }
	for name, test := range map[string]struct {
		breaks string
		told   []string
	}{
		"the row's amount":      {row(`amount_total = 2999`), []string{paid + "amount.total 1999, and the row has 2999"}},
		"the row's currency":    {row(`currency = 'USD'`), []string{paid + "amount.currency CNY, and the row has USD"}},
		"the row's transaction": {row(`transaction_id = 'another'`), []string{paid + "transaction_id 1900000109201306060282555397, and the row has another"}},
		"the row's source":      {row(`source = 'query'`), []string{paid + "source notify, and the row has query"}},
		"the row's late":        {row(`late = false`), []string{paid + "late true, and the row has false"}},
		"the row's time": {
			row(`paid_at = '2026-11-23T04:12:08Z'`) + paidAt("2026-11-23T12:12:07+08:00"),
			[]string{fmt.Sprintf(then, "2026-11-23T12:12:07+08:00", "2026-11-23T12:12:08+08:00")},
		},
		"a row without a time": {
			row(`paid_at = null`) + paidAt("2026-11-23T12:12:07+08:00"), []string{fmt.Sprintf(then, "2026-11-23T12:12:07+08:00", "none")},
		},
		"a row of which nothing is left": {
			row(`transaction_id = '', source = ''`),
			[]string{paid + "transaction_id 1900000109201306060282555397, and the row has none", paid + "source notify, and the row has none"},
		},
		"the told amount":      {completed(`1999`, `2999`), []string{paid + "amount.total 2999, and the row has 1999"}},
		"the told currency":    {completed(`CNY`, `USD`), []string{paid + "amount.currency USD, and the row has CNY"}},
		"the told transaction": {completed(`1900000109`, `4200000109`), []string{paid + "transaction_id 4200000109201306060282555397, and the row has 1900000109201306060282555397"}},
		"the told source":      {completed(`notify`, `query`), []string{paid + "source query, and the row has notify"}},
		"the told late":        {completed(`true`, `false`), []string{paid + "late false, and the row has true"}},
		"late is not told":     {completed(`, "late": true`, ``), []string{paid + "late none, and the row has true"}},
		"a day that is none": {
			row(`paid_at = '2026-11-23T04:12:07Z'`) + paidAt("2026-02-30T12:12:07+08:00"),
			[]string{fmt.Sprintf(then, "2026-02-30T12:12:07+08:00", "2026-11-23T12:12:07+08:00")},
		},
		"an hour of no day": {
			row(`paid_at = '2026-11-23T04:12:07Z'`) + paidAt("12:12:07+08:00"),
			[]string{fmt.Sprintf(then, "12:12:07+08:00", "2026-11-23T12:12:07+08:00")},
		},
		"the same time in another zone": {row(`paid_at = '2026-11-23T04:12:07Z'`) + paidAt("2026-11-23T04:12:07Z"), nil},
		"the same time more exactly":    {row(`paid_at = '2026-11-23T04:12:07.9Z'`) + paidAt("2026-11-23T05:12:07.900+01:00"), nil},
		"a body that says less":         {completed(`"n": 1.50, `, ``), nil},
		"the refund's row's amount": {
			refund(`amount = 200`) + `update payments set refunding = 500 where order_id = 'completed'`,
			[]string{back + "amount.refund 100, and the row has 200"},
		},
		"the refund's row's number": {refund(`wechat_refund_id = 'another'`), []string{back + "wechat_refund_id w-r2, and the row has another"}},
		"the refund's row's time": {
			refund(`refunded_at = '2026-11-23T04:12:08Z'`) + refunded(`"refunded_at": "[^"]*"`, `"refunded_at": "2026-11-23T12:12:07+08:00"`),
			[]string{back + "refunded_at 2026-11-23T12:12:07+08:00, and the row has 2026-11-23T12:12:08+08:00"},
		},
		"the told refund":            {refunded(`100`, `1`), []string{back + "amount.refund 1, and the row has 100"}},
		"the told total of a refund": {refunded(`1999`, `2999`), []string{back + "amount.total 2999, and the row has 1999"}},
		"the told number":            {refunded(`w-r2`, `w-r3`), []string{back + "wechat_refund_id w-r3, and the row has w-r2"}},
		"a body that is no object": {refund(`refunded_at = '2026-11-23T04:12:07Z'`) + refunded(`^.*$`, `[]`), []string{
			back + "amount.refund none, and the row has 100", back + "amount.total none, and the row has 1999",
			back + "amount.currency none, and the row has CNY", back + "wechat_refund_id none, and the row has w-r2",
			back + "refunded_at none, and the row has 2026-11-23T12:12:07+08:00",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			breaks := tampered(t, test.breaks)
			if diff := cmp.Diff(test.told, breaks); diff != "" {
				t.Errorf("breaks (-want +got):\n%s", diff)
			}
		})
	}
}

// lawless takes every constraint and trigger away.
func lawless(t *testing.T, db *sql.DB) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), `
		do $$
		declare c record;
		begin
			for c in select conrelid::regclass as place, conname from pg_constraint
				where connamespace = current_schema()::regnamespace and contype in ('c', 'f')
				and conrelid in ('payments'::regclass, 'refunds'::regclass, 'events'::regclass)
			loop
				execute format('alter table %s drop constraint %I', c.place, c.conname);
			end loop;
			alter table payments disable trigger user;
			alter table refunds disable trigger user;
		end $$`)
	if err != nil {
		t.Fatal(err)
	}
}

// An audit of more than a page looks at every row once.
func TestAnAuditTurnsEveryPage(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	db := storetest.DB(t, address)
	_, err := db.ExecContext(t.Context(), `
		with made as (
			insert into payments (id, merchant, order_id, trade_type, amount_total, currency, description, client_ip,
				payer_openid, attach, metadata, expires_at, fingerprint, prepay_request, due_at)
			select gen_random_uuid(), 'classic', 'order' || n, 'APP', 1, 'CNY', '', '', '', '', '{}', now(), '', '', now()
			from generate_series(1, 2000) n returning id, order_id
		)
		insert into events (id, payment_id, version, type, merchant, order_id, at, data, private)
		select gen_random_uuid(), id, 1, 'payment.recorded', 'classic', order_id, now(), '{}', true from made where order_id <> 'order77'`)
	if err != nil {
		t.Fatal(err)
	}
	breaks, lookedAt := audited(t, s)
	if lookedAt[settled.CheckHistory] != 2000 || len(breaks) != 1 {
		t.Errorf("looked at %v, breaks %q", lookedAt, breaks)
	}
}

func TestPublishedAreTheEventsThatHaveLeftTheOutbox(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	begin := time.Now().Add(-time.Minute)
	var want [][16]byte
	for i := range 3 {
		p := arrive(t, s, fmt.Sprintf("order%03d", i), settled.FactPaid)
		want = append(want, uuid.MustParse(settled.EventID("payment.completed", p.ID)))
	}
	drain(t, s)
	waiting := arrive(t, s, "waiting01", settled.FactPaid)
	var ids [][16]byte
	place, more := settled.EventPlace{At: begin}, true
	for more {
		var page [][16]byte
		var err error
		if page, place, more, err = s.Published(t.Context(), "payment.completed", place, 2); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, page...)
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if none, _, _, err := s.Published(t.Context(), "payment.completed", settled.EventPlace{At: time.Now().Add(time.Hour)}, 2); err != nil || len(none) > 0 {
		t.Errorf("of the future: %v, %v", none, err)
	}
	asked := append(want[:1:1], uuid.MustParse(settled.EventID("payment.completed", waiting.ID)), uuid.New())
	lost, err := s.Unpublished(t.Context(), asked)
	if err != nil || len(lost) != 1 || lost[0].OrderID != "order000" {
		t.Errorf("Unpublished = %+v, %v", lost, err)
	}
}

func TestCommittedIsWhatTheRowsSay(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	everyState(t, s)
	p, err := s.Payment(t.Context(), "classic", "completed")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Refund(t.Context(), "classic", "-r2")
	if err != nil {
		t.Fatal(err)
	}
	completed := settled.EventID("payment.completed", p.ID)
	known, err := s.Committed(t.Context(), []settled.Publication{
		{ID: "no uuid", Merchant: "classic", OrderID: "completed"},
		{ID: settled.EventID("refund.completed", r.ID), Merchant: "classic", OrderID: "completed"},
		{ID: completed, Merchant: "\x00", OrderID: "completed"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []settled.Committed{
		{Completed: completed, Payment: p.Amount},
		{Type: "refund.completed", Merchant: "classic", OrderID: "completed", Completed: completed, Payment: p.Amount, Refund: 100},
		{Type: "payment.completed", Merchant: "classic", OrderID: "completed"},
	}
	if diff := cmp.Diff(want, known); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
}
