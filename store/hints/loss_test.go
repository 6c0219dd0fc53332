package hints_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"settled/store/hints"
)

func TestWhatRedisHasLostIsGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, redis *bubbleRedis, f fleet) {
		p := f.start(t)
		p.has(t, tokenNumber(1))
		redis.FlushAll()
		pass(time.Minute)
		p.has(t, tokenNumber(1))
		synctest.Wait()
		f.start(t).has(t, tokenNumber(1))
		if w.count() != 1 {
			t.Errorf("%d fetches, want 1", w.count())
		}
	})
}

func TestANewTokenIsNewerWhateverRedisHasForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, redis *bubbleRedis, f fleet) {
		old, stranger := f.start(t), f.start(t)
		old.has(t, tokenNumber(1))
		redis.FlushAll()
		pass(time.Second)
		stranger.has(t, tokenNumber(2)) // it knows of no token
		pass(time.Minute)
		old.has(t, tokenNumber(1)) // this makes it look
		synctest.Wait()
		old.has(t, tokenNumber(2))
		stranger.has(t, tokenNumber(2))
	})
}

func TestARefusedTokenDoesNotComeBackFromAnotherProcess(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		first, second := f.start(t), f.start(t)
		first.has(t, tokenNumber(1))
		second.has(t, tokenNumber(1))
		pass(time.Minute) // what second has is due to be compared with Redis
		w.failWith(errBusy)
		if err := first.Refused(t.Context(), tokenNumber(1)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		second.has(t, tokenNumber(1))
		synctest.Wait()
		if value, err := second.Token(t.Context()); err == nil {
			t.Errorf("%s is still handed out", value)
		}
	})
}

// TestEmptyingRedisAllTheTimeCostsLittle holds the promise that losing what Redis knows
// costs at most one fetch for each process, and no caller anything.
func TestEmptyingRedisAllTheTimeCostsLittle(t *testing.T) {
	t.Parallel()
	w := newWeChat()
	server, f := realRedis(t, w)
	var ahead atomic.Int64 // lets the processes look at Redis far more often than each minute
	f.config.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	processes := f.startAll(t, 6)

	crowd(t, 61, func(i int) {
		for range 50 {
			if i == 60 {
				ahead.Add(int64(15 * time.Second))
				if err := server.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			} else if _, err := processes[i%6].Token(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	if w.count() > 1+len(processes) {
		t.Errorf("%d fetches, want %d at most", w.count(), 1+len(processes))
	}
}

func TestATokenOutlivesRedis(t *testing.T) {
	t.Parallel()
	w := newWeChat()
	server, f := realRedis(t, w)
	var ahead atomic.Int64
	f.config.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	p := f.start(t)
	p.has(t, tokenNumber(1))

	server.Kill()
	ahead.Add(int64(time.Minute))
	for range 100 {
		p.has(t, tokenNumber(1))
	}
	p.await(t, hints.RedisLost)
	if err := p.hints.Ready(t.Context()); err == nil {
		t.Error("a dead redis is ready")
	}

	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	ahead.Add(int64(time.Minute))
	p.has(t, tokenNumber(1))
	p.await(t, hints.RedisBack)
	f.start(t).has(t, tokenNumber(1)) // by then Redis has it again
	if w.count() != 1 {
		t.Errorf("%d fetches, want 1", w.count())
	}
	if again := p.count(hints.RedisLost) + p.count(hints.RedisBack); again != 0 {
		t.Errorf("the same loss was told %d times more", again)
	}
}

func TestASilentRedisHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWeChat()
	server, f := realRedis(t, w)
	server.Pause()
	defer server.Resume()
	f.tokens.Wait = 10 * time.Second
	p := f.start(t)
	p.has(t, tokenNumber(1))
	if p.count(hints.RedisLost) != 1 {
		t.Error("nobody heard that redis is silent")
	}
}

func TestWithoutRedisAProcessFetchesItsShareOnly(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, redis *bubbleRedis, f fleet) {
		f.tokens.DailyQuota = 60 // a twentieth is three
		p := f.start(t)
		p.has(t, tokenNumber(1))
		redis.vanish()

		pass(tokenLife * 9 / 10)
		p.has(t, tokenNumber(1)) // nothing is fetched while it lasts
		pass(0)
		if w.count() != 1 {
			t.Fatalf("%d fetches, want 1", w.count())
		}
		for n := range 3 {
			if err := p.Refused(t.Context(), tokenNumber(n+1)); err != nil {
				t.Error(err)
			}
			pass(time.Hour)
			p.has(t, tokenNumber(n+2))
		}
		if err := p.Refused(t.Context(), tokenNumber(4)); err != nil {
			t.Error(err)
		}
		pass(10 * time.Second)
		if _, err := p.Token(t.Context()); !errors.Is(err, hints.ErrQuota) || w.count() != 4 {
			t.Errorf("%d fetches (%v), want 4", w.count(), err)
		}

		redis.comeBack()
		pass(time.Minute)
		p.has(t, tokenNumber(5))
		if got := redis.HGet("{"+merchant+"}:fetches", "count"); got != "5" {
			t.Errorf("redis counts %s fetches, want all 5", got)
		}
	})
}

func TestARestartOfRedisIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, redis *bubbleRedis, f fleet) {
		f.start(t).has(t, tokenNumber(1))
		redis.vanish()
		stranger := f.start(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			stranger.has(t, tokenNumber(1))
		}()
		pass(500 * time.Millisecond)
		redis.comeBack()
		<-done
		if w.count() != 1 {
			t.Errorf("%d fetches, want 1", w.count())
		}
	})
}

func TestAFleetWithoutRedisGoesOnWithWhatItHas(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, redis *bubbleRedis, f fleet) {
		processes := f.startAll(t, 5)
		for _, p := range processes {
			p.has(t, tokenNumber(1))
		}
		redis.vanish()
		for range 100 {
			pass(time.Minute)
			for _, p := range processes {
				p.has(t, tokenNumber(1))
			}
		}
		redis.comeBack()
		for range 3 {
			pass(time.Minute)
			for _, p := range processes {
				if _, err := p.Token(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		for _, p := range processes {
			p.has(t, tokenNumber(2)) // it was long time to refresh it, for one of them
			if lost, back := p.count(hints.RedisLost), p.count(hints.RedisBack); lost != 1 || back != 1 {
				t.Errorf("redis was lost %d times and back %d times, want 1 and 1", lost, back)
			}
		}
		if w.count() != 2 {
			t.Errorf("%d fetches, want 2", w.count())
		}
	})
}

func TestATokenFetchedWhileRedisWasLostIsShared(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, redis *bubbleRedis, f fleet) {
		release := w.holdFetches()
		p := f.start(t)
		go func() { _, _ = p.Token(t.Context()) }()
		<-w.began
		redis.vanish()
		release()
		pass(time.Second)
		p.has(t, tokenNumber(1))
		redis.comeBack()
		pass(time.Minute)
		p.has(t, tokenNumber(1))
		synctest.Wait()
		f.start(t).has(t, tokenNumber(1))
	})
}
