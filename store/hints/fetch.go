package hints

import (
	"context"
	"log/slog"
	"time"
)

// fetched is a new token, or what kept us from it, and how long everyone leaves WeChat
// alone now.
type fetched struct {
	owner  string
	value  string
	life   time.Duration
	known  int64 // the highest version known before; the token is newer
	err    error
	pause  time.Duration
	streak int
}

// fetch asks WeChat for a token and hands it to keep. It is not cut short when the hints
// are closed: the token would be lost to everybody.
func (t *Tokens) fetch(ctx context.Context, q question, streak int, refused int64, keep func(context.Context, fetched)) {
	ctx = context.WithoutCancel(ctx)
	value, life, err := t.ask(ctx)
	f := fetched{owner: q.owner, value: value, life: usableLife(life), err: err}

	t.mu.Lock()
	now := t.now()
	f.known = max(t.highest, t.refused, refused)
	f.streak = max(streak, t.brake.lasting(now))
	if afterRefusal := max(t.refused, refused) >= t.highest && f.known > 0; err != nil || afterRefusal {
		f.streak++
	} else {
		f.streak = 0
	}
	f.pause = t.brake.after(f.streak)
	f.pause += t.hints.chance.between(0, f.pause/4)
	t.brake.press(now, f.pause, f.streak, err)
	t.mu.Unlock()

	t.tell(ctx, f)
	keep(ctx, f)
}

// ask makes the one call.
func (t *Tokens) ask(ctx context.Context) (string, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.FetchTimeout)
	defer cancel()
	value, life, err := t.cfg.Fetch(ctx)
	if err == nil && (value == "" || life <= 0) {
		err = errEmpty
	}
	return value, life, err
}

func (t *Tokens) tell(ctx context.Context, f fetched) {
	if f.err != nil {
		t.log.WarnContext(ctx, "fetch failed", slog.Any("error", f.err), slog.Duration("pause", f.pause))
		t.cfg.Observe(FetchFailed)
		return
	}
	t.log.InfoContext(ctx, "fetched", slog.Duration("life", f.life), slog.Duration("pause", f.pause))
	t.cfg.Observe(Fetched)
}

// store shares what came of a fetch that was made under the lease.
func (t *Tokens) store(ctx context.Context, f fetched) {
	pause, streakLife := f.pause.Milliseconds(), (f.pause + memory).Milliseconds()
	if f.err != nil {
		// A lease that can't be given back ends by itself.
		_ = t.hints.run(ctx, t.hints.scripts.fail, t.keys[:5], f.owner, pause, f.streak, streakLife)
		t.without(t.now().Add(f.pause), f.err)
		return
	}
	version, err := t.hints.run(ctx, t.hints.scripts.store, t.keys[:5],
		f.owner, f.value, f.life.Milliseconds(), f.known, pause, f.streak, streakLife).Int64()
	switch {
	case err != nil: // Redis is given it later, if there is no newer one by then
		t.keepAlone(ctx, f)
	case version == 0: // somebody else was faster: theirs is the newer, if there is one
		t.adopt(f.value, f.known+1, f.life, f.life)
		t.rest(0)
	default:
		t.adopt(f.value, version, f.life, f.life)
	}
}

// keepAlone keeps what came of a fetch that Redis does not know of.
func (t *Tokens) keepAlone(_ context.Context, f fetched) {
	now := t.now()
	if f.err != nil {
		t.without(now.Add(f.pause), f.err)
		return
	}
	t.adopt(f.value, max(f.known+1, now.UnixMicro()), f.life, f.life)
}
