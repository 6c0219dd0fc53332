package wechat

import (
	"testing"
	"time"
)

// hosted is a breaker with a clock.
type hosted struct {
	breaker
	now     time.Time
	changed int // times
}

func newHosted() *hosted { return &hosted{now: began} }

// call makes one call for each letter: + healthy, - failing, ~ doubtful, ? neither. It
// returns a letter for each as well: . for one that was not admitted.
func (h *hosted) call(letters string) (made string) {
	for _, letter := range letters {
		term, admitted, _ := h.admit(h.now)
		if !admitted {
			made += "."
			continue
		}
		made += string(letter)
		if h.done(h.now, term, map[rune]health{'+': healthy, '-': failing, '~': doubtful, '?': neither}[letter]) {
			h.changed++
		}
	}
	return made
}

// probe lets the pause pass and makes the calls.
func (h *hosted) probe(letters string) (made string) {
	h.now = h.until
	return h.call(letters)
}

func TestAHostIsLeftAloneByWhatItAnswered(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		calls string
		open  bool
	}{
		"no call":                         {"", false},
		"all is well":                     {"++++++++++++++++++++++++", false},
		"four failures in a row":          {"----+----", false},
		"five failures in a row":          {"-----", true},
		"five after all was well":         {"++++++++++++++++++++++++-----", true},
		"five, and callers who gave up":   {"--?--?-", true},
		"five, and wrong signatures":      {"--~--~-", true},
		"callers who gave up":             {"????????????", false},
		"wrong signatures":                {"~~~~~~~~~~~~~~~~~~~~~~~~", false},
		"half of twenty":                  {"-+-+-+-+-+-+-+-+-+-+", true},
		"half of nineteen":                {"-+-+-+-+-+-+-+-+-+-", false},
		"ten of twenty-one":               {"+-+-+-+-+-+-+-+-+-++-+-+", true},
		"less than half of the last ones": {"--+--+--+++++++++++++--+--+++", false},
		"half, but of more than twenty":   {"----+----+++++++++++++++++----+----", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHosted()
			h.call(test.calls)
			if rests := !h.rests(h.now).IsZero(); rests != test.open {
				t.Errorf("left alone: %t", rests)
			}
			if told := h.changed == 1; told != test.open {
				t.Errorf("told %d times", h.changed)
			}
		})
	}
}

func TestAfterThePauseOneProbeAtATime(t *testing.T) {
	t.Parallel()
	h := newHosted()
	h.call("-----")
	if again := h.rests(h.now); !again.Equal(h.until) || h.call("+") != "." {
		t.Errorf("worth asking again at %s, want %s", again, h.until)
	}
	h.now = h.until.Add(-1)
	if h.call("+") != "." {
		t.Error("admitted before the pause is over")
	}
	h.now = h.until
	term, admitted, _ := h.admit(h.now)
	if !admitted {
		t.Fatal("no probe is admitted")
	}
	if _, second, again := h.admit(h.now); second || !again.After(h.now) {
		t.Errorf("a second probe: %t, worth asking again at %s", second, again)
	}
	if !h.done(h.now, term, healthy) || h.call("+++") != "+++" {
		t.Error("the probe did not bring the host back")
	}
}

func TestEveryFailedProbeDoublesThePauseUpToAQuarterOfAMinute(t *testing.T) {
	t.Parallel()
	h := newHosted()
	h.call("-----")
	for _, want := range []time.Duration{5, 10, 15, 15} {
		if h.pause != want*time.Second {
			t.Errorf("left alone for about %s, want %d s", h.pause, want)
		}
		if made := h.probe("-+"); made != "-." {
			t.Errorf("after the pause: %s", made)
		}
	}
	if h.changed != 1 {
		t.Errorf("told %d times that the host is left alone", h.changed)
	}
	h.probe("+----+-----")
	if h.pause != shortestBreak || h.changed != 3 {
		t.Errorf("after it was back: left alone for about %s, told %d times", h.pause, h.changed)
	}
}

func TestAProbeThatSaysNothingMakesRoomForTheNext(t *testing.T) {
	t.Parallel()
	h := newHosted()
	h.call("-----")
	if made := h.probe("??~~?+"); made != "??~~?+" || !h.rests(h.now).IsZero() {
		t.Errorf("made %s, left alone until %s", made, h.rests(h.now))
	}
}

func TestThePausesOfManyProcessesDiffer(t *testing.T) {
	t.Parallel()
	lengths := map[time.Duration]bool{}
	for range 100 {
		h := newHosted()
		h.call("-----")
		length := h.until.Sub(h.now)
		lengths[length] = true
		if length < 4*time.Second || length > 6*time.Second {
			t.Errorf("left alone for %s", length)
		}
	}
	if len(lengths) < 50 {
		t.Errorf("%d lengths of 100", len(lengths))
	}
}

func TestAClockThatIsSetBackDoesNotKeepAHostAway(t *testing.T) {
	t.Parallel()
	h := newHosted()
	h.call("-----")
	h.now = h.now.Add(-time.Hour)
	if made := h.call("-+"); made != "-." {
		t.Errorf("an hour back: %s", made)
	}
	if made := h.probe("++"); made != "++" {
		t.Errorf("after the next pause: %s", made)
	}
}
