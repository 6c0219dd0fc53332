package main

import (
	"os"
	"runtime/debug"
)

// enoughMemory is what a process should do with, in bytes: an ingress with every connection
// that it takes open, or a worker behind any backlog. It is a goal and no bound.
const enoughMemory = 144 << 20

// garbage is how much of it may lie about before the collector works, in percent of what is
// used. A worker uses some ten megabytes: at Go's own 100 percent it would collect all the time.
const garbage = 400

// frugal lets the collector rest while there is memory, and work harder when it comes near to
// what is enough. Who has set GOMEMLIMIT or GOGC has decided already.
func frugal() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(enoughMemory)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
