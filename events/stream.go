package events

import "time"

// Stream is what a stream is when it is looked at.
type Stream struct {
	Name    string    // on the server, with prefix
	Created time.Time // tells it from another stream of the same name; whole microseconds
	Last    uint64    // the highest sequence that it has given
	Lost    string    // tells what the server says it has lost from another such loss; empty: nothing
	Keeps   time.Duration
	Outputs bool // it holds what settled tells
}
