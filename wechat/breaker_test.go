package wechat

import (
	"testing"
	"time"
)

// ward is a breaker with its clock.
type ward struct {
	breaker
	now time.Time
}

// call makes one call for each letter: + healthy, - failing, ? neither, ~ doubtful. It
// returns a letter for each as well: . for one that was not let through.
func (p *ward) call(letters string) (made string) {
	for _, letter := range letters {
		term, ok, _ := p.admit(p.now)
		if !ok {
			made += "."
			continue
		}
		made += string(letter)
		p.done(p.now, term, map[rune]health{'+': healthy, '-': failing, '?': neither, '~': doubtful}[letter])
	}
	return made
}

func newWard() *ward { return &ward{now: time.Unix(1600000000, 0)} }

func TestAHostIsLeftAloneByWhatWasMeasured(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		calls string
		open  bool
	}{
		"all is well":                     {"++++++++++++++++++++++++", false},
		"four failures":                   {"----", false},
		"five failures":                   {"-----", true},
		"five, but not in a row":          {"--+---", false},
		"five, and callers who gave up":   {"--?--?-", true},
		"callers who gave up":             {"????????????", false},
		"answers that do not verify":      {"~~~~~~~~~~~~", false},
		"half of twenty":                  {"-+-+-+-+-+-+-+-+-+-+", true},
		"half of nineteen":                {"-+-+-+-+-+-+-+-+-+-", false},
		"less than half of the last ones": {"--+--+--+++++++++++++--+--+", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newWard()
			p.call(test.calls)
			if _, ok, again := p.admit(p.now); ok == test.open || test.open != again.After(p.now) {
				t.Errorf("let through: %t, again at %s", ok, again)
			}
		})
	}
}

// A rest is spread by a fifth to both sides, and doubles up to a minute.
func TestAHostThatRestsIsProbedOneCallAtATime(t *testing.T) {
	t.Parallel()
	p := newWard()
	p.call("-----")
	for _, rest := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		left := p.now
		p.now = left.Add(rest - rest/5 - 1)
		if p.call("+") != "." {
			t.Errorf("a call before %s are nearly over", rest)
		}
		p.now = left.Add(rest + rest/5)
		if made := p.call("??-+"); made != "??-." {
			t.Errorf("after %s: %s, want a probe whose callers gave up, one that failed, and then nothing", rest, made)
		}
	}
	p.now = p.now.Add(2 * time.Minute)
	if made := p.call("+----+-----"); made != "+----+-----" {
		t.Errorf("after the first probe that succeeded: %s", made)
	}
	p.now = p.now.Add(6 * time.Second)
	if p.call("+") != "+" {
		t.Error("the rests are not short again")
	}
}

func TestWhileAProbeIsOnItsWayNobodyFollows(t *testing.T) {
	t.Parallel()
	p := newWard()
	early, _, _ := p.admit(p.now)
	p.call("-----")
	p.now = p.now.Add(6 * time.Second)
	probe, ok, _ := p.admit(p.now)
	if !ok || p.call("+") != "." || p.rests(p.now).IsZero() {
		t.Error("somebody follows the probe")
	}
	if p.done(p.now, early, healthy) || p.call("+") != "." {
		t.Error("an answer from before the rest ended it")
	}
	if !p.done(p.now, probe, healthy) || p.call("++") != "++" {
		t.Error("the host is not back")
	}
	for range breakAfter {
		p.done(p.now, early, failing)
	}
	if p.call("+") != "+" {
		t.Error("failures from before the rest count after it")
	}
}
