package subscribe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// stream holds what settled tells, without prefix.
const stream = "SETTLED_OUT"

// group is the one priority group of a consumer that is read in order: of all who pull, the
// server gives to one alone.
const group = "ordered"

// ErrConsumer: the durable consumer that is there is not the one that was asked for. Nobody
// changes it unasked: another version of your service may be reading from it.
var ErrConsumer = errors.New("the consumer is not as it was asked for")

// reach bounds one question to JetStream.
const reach = 5 * time.Second

// find looks for the durable consumer, or makes it. Whoever may not make one uses what the
// operator has made.
func (r *reader) find(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, reach)
	defer cancel()
	found, err := r.js.Consumer(ctx, r.named(stream), r.named(r.cfg.Name))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		found, err = r.js.CreateConsumer(ctx, r.named(stream), r.consumerConfig())
		if errors.Is(err, jetstream.ErrConsumerExists) { // another process was faster
			found, err = r.js.Consumer(ctx, r.named(stream), r.named(r.cfg.Name))
		}
	}
	if err != nil {
		return nil, err
	}
	return found, r.suits(found.CachedInfo().Config)
}

func (r *reader) consumerConfig() jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		Durable: r.named(r.cfg.Name), AckPolicy: jetstream.AckExplicitPolicy, AckWait: r.cfg.AckWait, MaxDeliver: -1,
	}
	for _, t := range r.cfg.wanted() {
		cfg.FilterSubjects = append(cfg.FilterSubjects, r.cfg.Prefix+t)
	}
	if !r.cfg.Since.IsZero() {
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &r.cfg.Since
	}
	if r.cfg.Ordered {
		cfg.MaxAckPending = r.cfg.InFlight
		cfg.PriorityPolicy, cfg.PriorityGroups, cfg.PinnedTTL = jetstream.PriorityPolicyPinned, []string{group}, r.cfg.AckWait
	}
	return cfg
}

// suits holds a consumer that is there against what was asked for.
func (r *reader) suits(cfg jetstream.ConsumerConfig) error {
	reads := cfg.FilterSubjects
	if cfg.FilterSubject != "" {
		reads = []string{cfg.FilterSubject}
	}
	asked := r.consumerConfig().FilterSubjects
	slices.Sort(reads)
	slices.Sort(asked)
	switch {
	case cfg.DeliverSubject != "" || cfg.AckPolicy != jetstream.AckExplicitPolicy:
		return fmt.Errorf("%w: it must be pulled from and acknowledged one by one", ErrConsumer)
	case len(r.cfg.Types) > 0 && !slices.Equal(reads, asked):
		return fmt.Errorf("%w: it reads %s, asked for was %s", ErrConsumer, strings.Join(reads, " "), strings.Join(asked, " "))
	case r.cfg.Ordered && (cfg.PriorityPolicy != jetstream.PriorityPolicyPinned || !slices.Equal(cfg.PriorityGroups, []string{group})):
		return fmt.Errorf("%w: order needs the pinned priority group %q", ErrConsumer, group)
	case r.cfg.Ordered && cfg.MaxAckPending != r.cfg.InFlight:
		return fmt.Errorf("%w: its max ack pending is %d, in flight %d; order needs both to be the same", ErrConsumer, cfg.MaxAckPending, r.cfg.InFlight)
	case !r.cfg.Ordered && cfg.PriorityPolicy != jetstream.PriorityPolicyNone:
		return fmt.Errorf("%w: it was made to be read in order", ErrConsumer)
	}
	return nil
}

// named is a name on the server, where no dot may stand.
func (r *reader) named(name string) string {
	return strings.ReplaceAll(r.cfg.Prefix, ".", "_") + name
}
