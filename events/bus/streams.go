package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

// The streams, without prefix.
const (
	Orders = "SETTLED_ORDERS"
	Notify = "SETTLED_NOTIFY"
	Out    = "SETTLED_OUT"
	Dead   = "SETTLED_DEAD"
)

// stream is one stream as it is created.
type stream struct {
	name     string
	subjects []string
	keep     time.Duration
	input    bool          // full means refused
	window   time.Duration // in which a repeated message id is dropped
}

// streams are all of them. Limits retention throughout: a work queue would turn every
// acknowledgement into a synced delete, and forget at a restart what it has seen. The
// streams that take input are bounded by messages: a bound in bytes would be reserved on
// the server's disk, and refused by a small one. The dead letters' window is short, so that
// a letter which is replayed and dies again is kept.
var streams = []stream{
	{Orders, []string{events.PaymentRequested, events.PaymentReturned, events.RefundRequested}, 48 * time.Hour, true, 2 * time.Minute},
	{Notify, []string{events.NotifyReceived}, 48 * time.Hour, true, 2 * time.Minute},
	{Out, events.Outputs, 7 * 24 * time.Hour, false, 5 * time.Minute},
	{Dead, []string{events.DeadPrefix + ">"}, 30 * 24 * time.Hour, false, time.Second},
}

// holder is the stream that a subject belongs to, both without prefix; empty if none does.
func holder(subject string) string {
	for _, s := range streams {
		if slices.Contains(s.subjects, subject) {
			return s.name
		}
	}
	if strings.HasPrefix(subject, events.DeadPrefix) {
		return Dead
	}
	return ""
}

func (b *Bus) streamOf(ctx context.Context, subject string) (jetstream.Stream, error) {
	return b.js.Stream(ctx, b.named(holder(subject)))
}

// Ensure creates the streams that are not there. What is there is left as it is, but for
// subjects that are missing, and that many messages may be stored with one write. Many
// processes may do it at once.
func (b *Bus) Ensure(ctx context.Context) error {
	if err := b.connected(ctx); err != nil {
		return err
	}
	for _, s := range streams {
		if _, err := b.ensure(ctx, s); err != nil {
			return fmt.Errorf("ensure stream %s: %w", b.named(s.name), err)
		}
	}
	return nil
}

// remade makes the one stream anew that holds a subject, if it is gone. No others: whoever
// publishes events has to learn that theirs is gone before there is another.
func (b *Bus) remade(ctx context.Context, subject string) error {
	for _, s := range streams {
		if s.name != holder(subject) {
			continue
		}
		if _, err := b.ensure(ctx, s); err != nil {
			return fmt.Errorf("make stream %s anew: %w", b.named(s.name), err)
		}
	}
	return nil
}

// ensure returns what the stream is by then.
func (b *Bus) ensure(ctx context.Context, s stream) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := b.js.Stream(ctx, b.named(s.name))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		found, err = b.js.CreateStream(ctx, b.streamConfig(s))
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			found, err = b.js.Stream(ctx, b.named(s.name))
		}
		err = b.denied.explain("$JS.API.STREAM.CREATE."+b.named(s.name), err)
	}
	if err != nil {
		return nil, err
	}
	info := found.CachedInfo()
	missing := slices.DeleteFunc(b.subjects(s), func(subject string) bool { return slices.Contains(info.Config.Subjects, subject) })
	if len(missing) == 0 && info.Config.AllowAtomicPublish {
		return info, nil
	}
	if len(missing) == 0 { // who may not change streams hears nothing, and does without
		brief, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		ctx = brief
	}
	cfg := info.Config
	cfg.Subjects, cfg.AllowAtomicPublish = append(cfg.Subjects, missing...), true
	found, err = b.js.UpdateStream(ctx, cfg)
	switch {
	case err != nil && len(missing) == 0: // without it everything works, slower
		return info, nil
	case err != nil:
		return nil, b.denied.explain("$JS.API.STREAM.UPDATE."+b.named(s.name), err)
	}
	return found.CachedInfo(), nil
}

func (b *Bus) subjects(s stream) []string {
	subjects := make([]string, len(s.subjects))
	for i, name := range s.subjects {
		subjects[i] = b.subject(name)
	}
	return subjects
}

func (b *Bus) streamConfig(s stream) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name: b.named(s.name), Subjects: b.subjects(s), Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		MaxAge: s.keep, Duplicates: s.window, Replicas: b.cfg.Replicas, MaxMsgs: -1, Discard: jetstream.DiscardOld,
		AllowAtomicPublish: true,
	}
	if s.input {
		cfg.MaxMsgs, cfg.Discard = b.cfg.MaxMessages, jetstream.DiscardNew
	}
	return cfg
}

// Trim makes room in the streams that take input. They keep what was acknowledged, and
// refuse new messages when they are full: once one is half full, whatever every consumer
// of a subject has acknowledged is purged, and nothing beyond that.
func (b *Bus) Trim(ctx context.Context) error {
	for _, s := range streams {
		if !s.input {
			continue
		}
		if err := b.trim(ctx, s); err != nil {
			return fmt.Errorf("trim stream %s: %w", b.named(s.name), err)
		}
	}
	return nil
}

func (b *Bus) trim(ctx context.Context, s stream) error {
	found, err := b.js.Stream(ctx, b.named(s.name))
	if err != nil {
		return err
	}
	info := found.CachedInfo()
	if limit := info.Config.MaxMsgs; limit <= 0 || info.State.Msgs < uint64(limit)/2 {
		return nil
	}
	floors := map[string]uint64{}
	consumers := found.ListConsumers(ctx)
	for consumer := range consumers.Info() {
		subject := consumer.Config.FilterSubject
		if floor, ok := floors[subject]; !ok || consumer.AckFloor.Stream < floor {
			floors[subject] = consumer.AckFloor.Stream
		}
	}
	if err := consumers.Err(); err != nil {
		return err
	}
	for subject, floor := range floors {
		if subject == "" || floor == 0 {
			continue
		}
		if err := found.Purge(ctx, jetstream.WithPurgeSubject(subject), jetstream.WithPurgeSequence(floor+1)); err != nil {
			return fmt.Errorf("purge %s: %w", subject, err)
		}
	}
	return nil
}
