package store

import (
	"sync/atomic"
	"time"
)

// clock is the database's clock as seen from here. Deadlines are compared by PostgreSQL;
// a worker whose own clock is minutes off must not set them.
type clock struct {
	ahead atomic.Int64 // nanoseconds that the database is ahead of this process
}

// set takes the database's time, asked for and answered at these local times.
func (c *clock) set(asked, theirs, answered time.Time) {
	middle := asked.Add(answered.Sub(asked) / 2)
	c.ahead.Store(int64(theirs.Sub(middle)))
}

// Now is the time by the database's clock, as of the last call of Ready.
func (s *Store) Now() time.Time {
	return s.now().Add(time.Duration(s.clock.ahead.Load()))
}
