package hints

import "time"

// brake keeps two fetches apart. It belongs to one process; the pauses that all of them
// keep are in Redis.
type brake struct {
	pause time.Duration // after a fetch that went well
	most  time.Duration // however many went badly

	until   time.Time // nobody here fetches before
	err     error     // what the last fetch failed with; nil if it went well
	streak  int       // how many fetches in a row went badly
	forgets time.Time // when the streak is forgotten
}

// memory is how long a bad streak is remembered after its last pause: a token that was
// good for so long ends it.
const memory = time.Hour

// mostPause is the pause at which a day of fetches just uses up the quota, if there is one.
func mostPause(cfg TokenConfig) time.Duration {
	if cfg.DailyQuota <= 0 {
		return max(cfg.Pause, cfg.MostPause)
	}
	return max(cfg.Pause, day/time.Duration(cfg.DailyQuota))
}

// after is the pause after a streak of bad fetches: it doubles with each.
func (b *brake) after(streak int) time.Duration {
	pause := b.pause
	for i := 1; i < streak && pause < b.most; i++ {
		pause *= 2
	}
	return min(pause, b.most)
}

// lasting is the streak, if it is not forgotten.
func (b *brake) lasting(now time.Time) int {
	if now.Before(b.forgets) {
		return b.streak
	}
	return 0
}

// press keeps this process from fetching for the pause.
func (b *brake) press(now time.Time, pause time.Duration, streak int, err error) {
	b.until, b.err = now.Add(pause), err
	b.streak, b.forgets = streak, b.until.Add(memory)
}
