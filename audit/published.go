package audit

import (
	"context"
	"time"

	"github.com/google/uuid"

	"settled"
)

// published looks in the stream for what has left the outbox. It stops before an event
// that still waits there: how long that may wait is another check.
func (a *Auditor) published(ctx context.Context) error {
	since, err := a.cfg.Stream.HoldsSince(ctx)
	if err != nil {
		return err
	}
	place := settled.EventPlace{At: a.begin()}
	if err := a.recall(ctx, placePublished, &place); err != nil {
		return err
	}
	changed, err := a.cfg.Ledger.Changed(ctx, place, a.begin(), a.cfg.Page)
	if err != nil {
		return err
	}
	var due []settled.Changed
	for _, c := range changed {
		if c.Queued {
			break
		}
		place = settled.EventPlace{At: c.At, ID: c.ID}
		if !c.Private && !c.At.Before(since) {
			due = append(due, c)
		}
	}
	breaks, err := a.missing(ctx, due)
	if err != nil {
		return err
	}
	a.found = append(a.found, settled.Audited{Check: settled.CheckPublished, LookedAt: len(due), Breaks: breaks})
	return a.keep(ctx, placePublished, place)
}

// missing tells which events the stream does not have. Most were seen as it was followed;
// the others are looked for.
func (a *Auditor) missing(ctx context.Context, due []settled.Changed) ([]settled.Break, error) {
	left, from := map[string]map[[16]byte]bool{}, map[string]time.Time{}
	for _, c := range due {
		id, err := uuid.Parse(c.ID)
		if err != nil || a.seen.has(c.ID) {
			continue
		}
		if left[c.Type] == nil {
			left[c.Type], from[c.Type] = map[[16]byte]bool{}, c.At
		}
		left[c.Type][id] = true
	}
	all := map[[16]byte]bool{}
	for eventType, missed := range left {
		if err := a.comparison.strike(ctx, eventType, from[eventType].Add(-clocks), missed); err != nil {
			return nil, err
		}
		for id := range missed {
			all[id] = true
		}
	}
	return a.comparison.notThere(ctx, all)
}

// seenMost is how many ids of messages are remembered.
const seenMost = 100_000

// seen remembers the last messages of the stream by their ids.
type seen struct {
	ids  map[string]bool
	ring []string
	next int
}

func (s *seen) add(id string) {
	if s.ids == nil {
		s.ids = map[string]bool{}
	}
	if s.ids[id] {
		return
	}
	s.ids[id] = true
	if len(s.ring) < seenMost {
		s.ring = append(s.ring, id)
		return
	}
	delete(s.ids, s.ring[s.next])
	s.ring[s.next] = id
	s.next = (s.next + 1) % seenMost
}

func (s *seen) has(id string) bool { return s.ids[id] }

func (s *seen) forget() { *s = seen{} }
