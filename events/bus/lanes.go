package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A consumer gives messages out in the order in which they came. Behind a backlog of
// minutes a new message would wait for minutes, and whoever waits for it would give up and
// send it again. So a subject may have several durable consumers, its lanes, each of which
// owns a stretch of the stream: from its own first message up to the first one of the next
// lane. When the newest lane falls behind, another is opened at the end of the stream; a
// lane whose stretch is done is deleted. No message belongs to two lanes.
const (
	// mostLanes bounds the lanes of a subject.
	mostLanes = 32
	// lookEvery is how old a process's knowledge of the lanes may grow.
	lookEvery = time.Second
	// whole, in a lane's metadata, says that everything before its stretch is done. The
	// oldest lane without it has lost the one before it.
	whole = "settled-whole"
)

// lane is a durable consumer and its stretch.
type lane struct {
	consumer jetstream.Consumer
	info     *jetstream.ConsumerInfo
	end      uint64 // the first message that is not its own; 0: there is no next lane
}

func (l lane) name() string { return l.info.Name }

// owns reports whether a message of the stream is in the lane's stretch.
func (l lane) owns(sequence uint64) bool { return l.end == 0 || sequence < l.end }

// through reports whether all of the stretch is acknowledged.
func (l lane) through() bool { return l.end != 0 && l.info.AckFloor.Stream+1 >= l.end }

// given reports whether all of the stretch was given out.
func (l lane) given() bool { return l.end != 0 && l.info.Delivered.Stream+1 >= l.end }

// laneName is the name of the nth lane of a consumer; the first has the consumer's own.
func laneName(consumer string, n int) string {
	if n == 1 {
		return consumer
	}
	return consumer + "_" + strconv.Itoa(n)
}

// laneOf is the consumer that a lane belongs to.
func laneOf(name string) string {
	if i := strings.LastIndexByte(name, '_'); i > 0 {
		if n, err := strconv.Atoi(name[i+1:]); err == nil && n > 1 {
			return name[:i]
		}
	}
	return name
}

// look finds the lanes, the oldest first. It makes the first one, removes those that are
// through, and makes one again that was lost.
func (c *consumption) look() error {
	ctx, cancel := context.WithTimeout(c.stopping, 5*time.Second)
	defer cancel()
	c.looked = c.bus.cfg.Now()
	stream, err := c.bus.streamOf(ctx, c.cfg.Subject)
	if err != nil {
		c.lanes = nil
		return errors.Join(err, c.bus.remade(ctx, c.cfg.Subject))
	}
	lanes, err := c.find(ctx, stream)
	if err != nil {
		return err
	}
	for len(lanes) > 1 && lanes[0].through() {
		if err := c.remove(ctx, stream, lanes[0], lanes[1]); err != nil {
			return err
		}
		lanes = lanes[1:]
	}
	if len(lanes) == 0 || !isWhole(lanes[0].info.Config) {
		if err := c.make(ctx, stream, lanes, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}); err != nil {
			return err
		}
		if lanes, err = c.find(ctx, stream); err != nil {
			return err
		}
	}
	return c.attach(ctx, stream, lanes)
}

// find asks the server which lanes there are.
func (c *consumption) find(ctx context.Context, stream jetstream.Stream) ([]lane, error) {
	var lanes []lane
	consumers := stream.ListConsumers(ctx)
	for info := range consumers.Info() {
		if laneOf(info.Name) == c.bus.named(c.cfg.Name) {
			lanes = append(lanes, lane{info: info})
		}
	}
	if err := consumers.Err(); err != nil {
		return nil, fmt.Errorf("list consumers: %w", err)
	}
	slices.SortFunc(lanes, func(a, b lane) int {
		return cmp.Compare(a.info.Config.OptStartSeq, b.info.Config.OptStartSeq)
	})
	for i := range lanes[:max(0, len(lanes)-1)] {
		lanes[i].end = lanes[i+1].info.Config.OptStartSeq
	}
	return lanes, nil
}

// attach makes the lanes ready to be fetched from, and remembers them.
func (c *consumption) attach(ctx context.Context, stream jetstream.Stream, lanes []lane) error {
	for i := range lanes {
		known := slices.IndexFunc(c.lanes, func(l lane) bool {
			return l.name() == lanes[i].name() && l.info.Created.Equal(lanes[i].info.Created)
		})
		if known >= 0 {
			lanes[i].consumer = c.lanes[known].consumer
			continue
		}
		var err error
		if lanes[i].consumer, err = stream.Consumer(ctx, lanes[i].name()); err != nil {
			return fmt.Errorf("find consumer %s: %w", lanes[i].name(), err)
		}
	}
	c.lanes = lanes
	return nil
}

// make creates a lane beside the others, under the first name that is free. If another
// process does the same at this moment, one of the two is enough.
func (c *consumption) make(ctx context.Context, stream jetstream.Stream, beside []lane, cfg jetstream.ConsumerConfig) error {
	n := 1
	for slices.ContainsFunc(beside, func(l lane) bool { return l.name() == c.bus.named(laneName(c.cfg.Name, n)) }) {
		n++
	}
	cfg.Durable = c.bus.named(laneName(c.cfg.Name, n))
	cfg.FilterSubject, cfg.AckPolicy = c.bus.subject(c.cfg.Subject), jetstream.AckExplicitPolicy
	cfg.AckWait, cfg.MaxDeliver, cfg.MaxAckPending = c.cfg.AckWait, -1, 8192
	_, err := stream.CreateConsumer(ctx, cfg)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerExists) {
		return fmt.Errorf("create consumer %s: %w", cfg.Durable, err)
	}
	return nil
}

// remove deletes a lane that is through; the next one knows before that nothing is missing.
func (c *consumption) remove(ctx context.Context, stream jetstream.Stream, done, next lane) error {
	if !isWhole(next.info.Config) {
		cfg := next.info.Config
		cfg.Metadata = map[string]string{whole: "true"}
		if _, err := stream.UpdateConsumer(ctx, cfg); err != nil {
			return fmt.Errorf("mark consumer %s: %w", next.name(), err)
		}
		next.info.Config = cfg
	}
	err := stream.DeleteConsumer(ctx, done.name())
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("delete consumer %s: %w", done.name(), err)
	}
	c.bus.cfg.Log.InfoContext(ctx, "backlog worked off", "consumer", c.cfg.Name, "lane", done.name())
	return nil
}

func isWhole(cfg jetstream.ConsumerConfig) bool {
	return cfg.DeliverPolicy == jetstream.DeliverAllPolicy || cfg.Metadata[whole] != ""
}

// consider looks at the first message that a lane gave: when it is old, other processes
// may have opened a lane, and when it came by the newest one, another is opened.
func (c *consumption) consider(l lane, first jetstream.Msg) error {
	meta, err := first.Metadata()
	if err != nil {
		return err
	}
	age := c.bus.cfg.Now().Sub(meta.Timestamp)
	old := age >= c.bus.cfg.Stale/2 && c.newest(l) // all that an older lane gives is old
	if !old && c.bus.cfg.Now().Sub(c.looked) < lookEvery {
		return nil
	}
	if err := c.look(); err != nil {
		return err
	}
	behind := age > c.bus.cfg.Stale && meta.NumDelivered == 1 && meta.NumPending >= uint64(4*c.cfg.InFlight) //nolint:gosec // a few hands
	if behind && c.newest(l) && len(c.lanes) < mostLanes {
		return c.open(age)
	}
	return nil
}

// newest reports whether no lane is known behind this one.
func (c *consumption) newest(l lane) bool {
	return len(c.lanes) > 0 && c.lanes[len(c.lanes)-1].name() == l.name()
}

// open makes a lane that begins with the next message of the subject.
func (c *consumption) open(age time.Duration) error {
	ctx, cancel := context.WithTimeout(c.stopping, 5*time.Second)
	defer cancel()
	stream, err := c.bus.streamOf(ctx, c.cfg.Subject)
	if err != nil {
		return err
	}
	last, err := stream.GetLastMsgForSubject(ctx, c.bus.subject(c.cfg.Subject))
	if err != nil {
		return fmt.Errorf("find the end of the backlog: %w", err)
	}
	cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: last.Sequence + 1}
	if err := c.make(ctx, stream, c.lanes, cfg); err != nil {
		return err
	}
	c.bus.cfg.Log.WarnContext(ctx, "backlog left to a part of the hands", "consumer", c.cfg.Name, "age", age.Round(time.Second), "until", last.Sequence)
	return c.look()
}

// readable are the lanes that are read: the newest, whose callers still wait; one of the
// older ones that have something to give, each in its turn, so that a few thousand messages
// do not wait behind a million; and those whose whole stretch was given, to which a message
// may come back. One message that does so late must not keep the rest waiting.
func (c *consumption) readable() (given []lane, older *lane, newest lane) {
	last := len(c.lanes) - 1
	var giving []lane
	for _, l := range c.lanes[:last] {
		if l.given() {
			given = append(given, l)
		} else {
			giving = append(giving, l)
		}
	}
	if len(giving) > 0 {
		c.turn++
		older = &giving[c.turn%len(giving)]
	}
	return given, older, c.lanes[last]
}

// share is how many more messages the newest lane may have in hand: half of all hands,
// whatever the others still hold.
func (c *consumption) share(newest lane) int {
	return max(0, max(1, c.cfg.InFlight/2)-c.hands.held(newest.name()))
}

// rest is how many more the older lanes may have in hand together: half of all hands, and
// half of what the newest leaves of its own.
func (c *consumption) rest(newest lane) int {
	held := c.hands.held(newest.name())
	idle := max(0, c.cfg.InFlight/2-held)
	return max(0, max(1, c.cfg.InFlight/2)+idle/2-(c.hands.held("")-held))
}
