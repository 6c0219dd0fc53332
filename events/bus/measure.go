package bus

import (
	"context"
	"fmt"
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
