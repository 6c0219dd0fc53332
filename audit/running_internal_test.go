package audit

import (
	"errors"
	"testing"
	"time"
)

// The auditor leaves the machine to payments: the longer a look takes, the longer it waits.
func TestPauseBetweenLooks(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		behind bool
		took   time.Duration
		err    error
		want   time.Duration
	}{
		{name: "caught up", took: 30 * time.Millisecond, want: time.Second},
		{name: "behind", behind: true, took: 20 * time.Millisecond, want: 100 * time.Millisecond},
		{name: "behind in a rush", behind: true, took: 400 * time.Millisecond, want: 1600 * time.Millisecond},
		{name: "caught up in a rush", took: 500 * time.Millisecond, want: 2 * time.Second},
		{name: "failed", took: time.Millisecond, err: errors.New("gone"), want: 3 * time.Second},
		{name: "failed after its time", behind: true, took: lookBound, err: errors.New("late"), want: 10 * time.Second},
		{name: "the clock was set back", took: -time.Hour, want: time.Second},
	} {
		a := New(Config{})
		a.behind = row.behind
		if got := a.pause(row.took, row.err); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}
