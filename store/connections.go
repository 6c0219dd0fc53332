package store

import "time"

// Connections says how many connections are in use and how many idle, and how long callers
// have waited for one since the start.
func (s *Store) Connections() (inUse, idle int, waited time.Duration) {
	stats := s.db.Stats()
	return stats.InUse, stats.Idle, stats.WaitDuration
}
