package main

import (
	"os"
	"runtime/debug"
)

// enoughMemory is what a process should do with, in bytes: an ingress with every connection
// that it takes open, or a worker behind any backlog. It is a goal and no bound.
const enoughMemory = 144 << 20

// frugal lets the collector work harder when the memory comes near to what is enough: by
// default it would let it double. Who has set GOMEMLIMIT has decided already.
func frugal() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(enoughMemory)
	}
}
