package workers

import (
	"context"
	"time"

	"settled"
	"settled/events"
)

// Ledger is what the workers need of PostgreSQL. Its methods fail with
// settled.ErrUnavailable when PostgreSQL does not answer.
type Ledger interface {
	Record(ctx context.Context, p settled.Payment) (settled.Recorded, error)
	Payment(ctx context.Context, merchant, orderID string) (settled.Payment, error)
	PaymentByID(ctx context.Context, id string) (settled.Payment, error)

	Move(ctx context.Context, m settled.Move) (moved bool, err error)
	Delay(ctx context.Context, d settled.Delay) (delayed bool, err error)
	Due(ctx context.Context, c settled.Claim) ([]settled.Payment, error)
	LearnPayer(ctx context.Context, paymentID, openID string) error
	Acknowledged(ctx context.Context, e settled.Event) (bool, error)

	RecordRefund(ctx context.Context, r settled.Refund) (settled.RecordedRefund, error)
	Refund(ctx context.Context, merchant, refundID string) (settled.Refund, error)
	RefundByID(ctx context.Context, id string) (settled.Refund, error)
	MoveRefund(ctx context.Context, m settled.RefundMove) (moved bool, err error)
	DelayRefund(ctx context.Context, d settled.RefundDelay) (delayed bool, err error)
	DueRefunds(ctx context.Context, c settled.RefundClaim) ([]settled.Refund, error)
	RefundNews(ctx context.Context, id string) (settled.Event, error)

	Tell(ctx context.Context, e settled.Event) (told bool, err error)
	Told(ctx context.Context, eventID string) (bool, error)
	Repeat(ctx context.Context, eventID string) error
	Arrival(ctx context.Context, p settled.Payment) (settled.Event, error)

	Relay(ctx context.Context, round settled.RelayRound, publish func(context.Context, []settled.Event) (uint64, []error)) (settled.Relayed, error)
	Look(ctx context.Context, state func(context.Context) ([]settled.Stream, error)) (losses []settled.StreamLoss, mine bool, err error)
	Woken() <-chan struct{}
	Census(ctx context.Context) (settled.Census, error)
	ForgetJournal(ctx context.Context, age time.Duration, most int) (int, error)
	Survey(ctx context.Context) error
}

// Bus is what the workers need of NATS.
type Bus interface {
	Consume(ctx context.Context, c events.Consumer, handle events.Handler) error
	PublishAll(ctx context.Context, envelopes []events.Envelope) (last uint64, failures []error)
	Streams(ctx context.Context) ([]events.Stream, error)
	Reconnected() <-chan struct{}
	Reply(subject string, r events.Reply) error
	Trim(ctx context.Context) error
}

// Metrics is what the workers count.
type Metrics interface {
	Moved(merchant string, to settled.Status, source settled.Source)
	// Completed counts a payment that was completed, as it was before, and how long after its
	// customer had paid that was.
	Completed(p settled.Payment, source settled.Source, after time.Duration)
	// Overtaken counts a notify that came after a query had completed its payment.
	Overtaken(merchant string)
	RefundMoved(r settled.Refund, to settled.RefundStatus)
	Flagged(merchant string, reason settled.FlagReason)
	Rejected(merchant string)
	Published(events int)
	Replayed(events int)
	StreamLost(stream string)
	Census(c settled.Census)
}
