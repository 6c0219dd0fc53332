package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"settled"
	"settled/events"
	"settled/store"
)

// eventsPage is how many events a replay by hand has in memory.
const eventsPage = 500

// A replay by hand goes through the outbox, and not straight to the stream: so it is the
// one relay that publishes it, in turn with what happens meanwhile, and a page that is
// committed is published whatever becomes of this process. The rate keeps the line short
// for news.
var eventsCommand = command{
	name:    "events",
	args:    "replay --config F --since T [--until T] [--merchant M] [--order O] [--type TYPE] [--dry-run] [--rate N]",
	summary: "publishes events again, under the ids that they have",
	example: "settled events replay --config settled.yaml --since 24h --type payment.completed --dry-run",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		since := flags.String("since", "", "from when on, as a `time` (RFC 3339) or how long ago (24h)")
		until := flags.String("until", "", "up to when, as a `time` or how long ago; now if empty")
		merchant := flags.String("merchant", "", "only events of this `merchant`")
		order := flags.String("order", "", "only events of this `order`")
		eventType := flags.String("type", "", "only events of this `type`, such as payment.completed")
		dry := flags.Bool("dry-run", false, "count the events, and publish none")
		rate := flags.Int("rate", 500, "at most so many `events` a second; 0 for no bound")
		return func(ctx context.Context, e environment, words []string) (err error) {
			if len(words) != 1 || words[0] != "replay" {
				return misused("events knows one word: replay")
			}
			if *rate < 0 {
				return misused("--rate must not be less than nothing")
			}
			r, err := replayOf(*since, *until, *eventType, time.Now())
			if err != nil {
				return err
			}
			r.Merchant, r.OrderID = *merchant, *order
			cfg, err := loadKeyless(*file, nil)
			if err != nil {
				return err
			}
			s, err := store.Open(store.Config{URL: cfg.Postgres.URL.Reveal(), Log: e.log})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			by := &replayByHand{store: s, replay: r, rate: *rate, dry: *dry, counted: map[string]int{}}
			return errors.Join(by.run(ctx), by.report(e))
		}
	},
}

// replayOf reads which events are meant.
func replayOf(since, until, eventType string, now time.Time) (r settled.Replay, err error) {
	r.Types = events.Outputs
	if eventType != "" {
		r.Types = []string{eventType}
	}
	if r.Since, err = moment(since, now); err != nil {
		return r, misused("--since %v", err)
	}
	if r.Until, err = moment(until, now); err != nil {
		return r, misused("--until %v", err)
	}
	if r.Until.IsZero() {
		r.Until = now
	}
	switch {
	case eventType != "" && !slices.Contains(events.Outputs, eventType):
		return r, misused("there is no event %q, only %s", eventType, strings.Join(events.Outputs, ", "))
	case r.Since.IsZero():
		return r, misused("--since is missing")
	case !r.Since.Before(r.Until):
		return r, misused("--since must be before --until")
	}
	return r, nil
}

// replayByHand is one run of the command.
type replayByHand struct {
	store   *store.Store
	replay  settled.Replay
	rate    int
	dry     bool
	counted map[string]int // by type
	queued  int64
}

func (b *replayByHand) run(ctx context.Context) error {
	most := eventsPage
	if b.rate > 0 && !b.dry {
		most = min(most, b.rate)
	}
	place := settled.ReplayPlace{}
	for more := true; more; {
		var page []settled.Event
		var err error
		if page, place, more, err = b.store.Replayed(ctx, b.replay, place, most); err != nil {
			return err
		}
		if err := b.queue(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// queue counts a page, puts it into the outbox and rests for as long as the rate asks.
func (b *replayByHand) queue(ctx context.Context, page []settled.Event) error {
	ids := make([]string, len(page))
	for i, event := range page {
		ids[i] = event.ID
	}
	if !b.dry && len(ids) > 0 {
		queued, err := b.store.RepeatAll(ctx, ids)
		if err != nil {
			return err
		}
		b.queued += queued
	}
	for _, event := range page {
		b.counted[event.Type]++
	}
	if b.dry || b.rate == 0 || len(ids) == 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(len(ids)) * time.Second / time.Duration(b.rate)):
		return nil
	}
}

// report says what was done, after a failure as well.
func (b *replayByHand) report(e environment) error {
	table := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	total := 0
	for _, eventType := range slices.Sorted(maps.Keys(b.counted)) {
		fmt.Fprintf(table, "%s\t%d\n", eventType, b.counted[eventType])
		total += b.counted[eventType]
	}
	switch {
	case b.dry:
		fmt.Fprintf(table, "%d events would be published again\n", total)
	case int64(total) > b.queued:
		fmt.Fprintf(table, "%d events are published again; %d of them waited already\n", total, int64(total)-b.queued)
	default:
		fmt.Fprintf(table, "%d events are published again\n", total)
	}
	return table.Flush()
}
