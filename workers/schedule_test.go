package workers

import (
	"testing"
	"time"
	"unicode/utf8"

	"settled"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(now time.Time) *Workers {
	return &Workers{cfg: Config{
		QuerySchedule: []time.Duration{5 * time.Second, 30 * time.Second, time.Minute, 10 * time.Minute},
		Now:           func() time.Time { return now },
		Merchants:     map[string]Merchant{"classic": {Gateway: struct{ settled.Gateway }{}}},
	}}
}

func TestWeChatIsAskedOnScheduleAndAtExpiry(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ since, want time.Duration }{
		"just prepared":                        {0, 5 * time.Second},
		"at the first question":                {5 * time.Second, 30 * time.Second},
		"between two":                          {45 * time.Second, time.Minute},
		"a question was missed":                {2 * time.Minute, 10 * time.Minute},
		"after the last, at its distance":      {12 * time.Minute, 22 * time.Minute},
		"the next one would be after expiry":   {25 * time.Minute, 30 * time.Minute},
		"time is up and the next one is later": {31 * time.Minute, 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := settled.Payment{PreparedAt: noon, ExpiresAt: noon.Add(30 * time.Minute)}
			if got := at(noon.Add(row.since)).nextQuery(p).Sub(noon); got != row.want {
				t.Errorf("%s after it was prepared, the next question is at %s, want %s", row.since, got, row.want)
			}
		})
	}
}

func TestTheFirstQuestionCountsFromNow(t *testing.T) {
	t.Parallel()
	p := settled.Payment{CreatedAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(time.Hour)}
	if got := at(noon).firstQuery(p); !got.Equal(noon.Add(5 * time.Second)) {
		t.Errorf("the first question is at %s", got)
	}
}

func TestAClosedPaymentIsAskedAboutAFewTimesMore(t *testing.T) {
	t.Parallel()
	w := at(noon)
	for attempts, want := range aftercare[1:] {
		got := w.nextCare(settled.Payment{Attempts: attempts}).Sub(noon)
		if got < want*4/5 || got > want*6/5 {
			t.Errorf("after question %d the next one comes in %s, want about %s", attempts+1, got, want)
		}
	}
	if last := w.nextCare(settled.Payment{Attempts: len(aftercare) - 1}); !last.IsZero() {
		t.Errorf("after the last question there is another at %s", last)
	}
}

func TestOnlyWhatTheAnswerCouldMoveIsAskedAbout(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		merchant string
		status   settled.Status
		expires  time.Duration
		want     bool
	}{
		"prepared":                       {"classic", settled.StatusPrepared, time.Minute, true},
		"closed":                         {"classic", settled.StatusClosed, -time.Minute, true},
		"on its way to a prepay id":      {"classic", settled.StatusRequested, time.Minute, false},
		"never prepared, and time is up": {"classic", settled.StatusRequested, 0, true},
		"completed":                      {"classic", settled.StatusCompleted, -time.Minute, false},
		"failed":                         {"classic", settled.StatusFailed, -time.Minute, false},
		"another process's merchant":     {"other", settled.StatusPrepared, time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := settled.Payment{Merchant: row.merchant, Status: row.status, ExpiresAt: noon.Add(row.expires)}
			if got := at(noon).worthAsking(p); got != row.want {
				t.Errorf("worth asking: %t, want %t", got, row.want)
			}
		})
	}
}

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	t.Parallel()
	for attempts, want := range []time.Duration{
		time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 20 * time.Second, 20 * time.Second,
	} {
		if got := backoff(attempts, 20*time.Second); got < want*4/5 || got > want*6/5 {
			t.Errorf("after %d failures: %s, want about %s", attempts, got, want)
		}
	}
	if got := backoff(1<<30, 20*time.Second); got < 16*time.Second || got > 24*time.Second {
		t.Errorf("after very many failures: %s", got)
	}
}

func TestClipEndsAtACharacter(t *testing.T) {
	t.Parallel()
	for most := range 12 {
		got := clip("一壶茶 tea", most)
		if len(got) > most || !utf8.ValidString(got) {
			t.Errorf("clipped to %d bytes: %q", most, got)
		}
	}
	if got := clip("tea", 3); got != "tea" {
		t.Errorf("what fits was clipped to %q", got)
	}
}

func TestTheWireTellsTheTimeOfChina(t *testing.T) {
	t.Parallel()
	if got := wireTime(noon.Add(999 * time.Millisecond)); got != "2026-03-01T20:00:00+08:00" {
		t.Errorf("wireTime = %s", got)
	}
}
