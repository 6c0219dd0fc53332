package store

import (
	"context"
	"fmt"
	"time"

	"settled"
)

const (
	// overviewPatience bounds all parts together: it is shorter than statement_timeout.
	overviewPatience = 6 * time.Second
	// A step is measured over its latest events, a line to WeChat over its latest calls, and
	// the notifies over the latest completed payments: so many of each.
	stepSample, lineSample, notifySample = 1000, 5000, 5000
	// lately is since when the steps are measured, recently since when the lines are.
	lately, recently = time.Hour, 10 * time.Minute
)

// Overview reads the state of the whole house. Each of its parts reads a bounded number of
// rows by an index, and all of them together are bounded in time.
func (s *Store) Overview(ctx context.Context) (settled.Overview, error) {
	ctx, cancel := context.WithTimeout(ctx, overviewPatience)
	defer cancel()
	o := settled.Overview{At: s.Now()}
	for _, part := range []struct {
		what string
		read func(ctx context.Context, o *settled.Overview) error
	}{
		{"count open payments", s.overviewOpen},
		{"count flags", s.overviewFlagged},
		{"look for what is late", s.overviewCensus},
		{"look for the most overdue", s.overviewMostOverdue},
		{"measure steps", s.overviewSteps},
		{"measure lines", s.overviewLines},
		{"look at notifies", s.overviewNotifies},
		{"count breaks", s.overviewAudit},
		{"count minutes", s.overviewRates},
	} {
		if err := part.read(ctx, &o); err != nil {
			return settled.Overview{}, fmt.Errorf("%s: %w", part.what, translate(err))
		}
	}
	return o, nil
}

func (s *Store) overviewOpen(ctx context.Context, o *settled.Overview) error {
	var rows []struct {
		Status settled.Status `db:"status"`
		Count  int            `db:"count"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		select s.status, c.count from unnest(array['requested', 'prepared']) as s(status) cross join lateral (
			select count(*) as count from (
				select from payments p where p.status = s.status and p.due_at is not null limit $1
			) o
		) c`, settled.CountLimit)
	o.Open = map[settled.Status]int{}
	for _, row := range rows {
		o.Open[row.Status] = row.Count
	}
	return err
}

// overviewFlagged counts those that nobody has settled, among the latest flags: they are rare,
// and each is looked up by itself.
func (s *Store) overviewFlagged(ctx context.Context, o *settled.Overview) error {
	return s.db.GetContext(ctx, &o.Flagged, `
		select count(*) from (
			select id from events where type = '`+typeFlagged+`' order by at desc limit $1
		) e `+whetherSettled+` where f.settled_at is null`, settled.CountLimit)
}

func (s *Store) overviewCensus(ctx context.Context, o *settled.Overview) (err error) {
	o.Census, err = s.Census(ctx)
	return err
}

func (s *Store) overviewMostOverdue(ctx context.Context, o *settled.Overview) error {
	var rows []paymentRow
	err := s.db.SelectContext(ctx, &rows, `
		with recursive payers as ( -- the merchants of each state, jumping from one to the next
			select s.status, (select min(merchant) from payments p where p.status = s.status and p.due_at is not null) as merchant
			from unnest(array['requested', 'prepared', 'completed', 'closed']) s(status)
			union all
			select status, (select min(merchant) from payments p
				where p.status = s.status and p.due_at is not null and p.merchant > s.merchant)
			from payers s where merchant is not null
		), overdue as (
			select o.id from payers s cross join lateral (
				select id, due_at from payments p
				where p.status = s.status and p.merchant = s.merchant and p.due_at < now() order by p.due_at limit 1
			) o order by o.due_at limit 1
		)
		select `+paymentColumns+` from overdue o join payments p on p.id = o.id`)
	if err != nil || len(rows) == 0 {
		return err
	}
	oldest, err := rows[0].payment()
	o.Oldest = &oldest
	return err
}

func (s *Store) overviewSteps(ctx context.Context, o *settled.Overview) error {
	var rows []struct {
		Name  string  `db:"name"`
		Count int     `db:"count"`
		P50   float64 `db:"p50"`
		P99   float64 `db:"p99"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		with prepared as (
			select 'prepare' as name, greatest(extract(epoch from e.at - p.created_at), 0) as took
			from (
				select payment_id, at, fact from events
				where type = 'payment.prepared' and at > now() - make_interval(secs => $2::float8) order by at desc limit $1
			) e join payments p on p.id = e.payment_id where e.fact = 'prepared'
		), completed as (
			select 'complete' as name, greatest(extract(epoch from e.at - p.paid_at), 0) as took
			from (
				select payment_id, at from events
				where type = 'payment.completed' and at > now() - make_interval(secs => $2::float8) order by at desc limit $1
			) e join payments p on p.id = e.payment_id
		)
		select name, count(*) as count, percentile_cont(0.5) within group (order by took)::float8 as p50,
			percentile_cont(0.99) within group (order by took)::float8 as p99
		from (select * from prepared union all select * from completed) s group by name order by name desc`,
		stepSample, lately.Seconds())
	for _, row := range rows {
		o.Steps = append(o.Steps, settled.Step{Name: row.Name, Count: row.Count, P50: seconds(row.P50), P99: seconds(row.P99)})
	}
	return err
}

func (s *Store) overviewLines(ctx context.Context, o *settled.Overview) error {
	var rows []struct {
		Merchant string     `db:"merchant"`
		Host     string     `db:"host"`
		Calls    int        `db:"calls"`
		Failed   int        `db:"failed"`
		P50      float64    `db:"p50"`
		P99      float64    `db:"p99"`
		At       *time.Time `db:"at"`
		Code     string     `db:"code"`
		Outcome  string     `db:"outcome"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		with recursive lines as (`+journalLines+`), calls as (
			select l.merchant, l.host, c.at, c.outcome, c.code, c.took_us, c.outcome in ('unknown', 'unverified') as failed
			from lines l cross join lateral (
				select at, outcome, code, took_us from journal j
				where j.merchant = l.merchant and j.host = l.host and j.at > now() - make_interval(secs => $2::float8)
				order by j.at desc limit $1
			) c where l.host <> ''
		)
		select merchant, host, count(*) as calls, count(*) filter (where failed) as failed,
			percentile_cont(0.5) within group (order by took_us) / 1e6 as p50,
			percentile_cont(0.99) within group (order by took_us) / 1e6 as p99,
			max(at) filter (where failed) as at,
			coalesce((array_agg(code order by at desc) filter (where failed))[1], '') as code,
			coalesce((array_agg(outcome order by at desc) filter (where failed))[1], '') as outcome
		from calls group by merchant, host order by merchant, host desc`, lineSample, recently.Seconds())
	for _, row := range rows {
		line := settled.Line{
			Merchant: row.Merchant, Host: row.Host, Calls: row.Calls, Failed: row.Failed, P50: seconds(row.P50), P99: seconds(row.P99),
			LastFailureCode: row.Code, LastFailureOutcome: row.Outcome,
		}
		if row.At != nil {
			line.LastFailure = *row.At
		}
		o.Lines = append(o.Lines, line)
	}
	return err
}

func (s *Store) overviewNotifies(ctx context.Context, o *settled.Overview) error {
	var row struct {
		OnTime int `db:"on_time"`
		Late   int `db:"late"`
		Never  int `db:"never"`
	}
	err := s.db.GetContext(ctx, &row, `
		select count(*) filter (where p.source = 'notify' and e.at <= p.paid_at + interval '1 minute') as on_time,
			count(*) filter (where p.source = 'notify' and e.at > p.paid_at + interval '1 minute') as late,
			count(*) filter (where p.source = 'query') as never
		from (
			select payment_id, at from events
			where type = 'payment.completed' and at > now() - make_interval(secs => $2::float8) order by at desc limit $1
		) e join payments p on p.id = e.payment_id`, notifySample, lately.Seconds())
	o.Notifies = settled.NotifyHealth{OnTime: row.OnTime, Late: row.Late, Never: row.Never}
	return err
}

func (s *Store) overviewAudit(ctx context.Context, o *settled.Overview) error {
	breaks, err := s.OpenBreaks(ctx)
	for _, n := range breaks {
		o.Audit.Breaks += n
	}
	return err
}
