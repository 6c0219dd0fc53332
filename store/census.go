package store

import (
	"context"
	"fmt"
	"time"

	"settled"
)

// Census looks at what waits. It reads small indexes only.
func (s *Store) Census(ctx context.Context) (settled.Census, error) {
	census := settled.Census{
		Overdue: map[settled.Status]time.Duration{}, OverdueRefunds: map[settled.RefundStatus]time.Duration{},
	}
	var late []struct {
		Kind    string  `db:"kind"`
		Status  string  `db:"status"`
		Seconds float64 `db:"seconds"`
	}
	err := s.db.SelectContext(ctx, &late, `
		with recursive payers as ( -- the merchants of each state, jumping from one to the next
			select s.status, (select min(merchant) from payments p where p.status = s.status and p.due_at is not null) as merchant
			from unnest(array['requested', 'prepared', 'completed', 'closed']) s(status)
			union all
			select status, (select min(merchant) from payments p
				where p.status = s.status and p.due_at is not null and p.merchant > s.merchant)
			from payers s where merchant is not null
		), payees as (
			select s.status, (select min(merchant) from refunds r where r.status = s.status and r.due_at is not null) as merchant
			from unnest(array['requested', 'accepted']) s(status)
			union all
			select status, (select min(merchant) from refunds r
				where r.status = s.status and r.due_at is not null and r.merchant > s.merchant)
			from payees s where merchant is not null
		), late as (
			select 'payment' as kind, s.status, o.due_at
			from payers s cross join lateral (
				select due_at from payments p
				where p.status = s.status and p.merchant = s.merchant and p.due_at is not null order by due_at limit 1
			) o
			union all
			select 'refund', s.status, o.due_at
			from payees s cross join lateral (
				select due_at from refunds r
				where r.status = s.status and r.merchant = s.merchant and r.due_at is not null order by due_at limit 1
			) o
		)
		select kind, status, extract(epoch from now() - min(due_at))::float8 as seconds
		from late where due_at < now() group by kind, status`)
	if err != nil {
		return settled.Census{}, fmt.Errorf("look for late payments: %w", translate(err))
	}
	for _, l := range late {
		if l.Kind == "refund" {
			census.OverdueRefunds[settled.RefundStatus(l.Status)] = seconds(l.Seconds)
			continue
		}
		census.Overdue[settled.Status(l.Status)] = seconds(l.Seconds)
	}
	var waiting struct {
		Count   int     `db:"count"`
		Seconds float64 `db:"seconds"`
	}
	err = s.db.GetContext(ctx, &waiting, `
		select count(*) as count, coalesce(extract(epoch from now() - min(queued)), 0)::float8 as seconds
		from (select queued from outbox order by id limit 100000) o`)
	if err != nil {
		return settled.Census{}, fmt.Errorf("count unpublished events: %w", translate(err))
	}
	census.Unpublished, census.OldestUnpublished = waiting.Count, seconds(waiting.Seconds)
	return census, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
