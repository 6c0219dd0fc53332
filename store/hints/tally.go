package hints

import "time"

// The days of the quota are those of Asia/Shanghai, which has had no summer time since
// 1991. consult.lua counts them the same way.
const (
	day          = 24 * time.Hour
	shanghaiEast = 8 * time.Hour
)

// dayOf numbers the days of Asia/Shanghai.
func dayOf(t time.Time) int64 {
	return t.Add(shanghaiEast).Unix() / int64(day/time.Second)
}

// tally is what one process remembers of the day's fetches.
type tally struct {
	day       int64
	seen      int   // the highest count that was ever heard of; Redis may have forgotten it
	alone     int   // fetched by this process without Redis
	uncounted int   // of these, what Redis does not know yet
	told      error // which end of the quota has been told of
}

// roll begins a new day. A day that is over never comes back.
func (t *tally) roll(today int64) {
	if today > t.day {
		*t = tally{day: today, uncounted: t.uncounted}
	}
}

// learn takes the count that Redis has, after it has been told ours.
func (t *tally) learn(today int64, count int) {
	t.uncounted = 0
	t.roll(today)
	if today == t.day {
		t.seen = max(t.seen, count)
	}
}

// share is the part of the daily quota that one process may use without Redis, where
// nobody knows how many others do the same: a twentieth, and one at least.
func share(quota int) int { return max(1, quota/20) }

// takeAlone counts a fetch that is made without Redis, if the quota allows it.
func (t *tally) takeAlone(today int64, quota int) bool {
	t.roll(today)
	if quota > 0 && (t.alone >= share(quota) || t.seen+t.uncounted >= quota) {
		return false
	}
	t.alone++
	t.uncounted++
	return true
}
