package store

import (
	"context"
	"time"

	"settled"
	"settled/batch"
)

// share sets up the points at which callers share a statement.
func (s *Store) share() {
	s.records = shared(s, "record", batch.Config[settled.Payment, settled.Recorded]{
		Run: s.record, Key: func(p settled.Payment) string { return p.Merchant + "\x00" + p.OrderID }, Runners: 2,
	})
	s.lookups = shared(s, "look_up", batch.Config[orderKey, *settled.Payment]{
		Run: s.paymentsByOrder, Key: orderKey.String, Runners: 2,
	})
	s.moves = shared(s, "move", batch.Config[settled.Move, bool]{
		Run: s.move, Key: func(m settled.Move) string { return m.PaymentID }, Runners: 2,
	})
	s.delays = shared(s, "delay", batch.Config[settled.Delay, bool]{
		Run: s.delay, Key: func(d settled.Delay) string { return d.PaymentID },
	})
	s.tells = shared(s, "tell", batch.Config[settled.Event, bool]{Run: s.tell, Key: tellKey})
	// Each takes a version of its payment's history, so a statement holds one of a payment.
	s.refundRecords = shared(s, "record_refund", batch.Config[settled.Refund, settled.RecordedRefund]{
		Run: s.recordRefunds, Key: func(r settled.Refund) string { return r.PaymentID },
	})
	s.refundMoves = shared(s, "move_refund", batch.Config[settled.RefundMove, bool]{
		Run: s.moveRefunds, Key: func(m settled.RefundMove) string { return m.PaymentID },
	})
}

// shared is a group whose statement is observed under its name.
func shared[In, Out any](s *Store, name string, cfg batch.Config[In, Out]) *batch.Group[In, Out] {
	cfg.Spoils, cfg.Timeout = spoils, 15*time.Second
	if run, observe := cfg.Run, s.cfg.Observe; observe != nil {
		cfg.Run = func(ctx context.Context, items []In) ([]Out, error) {
			began := s.now()
			outs, err := run(ctx, items)
			observe(name, len(items), s.now().Sub(began))
			return outs, err
		}
	}
	if begin := s.cfg.Begin; begin != nil {
		cfg.Begin = func(ctx context.Context, callers []context.Context) (context.Context, func(error)) {
			return begin(ctx, name, callers)
		}
	}
	return batch.New(cfg)
}
