package rig

import (
	"context"
	"time"
)

// Part is one kind of work, and who does it side by side.
type Part struct {
	Name  string // a lowercase word, or several with _ between them
	About string // what is done, and between which moments time is taken: a sentence for the page
	Unit  string // what an operation is, in the plural
	// Path names the limits that each operation passes, one that it passes twice two times;
	// the tightest of them is what the figures are held against. Empty: they are held
	// against nothing.
	Path        []string
	Bound       time.Duration // of a run; default ten minutes
	Contestants []Contestant
	// Modules are those whose versions the page has to tell.
	Modules []string
	// Roles are what this program does as a process of its own, for Round.Play.
	Roles map[string]Role
}

// Contestant is one who does the work of a part.
type Contestant struct {
	Name     string
	Settings string // what a reader has to know of how it was set up
	// Run does the work once, on what the round gives it. It makes sure that the work was
	// done rightly, and fails otherwise. Its set-up is not in the Measure.
	Run func(ctx context.Context, r *Round) (Measure, error)
}

// Measure is what one run came to.
type Measure struct {
	Operations int           `json:"operations"`
	Took       time.Duration `json:"took_ns"`
	P50        time.Duration `json:"p50_ns,omitempty"` // of one operation; 0: not taken
	P99        time.Duration `json:"p99_ns,omitempty"`
	// Extra are further figures; their names become the heads of columns.
	Extra map[string]float64 `json:"extra,omitempty"`
	// Cost is what one operation took of the machine and the servers; the names become the
	// heads of a table's columns.
	Cost map[string]float64 `json:"cost,omitempty"`
}

// Rate is the operations in a second.
func (m Measure) Rate() float64 {
	if m.Took <= 0 {
		return 0
	}
	return float64(m.Operations) / m.Took.Seconds()
}

// Role is what this program does when it is started as a process of its own: until ctx
// ends, it works at the task that whoever started it has written.
type Role func(ctx context.Context, task []byte) error
