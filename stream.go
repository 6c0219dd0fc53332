package settled

import (
	"slices"
	"time"
)

// Stream is what a stream is at the moment at which it is looked at.
type Stream struct {
	Name    string    // on the server
	Created time.Time // tells it from another stream of the same name
	Last    uint64    // the highest sequence that it has given
	Lost    string    // tells what the server says it has lost from another such loss; empty: nothing
	// Refill is how long back its content can be published again from the history; zero
	// for a stream that nothing can be put back into.
	Refill time.Duration
}

// RememberedStream is what a stream was when it was last looked at or written to.
type RememberedStream struct {
	Created time.Time
	Last    uint64
	Lost    []string // losses within it that were made good
}

// Loss is how a stream lost what it held; empty if it did not.
type Loss string

// The losses.
const (
	LossRemade    Loss = "remade"    // there is another stream of the same name, or was none
	LossHole      Loss = "hole"      // the server says that messages are gone
	LossShortened Loss = "shortened" // its last messages are gone: an older copy, or a crash
)

// Loss compares a stream with what is remembered of it.
func (s Stream) Loss(r RememberedStream) Loss {
	switch {
	case !s.Created.Equal(r.Created):
		return LossRemade
	case s.Lost != "" && !slices.Contains(r.Lost, s.Lost):
		return LossHole
	case s.Last < r.Last:
		return LossShortened
	default:
		return ""
	}
}

// StreamLoss is a loss that was noticed.
type StreamLoss struct {
	Stream      Stream
	Loss        Loss
	Remembered  RememberedStream
	ReplaySince time.Time // events since then are published again; zero: none can be
}

// Replay says which events are published again, under the ids that they have.
type Replay struct {
	Types        []string
	Since, Until time.Time // when they happened; Until itself is left out
	Merchant     string    // only its events; empty: all
	OrderID      string    // likewise
}

// ReplayPlace is how far a replay has come: the zero value comes before the first event.
// A payment's events go out together when the first of them is met, so that they keep
// their order whatever the clocks said.
type ReplayPlace struct {
	At      time.Time // of the event that was met
	ID      string
	Version int64 // of its payment's history that has gone out
}

// RelayRound says what one round of the relay is to do.
type RelayRound struct {
	Stream string   // that the events go to, by its name on the server
	Types  []string // of events that a replay publishes again
	Most   int      // events in one transaction
}

// Relayed is what a round did.
type Relayed struct {
	Published int // for the first time, or because somebody asked
	Replayed  int // because the stream had lost them
	More      bool
}
