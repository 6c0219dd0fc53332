package bus

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Metrics is what the bus counts. Consumers and subjects are told without prefix.
type Metrics interface {
	// Handled counts a message by what became of it.
	Handled(consumer, verdict string)
	// Died counts a message that became a dead letter.
	Died(subject string)
	// Waiting tells how many messages a consumer has not been given yet, and how many it
	// has been given and has not acknowledged.
	Waiting(consumer string, pending uint64, inHand int)
	// DeadLetters tells how many dead letters are kept.
	DeadLetters(kept uint64)
}

// silent counts nothing.
type silent struct{}

func (silent) Handled(string, string)      {}
func (silent) Died(string)                 {}
func (silent) Waiting(string, uint64, int) {}
func (silent) DeadLetters(uint64)          {}

// Measure tells the metrics what waits in the streams.
func (b *Bus) Measure(ctx context.Context) error {
	for _, s := range streams {
		found, err := b.js.Stream(ctx, b.named(s.name))
		if err != nil {
			return fmt.Errorf("measure stream %s: %w", b.named(s.name), err)
		}
		if s.name == Dead {
			b.cfg.Metrics.DeadLetters(found.CachedInfo().State.Msgs)
		}
		if !s.input {
			continue
		}
		consumers := found.ListConsumers(ctx)
		var infos []*jetstream.ConsumerInfo
		for info := range consumers.Info() {
			infos = append(infos, info)
		}
		if err := consumers.Err(); err != nil {
			return fmt.Errorf("measure consumers of %s: %w", b.named(s.name), err)
		}
		waiting(infos, func(consumer string, pending uint64, inHand int) {
			b.cfg.Metrics.Waiting(strings.TrimPrefix(consumer, b.named("")), pending, inHand)
		})
	}
	return nil
}

// waiting tells how many messages of each consumer wait, over all of its lanes.
func waiting(infos []*jetstream.ConsumerInfo, tell func(consumer string, pending uint64, inHand int)) {
	lanes := map[string][]*jetstream.ConsumerInfo{}
	for _, info := range infos {
		lanes[laneOf(info.Name)] = append(lanes[laneOf(info.Name)], info)
	}
	for consumer, of := range lanes {
		slices.SortFunc(of, func(a, b *jetstream.ConsumerInfo) int {
			return cmp.Compare(a.Config.OptStartSeq, b.Config.OptStartSeq)
		})
		var pending uint64
		var inHand int
		for i, info := range of {
			own := info.NumPending
			if i+1 < len(of) { // what is of the next lane is counted there
				own -= min(own, of[i+1].NumPending+of[i+1].Delivered.Consumer)
			}
			pending, inHand = pending+own, inHand+info.NumAckPending
		}
		tell(consumer, pending, inHand)
	}
}
