package hints_test

import (
	"errors"
	"testing"
	"time"

	"settled/store/hints"
)

var errBusy = errors.New("system busy")

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// nextMidnight is when the day ends in Shanghai.
func nextMidnight() time.Time {
	year, month, day := time.Now().In(shanghai).Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, shanghai)
}

// refuseAll refuses every token that the process gets, until it gets no more.
func refuseAll(t *testing.T, p process) error {
	t.Helper()
	for {
		value, err := p.Token(t.Context())
		var unavailable *hints.Unavailable
		switch {
		case errors.Is(err, hints.ErrQuota):
			return err
		case errors.As(err, &unavailable):
			pass(time.Until(unavailable.Until) + time.Second)
		case err != nil:
			t.Fatal(err)
		default:
			if err := p.Refused(t.Context(), value); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAskingStopsBeforeWeChatDoes(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, redis *bubbleRedis, f fleet) {
		f.tokens.DailyQuota = 3
		p, other := f.start(t), f.start(t)
		midnight := nextMidnight()

		err := refuseAll(t, p)
		var unavailable *hints.Unavailable
		if !errors.As(err, &unavailable) || !unavailable.Until.Round(time.Minute).Equal(midnight) {
			t.Errorf("the quota is %v, want it used up until %s", err, midnight)
		}
		if err := refuseAll(t, other); err == nil || w.count() != 3 {
			t.Errorf("another process: %v; %d fetches in all, want 3", err, w.count())
		}

		redis.FlushAll()
		pass(time.Minute)
		if err := refuseAll(t, p); err == nil || w.count() != 3 {
			t.Errorf("emptying redis made it %d fetches (%v), want 3", w.count(), err)
		}
		if p.count(hints.QuotaExhausted) != 1 || p.count(hints.Fetched)+other.count(hints.Fetched) != 3 {
			t.Errorf("heard of %d fetches, and %d times of the quota",
				p.count(hints.Fetched)+other.count(hints.Fetched), p.count(hints.QuotaExhausted))
		}

		pass(time.Until(midnight) + time.Second)
		p.has(t, tokenNumber(4))
		other.has(t, tokenNumber(4))
	})
}

func TestAFailedFetchCounts(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		f.tokens.DailyQuota = 3
		w.failWith(errBusy)
		if err := refuseAll(t, f.start(t)); err == nil || w.count() != 3 {
			t.Errorf("%d fetches (%v), want 3", w.count(), err)
		}
	})
}

func TestATokenThatIsStillGoodIsUsedWhenTheQuotaIsNot(t *testing.T) {
	bubble(t, func(t *testing.T, _ *wechat, _ *bubbleRedis, f fleet) {
		f.tokens.DailyQuota = 1
		p := f.start(t)
		p.has(t, tokenNumber(1))
		pass(tokenLife * 9 / 10)
		p.has(t, tokenNumber(1))
		pass(time.Minute)
		p.has(t, tokenNumber(1))
		if p.count(hints.QuotaExhausted) != 1 {
			t.Error("nobody heard that the quota is used up")
		}
	})
}

func TestACrowdDoesNotRepeatAFetchThatFailed(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		processes := f.startAll(t, 4)
		w.failWith(errBusy)
		crowd(t, 200, func(i int) {
			if _, err := processes[i%4].Token(t.Context()); err == nil {
				t.Error("a token came out of a failure")
			}
		})
		if w.count() != 1 {
			t.Fatalf("%d fetches, want 1", w.count())
		}
		told := 0
		for _, p := range processes {
			if _, err := p.Token(t.Context()); errors.Is(err, errBusy) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%d processes know why, want the one that has fetched", told)
		}

		pass(2 * time.Second)
		w.failWith(nil)
		crowd(t, 200, func(i int) { processes[i%4].has(t, tokenNumber(2)) })
	})
}

func TestPausesGrowUntilTheQuotaLastsTheDay(t *testing.T) {
	for name, bad := range map[string]func(*wechat){
		"every fetch fails":      func(w *wechat) { w.failWith(errBusy) },
		"every token is refused": func(*wechat) {}, // as if somebody else fetched all the time
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
				f.tokens.DailyQuota = 200
				pass(time.Until(nextMidnight()))
				bad(w)
				processes := f.startAll(t, 2)
				for end := nextMidnight(); time.Now().Before(end); pass(time.Minute) {
					for _, p := range processes {
						value, err := p.Token(t.Context())
						if errors.Is(err, hints.ErrQuota) && time.Until(end) > time.Hour {
							t.Fatalf("the quota was used up at %s", time.Now().In(shanghai))
						}
						if err == nil {
							_ = p.Refused(t.Context(), value)
						}
					}
				}
				if w.count() < 100 || w.count() > 200 {
					t.Errorf("%d fetches, want most of the quota and no more", w.count())
				}
			})
		})
	}
}

func TestPausesGrowWithoutAQuotaToo(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		f.tokens.Pause, f.tokens.MostPause = 50*time.Millisecond, 2*time.Second
		w.failWith(errBusy)
		processes := f.startAll(t, 2)
		for end := time.Now().Add(time.Minute); time.Now().Before(end); pass(10 * time.Millisecond) {
			for _, p := range processes {
				if _, err := p.Token(t.Context()); err == nil {
					t.Fatal("a token came out of a failure")
				}
			}
		}
		if w.count() < 25 || w.count() > 40 {
			t.Errorf("%d fetches in a minute, want one every two seconds after the first ones", w.count())
		}
		w.failWith(nil)
		pass(3 * time.Second)
		processes[0].has(t, tokenNumber(w.count()+1))
	})
}

func TestATokenWithoutLifeIsAFailure(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		w.life = 0
		p := f.start(t)
		if value, err := p.Token(t.Context()); err == nil {
			t.Errorf("got %q", value)
		}
		if p.count(hints.FetchFailed) != 1 {
			t.Error("nobody heard of it")
		}
	})
}
