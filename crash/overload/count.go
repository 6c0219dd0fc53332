package main

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// standing is how much is left to do.
type standing struct {
	orders, notifies       uint64 // messages
	requested, unpublished int64  // rows
}

// String is the standing in a line.
func (s standing) String() string {
	return fmt.Sprintf("%d orders and %d notifies wait, %d payments are not prepared, %d events not published",
		s.orders, s.notifies, s.requested, s.unpublished)
}

func (r *running) standing(ctx context.Context) (s standing, err error) {
	if s.orders, err = waiting(ctx, r.stream, r.named("ORDERS")); err != nil {
		return s, err
	}
	if s.notifies, err = waiting(ctx, r.stream, r.named("NOTIFY")); err != nil {
		return s, err
	}
	err = r.world.Database().QueryRowContext(ctx, `
		select (select count(*) from payments where status = 'requested' and due_at is not null), (select count(*) from outbox)`).
		Scan(&s.requested, &s.unpublished)
	if err != nil {
		return s, fmt.Errorf("count what is left: %w", err)
	}
	return s, nil
}

// count counts what has become of everything.
func (r *running) count(ctx context.Context) error {
	r.result.Memory = r.memory.all()
	r.result.newcomers(r.newcomers)
	var taken []string
	for _, f := range r.result.Floods {
		for _, a := range f.heard {
			taken = append(taken, a.Orders...)
		}
	}
	var backlog, prepared, flooded, twice int
	err := r.world.Database().QueryRowContext(ctx, `
		select (select count(*) from payments where order_id like 'backlog%'),
			(select count(*) from payments where order_id like 'backlog%' and status = 'prepared'),
			(select count(*) from payments where order_id = any($1)),
			(select count(*) from (
				select from events where type in ('payment.prepared', 'payment.completed') and not private
				group by payment_id, type having count(*) > 1) told)`, pq.Array(taken)).Scan(&backlog, &prepared, &flooded, &twice)
	if err != nil {
		return fmt.Errorf("count payments: %w", err)
	}
	books := r.world.WeChat.Stats()
	r.result.Lost = r.messages - min(backlog, prepared) + len(taken) - flooded
	r.result.Doubled = twice + int(books.ChargedTwice+books.OtherContent)
	r.result.Taken = len(taken)
	r.result.Wrong = r.world.Wrong()
	if err := r.newcomers.err(); err != nil {
		r.result.Wrong = append(r.result.Wrong, err.Error())
	}
	dead, err := r.stream.Stream(ctx, r.named("DEAD"))
	if err != nil {
		return fmt.Errorf("look for dead letters: %w", err)
	}
	if letters := dead.CachedInfo().State.Msgs; letters > 0 {
		r.result.Wrong = append(r.result.Wrong, fmt.Sprintf("%d dead letters", letters))
	}
	r.say("auditing")
	if err := r.world.Audit(ctx, time.Hour); err != nil {
		r.result.Wrong = append(r.result.Wrong, err.Error())
	}
	return nil
}
