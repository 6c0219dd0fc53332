package store

import (
	"context"
	"fmt"
	"time"

	"settled"
)

const (
	// auditPage is how many rows one statement of an audit looks at: a cold history of so
	// many payments is read in a fraction of the statement timeout.
	auditPage = 1000
	// firstID comes before every UUID, and before every row of the outbox.
	firstID = "00000000-0000-0000-0000-000000000000"
)

// audit is a check that is read off the database alone, page by page: page selects the
// rows that come after key $1, at most $2 of them, and broken what is wrong with those.
type audit struct {
	check  settled.Check
	first  string // comes before every key
	page   string
	broken string
}

// The pages of the audits.
const (
	paymentPage = `
		select p.id as key, p.* from payments p
		where p.id > $1::uuid order by p.id limit $2`
	refundPage = `
		select r.id as key, r.* from refunds r
		where r.id > $1::uuid order by r.id limit $2`
	outboxPage = `
		select o.id as key, o.event_id, o.queued, e.type, e.merchant, e.order_id from outbox o left join events e on e.id = o.event_id
		where o.id > $1::bigint order by o.id limit $2`
)

// wireTime is a time as events tell it, whose text can be compared.
func wireTime(at string) string {
	return `to_char(` + at + ` at time zone interval '8 hours', 'YYYY-MM-DD"T"HH24:MI:SS"+08:00"')`
}

// toldTime is a time that an event tells, in whichever zone, as wireTime would write it. What
// is no time stays as it is: a cast would end the audit there.
func toldTime(text string) string {
	read := `jsonb_path_query_first_tz(to_jsonb(replace(` + text + `, 'Z', '+00:00')),
		'$.datetime() ? (@.type() == "timestamp with time zone")', silent => true)`
	return `coalesce(` + wireTime(`(`+read+` #>> '{}')::timestamptz`) + `, ` + text + `)`
}

// audits are all of them. The histories and refunds of a page are read payment by payment
// through the index of their payment, whatever the planner knows of the tables. Each page is
// one statement, and so sees what was committed together: a payment that moves meanwhile
// breaks nothing.
var audits = []audit{
	{settled.CheckCompletedOnce, firstID, paymentPage, `
		select p.merchant, p.order_id, '' as refund_id, p.id::text as subject,
			format('it is %s, and %s payment.completed in its history', p.status, e.told) as detail
		from page p cross join lateral (
			select count(*) filter (where e.type = 'payment.completed') as told from events e where e.payment_id = p.id
		) e
		where e.told <> case when p.status = 'completed' then 1 else 0 end`},

	{settled.CheckHistory, firstID, paymentPage, `
		select h.merchant, h.order_id, '' as refund_id, h.id::text as subject, d.detail
		from (
			select p.id, p.merchant, p.order_id, p.version, p.status, min(s.version) filter (where s.version <> s.place) as gap,
				coalesce(max(s.version), 0) as last, min(s.version) filter (where s.from_status <> s.stood) as jump,
				coalesce((array_agg(s.to_status order by s.version desc) filter (where s.fact is not null))[1], 'requested') as stands
			from page p left join lateral (
				select e.version, e.fact, e.from_status, e.to_status, row_number() over (order by e.version) as place,
					lag(e.to_status, 1, 'requested') over (partition by e.fact is null order by e.version) as stood
				from events e where e.payment_id = p.id
			) s on true
			group by p.id, p.merchant, p.order_id, p.version, p.status
		) h cross join lateral (
			select format('the history has a gap before version %s', h.gap) as detail where h.gap is not null
			union all
			select format('version %s of the history begins where the move before it did not end', h.jump) where h.jump is not null
			union all
			select format('the history ends at version %s, and the payment is at %s', h.last, h.version) where h.last <> h.version
			union all
			select format('the history leads to %s, and the payment is %s', h.stands, h.status) where h.stands <> h.status
		) d`},

	{settled.CheckRefunds, firstID, paymentPage, `
		select p.merchant, p.order_id, '' as refund_id, p.id::text as subject, d.detail
		from page p cross join lateral (
			select count(*) as many, coalesce(sum(r.amount) filter (where r.held), 0) as held
			from refunds r where r.payment_id = p.id
		) r cross join lateral (
			select format('it counts %s fen as given back, and its refunds hold %s', p.refunding, r.held) as detail where p.refunding <> r.held
			union all
			select format('%s fen are given back of %s', greatest(p.refunding, r.held), p.amount_total)
			where greatest(p.refunding, r.held) > p.amount_total
			union all
			select format('it has %s refunds, and is %s', r.many, p.status) where r.many > 0 and p.status <> 'completed'
		) d`},

	{settled.CheckRefunds, firstID, refundPage, `
		select r.merchant, r.order_id, r.refund_id, r.payment_id::text as subject, d.detail
		from page r join payments p on p.id = r.payment_id cross join lateral (
			select count(*) filter (where e.type = 'refund.' || r.status) as told,
				count(*) filter (where e.type = 'refund.completed') as completed
			from events e where e.refund_id = r.id
		) e cross join lateral (
			select format('it is of order %s/%s', p.merchant, p.order_id) as detail
			where (r.merchant, r.order_id) <> (p.merchant, p.order_id)
			union all
			select format('it is for a payment of %s %s, which was of %s %s', r.total, r.currency, p.amount_total, p.currency)
			where (r.total, r.currency) <> (p.amount_total, p.currency)
			union all
			select format('it gives back %s fen of %s', r.amount, r.total) where r.amount not between 1 and r.total
			union all
			select format('it is %s, and %s refund.%s in its history', r.status, e.told, r.status)
			where r.status <> 'requested' and e.told <> 1
			union all
			select format('it is %s, and refund.completed in its history', r.status)
			where r.status <> 'completed' and e.completed > 0
		) d`},

	// A second event of the kind is for the checks above. The limit keeps the planner from
	// joining the page with all events.
	{settled.CheckAsTold, firstID, paymentPage, `
		select p.merchant, p.order_id, '' as refund_id, p.id::text as subject,
			format('payment.completed tells %s %s, and the row has %s', d.field, coalesce(nullif(left(d.told, 100), ''), 'none'), coalesce(nullif(d.stands, ''), 'none')) as detail
		from page p cross join lateral (
			select e.data from events e where e.payment_id = p.id and e.type = 'payment.completed' order by e.version limit 1
		) e cross join lateral json_to_record(case when json_typeof(e.data) = 'object' then e.data end)
			as told(amount json, transaction_id text, paid_at text, source text, late text)
		cross join lateral (values
			('amount.total', told.amount->>'total', p.amount_total::text),
			('amount.currency', told.amount->>'currency', p.currency),
			('transaction_id', told.transaction_id, p.transaction_id),
			('paid_at', ` + toldTime(`told.paid_at`) + `, ` + wireTime(`p.paid_at`) + `),
			('source', told.source, p.source),
			('late', told.late, p.late::text)
		) d(field, told, stands)
		where p.status = 'completed' and d.told is distinct from d.stands`},

	{settled.CheckAsTold, firstID, refundPage, `
		select r.merchant, r.order_id, r.refund_id, r.payment_id::text as subject,
			format('refund.completed tells %s %s, and the row has %s', d.field, coalesce(nullif(left(d.told, 100), ''), 'none'), coalesce(nullif(d.stands, ''), 'none')) as detail
		from page r cross join lateral (
			select e.data from events e where e.refund_id = r.id and e.type = 'refund.completed' order by e.version limit 1
		) e cross join lateral json_to_record(case when json_typeof(e.data) = 'object' then e.data end)
			as told(amount json, wechat_refund_id text, refunded_at text)
		cross join lateral (values
			('amount.refund', told.amount->>'refund', r.amount::text),
			('amount.total', told.amount->>'total', r.total::text),
			('amount.currency', told.amount->>'currency', r.currency),
			('wechat_refund_id', told.wechat_refund_id, r.wechat_refund_id),
			('refunded_at', ` + toldTime(`told.refunded_at`) + `, ` + wireTime(`r.refunded_at`) + `)
		) d(field, told, stands)
		where r.status = 'completed' and d.told is distinct from d.stands`},

	{settled.CheckStill, firstID, paymentPage, `
		select p.merchant, p.order_id, '' as refund_id, p.id::text as subject, d.detail
		from page p cross join audit cross join lateral (
			select format('it is %s, and should have been looked at at %s', p.status, p.due_at) as detail where p.due_at < now() - audit.still
			union all
			select format('it is %s, and nobody will look at it', p.status) where p.status in ('requested', 'prepared') and p.due_at is null
		) d`},

	{settled.CheckStill, firstID, refundPage, `
		select r.merchant, r.order_id, r.refund_id, r.payment_id::text as subject, d.detail
		from page r cross join audit cross join lateral (
			select format('it is %s, and should have been looked at at %s', r.status, r.due_at) as detail where r.due_at < now() - audit.still
			union all
			select format('it is %s, and nobody will look at it', r.status) where r.status in ('requested', 'accepted') and r.due_at is null
		) d`},

	{settled.CheckStill, "0", outboxPage, `
		select coalesce(o.merchant, '') as merchant, coalesce(o.order_id, '') as order_id, '' as refund_id, o.event_id::text as subject,
			format('%s waits to be published since %s', coalesce(o.type, 'an event that is not there'), o.queued) as detail
		from page o cross join audit where o.queued < now() - audit.still`},
}

// statement reads a page: how many rows it has, the last key, and a row for each break.
func (a audit) statement() string { return a.of(a.page) }

// of is the statement for any page that gives the same rows.
func (a audit) of(page string) string {
	return `
		with audit as (select make_interval(secs => $3::float8) as still),
		page as (` + page + `), broken as (` + a.broken + `)
		select l.looked_at, coalesce(l.last, '') as last, b.detail is not null as broken, coalesce(b.merchant, '') as merchant,
			coalesce(b.order_id, '') as order_id, coalesce(b.refund_id, '') as refund_id,
			coalesce(b.subject, '') as subject, coalesce(b.detail, '') as detail
		from (
			select (select count(*) from page) as looked_at, (select key from page order by key desc limit 1)::text as last
		) l left join broken b on true`
}

// Audit checks every invariant that can be read off the database alone, and tells what it
// has looked at page by page. What should have been looked at or published longer than
// still ago stands still. A page is one short statement that locks nothing; the whole
// reads every payment with its history.
func (s *Store) Audit(ctx context.Context, still time.Duration, tell func(settled.Audited)) error {
	for _, a := range audits {
		for after, more := a.first, true; more; {
			page, last, err := s.auditPage(ctx, a, after, still)
			if err != nil {
				return fmt.Errorf("audit %s: %w", a.check, translate(err))
			}
			tell(page)
			after, more = last, page.LookedAt == auditPage
		}
	}
	return nil
}

func (s *Store) auditPage(ctx context.Context, a audit, after string, still time.Duration) (page settled.Audited, last string, err error) {
	return s.auditRows(ctx, a, a.statement(), after, auditPage, still.Seconds())
}

// auditRows runs the statement of a check.
func (s *Store) auditRows(ctx context.Context, a audit, statement string, arguments ...any) (page settled.Audited, last string, err error) {
	var rows []struct {
		LookedAt int    `db:"looked_at"`
		Last     string `db:"last"`
		Broken   bool   `db:"broken"`
		Merchant string `db:"merchant"`
		OrderID  string `db:"order_id"`
		RefundID string `db:"refund_id"`
		Subject  string `db:"subject"`
		Detail   string `db:"detail"`
	}
	if err := s.db.SelectContext(ctx, &rows, statement, arguments...); err != nil {
		return page, "", err
	}
	kind := settled.SubjectPayment
	if a.page == outboxPage {
		kind = settled.SubjectQueued
	}
	page.Check = a.check
	for _, row := range rows {
		page.LookedAt, last = row.LookedAt, row.Last
		if row.Broken {
			page.Breaks = append(page.Breaks, settled.Break{
				Check: a.check, Merchant: row.Merchant, OrderID: row.OrderID, RefundID: row.RefundID, Detail: row.Detail,
				Subject: settled.AuditSubject{Kind: kind, Name: row.Subject},
			})
		}
	}
	return page, last, nil
}
