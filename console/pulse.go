package console

import (
	"context"
	"errors"
	"sync"
	"time"

	"settled"
)

// beat is the whole house as it was seen at one moment.
type beat struct {
	overview settled.Overview
	known    bool  // there is an overview, perhaps an old one
	err      error // why there is no newer one
	failing  []string
	queues   []Queue
	keys     []Key
	dead     int
}

const (
	mostStreams     = 64 // that are open at once
	mostStreamsEach = 8  // of one session; with nobody signed in, of one address
)

var errTooManyStreams = errors.New("too many watch at this moment")

// pulse looks at the house for all who watch, however many they are: at most once within a
// pace, and not at all while nobody does.
type pulse struct {
	cfg  Config
	life context.Context
	stop func()

	mu      sync.Mutex
	last    beat
	fresh   bool
	looking chan struct{} // closed when the look that is under way is over; nil: none is
	streams map[*stream]struct{}
}

// stream is one browser that watches.
type stream struct {
	of  string // the session, or the address
	end context.CancelFunc
}

func newPulse(cfg Config) *pulse {
	life, stop := context.WithCancel(context.Background())
	return &pulse{cfg: cfg, life: life, stop: stop, streams: map[*stream]struct{}{}, last: beat{dead: -1}}
}

// look is the house as it was seen within the last pace, or is seen now.
func (p *pulse) look(ctx context.Context) beat {
	p.mu.Lock()
	if p.fresh {
		defer p.mu.Unlock()
		return p.last
	}
	if p.looking == nil {
		p.looking = make(chan struct{})
		go p.see(p.looking)
	}
	looking := p.looking
	p.mu.Unlock()
	select {
	case <-looking:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// see asks everything at once and keeps what it learns. What can't be read now stays as it
// was.
func (p *pulse) see(looking chan struct{}) {
	var b beat
	var wait sync.WaitGroup
	wait.Go(func() {
		b.overview, b.err = read(context.Background(), p.cfg.Ledger.Overview)
		b.known = b.err == nil
	})
	wait.Go(func() {
		failing, err := read(context.Background(), func(ctx context.Context) ([]string, error) { return p.cfg.Health.Failing(ctx), nil })
		if err != nil {
			failing = []string{"readiness"}
		}
		b.failing = failing
	})
	b.queues, b.keys, b.dead = p.cfg.Health.Queues(), p.cfg.Health.Keys(), p.cfg.Health.DeadLetters()
	wait.Wait()

	p.mu.Lock()
	defer p.mu.Unlock()
	if !b.known {
		b.overview, b.known = p.last.overview, p.last.known
	}
	p.last, p.fresh, p.looking = b, true, nil
	close(looking)
	time.AfterFunc(p.cfg.Pace, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.fresh = false
	})
}

// watch opens a stream. It ends with ctx, with the session, and with the pulse.
func (p *pulse) watch(ctx context.Context, of string, until time.Duration) (context.Context, func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	each := 0
	for s := range p.streams {
		if s.of == of {
			each++
		}
	}
	if p.life.Err() != nil || len(p.streams) >= mostStreams || each >= mostStreamsEach {
		return nil, nil, errTooManyStreams
	}
	ctx, cancel := context.WithTimeout(ctx, until)
	s := &stream{of: of, end: cancel}
	p.streams[s] = struct{}{}
	unhook := context.AfterFunc(p.life, cancel)
	return ctx, func() {
		unhook()
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.streams, s)
	}, nil
}

// end ends the streams of a session.
func (p *pulse) end(session string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.streams {
		if s.of == session {
			s.end()
		}
	}
}
