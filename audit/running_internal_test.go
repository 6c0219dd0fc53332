package audit

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"settled"
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

// The pause is the fleet's: another process that has the turn meanwhile leaves it at that.
func TestNobodyLooksWhileTheAuditorRests(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name  string
		until time.Time
		looks bool
	}{
		{"nobody has looked yet", time.Time{}, true},
		{"the pause is over", now, true},
		{"the pause lasts", now.Add(3 * time.Second), false},
		{"the clock was set back", now.Add(time.Hour), true},
	} {
		l := &restingLedger{until: row.until}
		a := New(Config{Ledger: l, Stream: restingStream{}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
		if err := a.look(t.Context()); row.looks != errors.Is(err, errLooked) {
			t.Errorf("%s: looked %v, want %t", row.name, err, row.looks)
		}
		if l.kept != 0 {
			t.Errorf("%s: a look that failed, or none, makes others rest", row.name)
		}
	}
}

// restingLedger knows how long the auditor rests, and ends whatever else it is asked.
type restingLedger struct {
	Memory
	until time.Time
	kept  int
}

var errLooked = errors.New("somebody looks")

func (*restingLedger) AuditTurn(_ context.Context, look func() error) error { return look() }

func (l *restingLedger) AuditPlace(_ context.Context, name string) (string, error) {
	if name != placeRest {
		return "", errLooked
	}
	text, err := json.Marshal(l.until)
	return string(text), err
}

func (l *restingLedger) KeepAuditPlace(context.Context, string, string) error {
	l.kept++
	return nil
}

func (*restingLedger) Suspects(context.Context, int) ([]settled.Suspect, error) {
	return nil, errLooked
}

func (*restingLedger) AuditOutbox(context.Context, time.Duration) (settled.Audited, error) {
	return settled.Audited{}, errLooked
}

func (*restingLedger) Suspect(context.Context, []settled.Suspect, time.Duration) error { return nil }

func (*restingLedger) OpenBreaks(context.Context) (map[settled.Check]int, error) {
	return nil, errLooked
}

// restingStream ends whatever it is asked.
type restingStream struct{ Stream }

func (restingStream) HoldsSince(context.Context) (time.Time, error) { return time.Time{}, errLooked }
