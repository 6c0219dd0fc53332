package console

import (
	"context"
	"time"

	"settled"
)

// Ledger is what the console needs of PostgreSQL. Its methods fail with settled.ErrNotFound, or
// with settled.ErrUnavailable when PostgreSQL does not answer; each is bounded in time.
type Ledger interface {
	Overview(ctx context.Context) (settled.Overview, error)

	// Search finds the payments that an exact order id, payment id, WeChat transaction id, refund
	// id or WeChat refund id names, at most 50 of them.
	Search(ctx context.Context, text string) ([]settled.Payment, error)
	Payments(ctx context.Context, l settled.Listing) (settled.Page[settled.Payment], error)
	RefundList(ctx context.Context, l settled.RefundListing) (settled.Page[settled.Refund], error)
	Flags(ctx context.Context, l settled.FlagListing) (settled.Page[settled.Flag], error)

	PaymentByID(ctx context.Context, id string) (settled.Payment, error)
	History(ctx context.Context, paymentID string) ([]settled.Happening, error)
	Journal(ctx context.Context, paymentID string) ([]settled.Entry, error)
	Refunds(ctx context.Context, paymentID string) ([]settled.Refund, error)
	FlagsOf(ctx context.Context, paymentID string) ([]settled.Flag, error)

	// Act does what an operator wants and writes it into the history in one statement. done is
	// false if there was nothing to do: the payment is not open, the flag is settled already,
	// somebody else has just done the same.
	Act(ctx context.Context, a settled.Act) (done bool, err error)
}

// Letters is what the console needs of the dead letters.
type Letters interface {
	// Letters lists dead letters, the latest first; before is the sequence to go on from, 0 for
	// the latest.
	Letters(ctx context.Context, before uint64, size int) (letters []Letter, next uint64, err error)
	// Would says what a replay of the letter would lead to, as things stand now.
	Would(ctx context.Context, sequence uint64) (Letter, string, error)
	// Replay publishes the letter again and notes it in the payment's history. It fails with
	// settled.ErrNotFound if it is there no more.
	Replay(ctx context.Context, sequence uint64, by, comment string) error
	// LettersOf lists the dead letters of one order, at most 50.
	LettersOf(ctx context.Context, merchant, orderID string) ([]Letter, error)
}

// Letter is a message that nobody could process.
type Letter struct {
	Sequence uint64
	Subject  string // as it came
	Merchant string // empty if the message does not say
	OrderID  string
	Reason   string
	Attempts int
	At       time.Time
}

// Health says how the process and what it stands on are.
type Health interface {
	// Failing names the dependencies that do not answer: postgres, nats, redis.
	Failing(ctx context.Context) []string
	// Queues is what waits in the streams, by consumer; empty where this process does not know.
	Queues() []Queue
	// Keys is what this process knows of the merchants' tokens, certificates and breakers.
	Keys() []Key
	// DeadLetters is how many dead letters are kept; -1 if it is not known.
	DeadLetters() int
}

// Queue is what waits in front of one consumer.
type Queue struct {
	Consumer string
	Pending  uint64
	InHand   int
}

// Key is something that a merchant's calls or notifies depend on.
type Key struct {
	Merchant string
	What     string // access token, platform certificate, public key, host main, host backup
	State    string // as a word: good, expired, missing, not_held, left_alone
	Since    time.Time
	Until    time.Time // zero if it does not end
}
