package ingress

import (
	"context"
	"testing"
	"time"
)

// fill takes every place that a source can have for a merchant.
func (s *suspicion) fill(t *testing.T, merchant, remote string) (taken int) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := s.enter(ctx, merchant, sourceOf(remote))
		cancel()
		if err != nil {
			return taken
		}
		taken++
	}
}

func TestForgersHaveFewPlaces(t *testing.T) {
	t.Parallel()
	const forger, honest = "203.0.113.7:1", "198.51.100.7:1"
	now := time.Unix(1_700_000_000, 0)
	s := newSuspicion(map[string]Merchant{"a": {}, "b": {}}, func() time.Time { return now })
	most := cap(s.places)
	for range suspectAfter {
		if s.suspects(sourceOf(forger)) {
			t.Fatal("a suspect too early")
		}
		s.note(sourceOf(forger))
	}
	if got := s.fill(t, "a", forger); got != most/4 {
		t.Errorf("a forger has %d of %d places", got, most)
	}
	if got := s.fill(t, "a", honest); got != most/2-most/4 {
		t.Errorf("honest ones of the same merchant have %d of %d places beside the forger", got, most)
	}
	if got := s.fill(t, "b", honest); got != most/2 {
		t.Errorf("another merchant has %d of %d places", got, most)
	}
	now = now.Add(suspectFor)
	if s.suspects(sourceOf(forger)) {
		t.Error("a suspect for ever")
	}
}

func TestWhereAConnectionComesFrom(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"203.0.113.7:80": "203.0.113.7", "[::ffff:203.0.113.7]:80": "203.0.113.7",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::", "[fe80::1%eth0]:80": "fe80::", "": "invalid IP", "@": "invalid IP",
	} {
		if got := sourceOf(remote).String(); got != want {
			t.Errorf("%s comes from %s, want %s", remote, got, want)
		}
	}
}
