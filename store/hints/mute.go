package hints

import "github.com/redis/go-redis/v9/logging"

// Mute keeps go-redis from writing to stderr, for the whole process and before anything
// else is called: it tells of every single connection that it does not get, in a form of
// its own. Hints says once that Redis is away, and once that it is back.
func Mute() { logging.Disable() }
