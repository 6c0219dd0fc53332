package hints

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"sync"
	"time"
)

// chance spreads over time what processes would otherwise all do at once.
type chance struct {
	mu     sync.Mutex
	random io.Reader
}

// between is a duration from low up to high.
func (c *chance) between(low, high time.Duration) time.Duration {
	return low + time.Duration(c.fraction()*float64(high-low))
}

// fraction is a number from 0 up to 1; 1/2 when there is no randomness to be had.
func (c *chance) fraction() float64 {
	var drawn [8]byte
	if !c.read(drawn[:]) {
		return 0.5
	}
	return float64(binary.LittleEndian.Uint64(drawn[:])>>11) / (1 << 53)
}

// name is a name that nobody else has.
func (c *chance) name() string {
	var drawn [16]byte
	c.read(drawn[:])
	return hex.EncodeToString(drawn[:])
}

func (c *chance) read(into []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := io.ReadFull(c.random, into)
	return err == nil
}
