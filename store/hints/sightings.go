package hints

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// sightingsEvery is how long sightings are gathered before Redis is told of them.
	sightingsEvery = time.Second
	// sightingsKept is how long Redis remembers a merchant of whom nothing new is seen.
	sightingsKept = 30 * 24 * time.Hour
)

// Sighting is how often, and when last, one of WeChat's keys has verified something of one
// kind for a merchant, in all processes together.
type Sighting struct {
	Key   string // the key's id: PUB_KEY_ID_… or the serial of a certificate
	What  string // answer or notify
	Count int64
	Last  time.Time
}

// sight names what was seen.
type sight struct{ merchant, key, what string }

// Sighted notes that a key has verified something. It waits for nothing: Redis is told
// within a second or so, and what Redis can't be told now it is told with the next.
func (h *Hints) Sighted(merchant, key, what string) {
	h.sightings.mu.Lock()
	defer h.sightings.mu.Unlock()
	if h.sightings.seen == nil {
		h.sightings.seen = map[sight]Sighting{}
	}
	at := sight{merchant, key, what}
	h.sightings.seen[at] = Sighting{Key: key, What: what, Count: h.sightings.seen[at].Count + 1, Last: h.cfg.Now()}
	if !h.sightings.underway {
		h.sightings.underway = h.depart(h.tellSightings) == nil
	}
}

// tellSightings gathers for a moment and then tells Redis, at the end of the hints at once.
func (h *Hints) tellSightings(ctx context.Context) {
	timer := time.NewTimer(sightingsEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	h.sightings.mu.Lock()
	seen := h.sightings.seen
	h.sightings.seen, h.sightings.underway = nil, false
	h.sightings.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sightingsEvery)
	defer cancel()
	if err := h.heard(ctx, h.writeSightings(ctx, seen)); err != nil {
		h.keepSightings(seen)
	}
}

func (h *Hints) writeSightings(ctx context.Context, seen map[sight]Sighting) error {
	pipe := h.client.Pipeline()
	for at, s := range seen {
		hash, field := h.sightingsKey(at.merchant), at.what+" "+at.key
		pipe.HIncrBy(ctx, hash, "count "+field, s.Count)
		pipe.HSet(ctx, hash, "last "+field, s.Last.Unix())
		pipe.Expire(ctx, hash, sightingsKept)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// keepSightings puts back what Redis could not be told.
func (h *Hints) keepSightings(seen map[sight]Sighting) {
	h.sightings.mu.Lock()
	defer h.sightings.mu.Unlock()
	if h.sightings.seen == nil {
		h.sightings.seen = map[sight]Sighting{}
	}
	for at, s := range seen {
		newer := h.sightings.seen[at]
		s.Count += newer.Count
		if newer.Last.After(s.Last) {
			s.Last = newer.Last
		}
		h.sightings.seen[at] = s
	}
}

func (h *Hints) sightingsKey(merchant string) string {
	return h.cfg.Prefix + "{" + merchant + "}:sightings"
}

// Sightings reads which keys have verified what for a merchant, by key.
func (h *Hints) Sightings(ctx context.Context, merchant string) ([]Sighting, error) {
	fields, err := h.client.HGetAll(ctx, h.sightingsKey(merchant)).Result()
	if err := h.heard(ctx, err); err != nil {
		return nil, fmt.Errorf("read the sightings of %s: %w", merchant, err)
	}
	var all []Sighting
	for field, value := range fields {
		named, isCount := strings.CutPrefix(field, "count ")
		what, key, ok := strings.Cut(named, " ")
		if !isCount || !ok {
			continue
		}
		s := Sighting{Key: key, What: what}
		s.Count, _ = strconv.ParseInt(value, 10, 64) // what somebody else wrote there counts as nothing
		if last, err := strconv.ParseInt(fields["last "+named], 10, 64); err == nil {
			s.Last = time.Unix(last, 0)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Sighting) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.What, b.What)) })
	return all, nil
}
