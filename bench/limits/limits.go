// Package limits measures what the parts of the work can do alone: the disk, the statement
// that finalizes, the streams, the signatures, a socket. Nothing that is made of them can
// be faster.
//
// It must not know who is held against its figures.
package limits

import (
	"context"
	"slices"
	"time"

	"settled/bench/rig"
)

// The limits, by the names that parts put into their paths.
const (
	Fdatasync     = "fdatasync, one thread"
	MoveMany      = "finalize statement, 256 rows"
	MoveOne       = "finalize statement, one row"
	PublishOne    = "publish, one by one"
	PublishAsync  = "publish, asynchronously"
	PublishAtomic = "publish, atomic batches of 256"
	Acknowledge   = "fetch and acknowledge"
	Sign          = "RSA-2048 sign, one core"
	Verify        = "RSA-2048 verify, one core"
	RSA           = "RSA-2048 of an APIv3 payment, all cores"
	Hash          = "HMAC-SHA256 of a notify, one core"
	Echo          = "HTTP echo"
)

// Parts are the parts of this package.
func Parts() []rig.Part {
	return []rig.Part{{
		Name: "limits", Unit: "operations",
		About:       "What each part of the work can do when nothing else of the run works at the same time. Not contestants: bounds.",
		Modules:     []string{"github.com/lib/pq", "github.com/nats-io/nats.go", "github.com/synadia-io/orbit.go/jetstreamext"},
		Contestants: slices.Concat(disk, statements, streams, ciphers, sockets),
	}}
}

// spin repeats an operation until the span is over. Each one may count for many.
func spin(ctx context.Context, span time.Duration, operation func(context.Context) (int, error)) (rig.Measure, error) {
	var m rig.Measure
	began := time.Now()
	for m.Took < span {
		done, err := operation(ctx)
		if err != nil {
			return rig.Measure{}, err
		}
		m.Operations += done
		m.Took = time.Since(began)
	}
	return m, nil
}
