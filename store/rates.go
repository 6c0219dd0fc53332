package store

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"settled"
)

const (
	// rateMinutes is how many minutes an overview looks back.
	rateMinutes = 15
	// rateBudget is how long one overview counts minutes that were never counted: the rest
	// comes with the next.
	rateBudget = 400 * time.Millisecond
	// rateSettles is how long after its end a minute is counted anew: what happened in it may
	// be committed a little later.
	rateSettles = 20 * time.Second
)

// rates are the minutes that are over and counted: nothing happens in them any more.
type rates struct {
	mu      sync.Mutex
	minutes map[time.Time]settled.Rate
}

// overviewRates counts the last minutes, the latest first and as far as its time allows.
func (s *Store) overviewRates(ctx context.Context, o *settled.Overview) error {
	now := s.Now()
	this := now.UTC().Truncate(time.Minute)
	s.rates.forget(this.Add(-rateMinutes * time.Minute))
	began := s.now()
	for n := range rateMinutes {
		minute := this.Add(-time.Duration(n) * time.Minute)
		rate, known := s.rates.known(minute)
		if !known {
			if n > 1 && s.now().Sub(began) > rateBudget {
				break
			}
			var err error
			if rate, err = s.countMinute(ctx, minute); err != nil {
				return err
			}
			if now.Sub(minute) > time.Minute+rateSettles {
				s.rates.keep(rate)
			}
		}
		o.Rates = append(o.Rates, rate)
	}
	slices.Reverse(o.Rates)
	return nil
}

func (s *Store) countMinute(ctx context.Context, minute time.Time) (settled.Rate, error) {
	var row struct {
		Requested int `db:"requested"`
		Completed int `db:"completed"`
		Closed    int `db:"closed"`
	}
	const of = `select from events where at >= $1::timestamptz and at < $1::timestamptz + interval '1 minute' and type = `
	err := s.db.GetContext(ctx, &row, `
		select (select count(*) from (`+of+`'payment.recorded' limit $2) e) as requested,
			(select count(*) from (`+of+`'payment.completed' limit $2) e) as completed,
			(select count(*) from (`+of+`'payment.closed' limit $2) e) as closed`, timeText(minute), settled.CountLimit)
	return settled.Rate{Minute: minute, Requested: row.Requested, Completed: row.Completed, Closed: row.Closed}, err
}

func (r *rates) known(minute time.Time) (settled.Rate, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rate, ok := r.minutes[minute]
	return rate, ok
}

func (r *rates) keep(rate settled.Rate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.minutes == nil {
		r.minutes = map[time.Time]settled.Rate{}
	}
	r.minutes[rate.Minute] = rate
}

// forget drops the minutes up to one.
func (r *rates) forget(until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.minutes, func(minute time.Time, _ settled.Rate) bool { return !minute.After(until) })
}
