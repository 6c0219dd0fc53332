package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// service is one that sends parcels.
type service struct {
	name, consumer string
	program        []string
	environment    []string
	db             *sql.DB
	running        *exec.Cmd
}

func (s *service) start(context.Context) error {
	s.running = exec.Command(s.program[0], s.program[1:]...) //nolint:gosec,noctx // our own program, which is ended by stop
	s.running.Env, s.running.Stderr = s.environment, os.Stderr
	if err := s.running.Start(); err != nil {
		return fmt.Errorf("start the service in %s: %w", s.name, err)
	}
	return nil
}

// kill is kill -9.
func (s *service) kill() {
	_ = s.running.Process.Kill()
	_ = s.running.Wait() // it was killed
	s.running = nil
}

func (s *service) stop() error {
	err := s.db.Close()
	if s.running == nil {
		return err
	}
	return errors.Join(err, end(s.running))
}

// sends waits until there are so many parcels.
func (s *service) sends(ctx context.Context, parcels int) error {
	err := until(ctx, func() bool {
		var sent int
		return s.db.QueryRowContext(ctx, `select count(*) from parcels`).Scan(&sent) == nil && sent >= parcels
	})
	if err != nil {
		return fmt.Errorf("the service in %s has not sent %d parcels: %w", s.name, parcels, err)
	}
	return nil
}

// settled waits until everything was told twice and the service has done all of it.
func (s *service) settled(ctx context.Context, doubler *doubler) error {
	err := until(ctx, func() bool {
		var sent, refunded int
		err := s.db.QueryRowContext(ctx, `
			select (select count(distinct order_id) from parcels where order_id ~ '^(go|node)-'),
				(select count(distinct order_id) from returns where order_id ~ '^(go|node)-')`).Scan(&sent, &refunded)
		return err == nil && sent == 2*orders && refunded == refunds && doubler.done(ctx) && doubler.read(ctx, s.consumer)
	})
	if err != nil {
		return fmt.Errorf("the service in %s is not done: %w", s.name, err)
	}
	return nil
}

// refunds is how many there are: each shop gives back every tenth order.
const refunds = 2 * ((orders + 9) / 10)

// count says what there is too much or too little of.
func (s *service) count(ctx context.Context) error {
	var wrong []error
	for _, check := range []struct {
		what, query string
		want        int
	}{
		{"orders with a parcel", `select count(distinct order_id) from parcels where order_id ~ '^(go|node)-'`, 2 * orders},
		{"parcels", `select count(*) from parcels where order_id ~ '^(go|node)-'`, 2 * orders},
		{"fen of the parcels", `select sum(fen) from parcels where order_id ~ '^(go|node)-'`, 2 * (orders*1000 + orders*(orders-1)/2)},
		{"returns", `select count(*) from returns where order_id ~ '^(go|node)-'`, refunds},
		{"different parked messages", `select count(distinct body) from parked where body = '` + poison + `'`, 1},
		{"parked messages that are events", `select count(*) from parked where body <> '` + poison + `'`, 0},
		{"effects that are not remembered", `select (select count(*) from parcels) + (select count(*) from returns) - count(*) from settled_effects`, 0},
	} {
		var got int
		if err := s.db.QueryRowContext(ctx, check.query).Scan(&got); err != nil || got != check.want {
			wrong = append(wrong, fmt.Errorf("in %s: %d %s, not %d: %w", s.name, got, check.what, check.want, errors.Join(err, errCount)))
		}
	}
	return errors.Join(wrong...)
}

var errCount = errors.New("not exactly once")
