package simulator

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
)

const (
	digits   = "0123456789"
	hex      = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
	letters  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	base64   = letters + "-_"
)

// dice is the one source of everything that is drawn.
type dice struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func newDice(random io.Reader) (*dice, error) {
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("read 32 random bytes: %w", err)
	}
	return &dice{source: rand.NewChaCha8(seed)}, nil
}

// text draws n characters of an alphabet of at most 256.
func (d *dice) text(alphabet string, n int) string {
	text := make([]byte, n)
	d.mu.Lock()
	_, _ = d.source.Read(text) // never fails, as documented
	d.mu.Unlock()
	for i, b := range text {
		text[i] = alphabet[int(b)*len(alphabet)>>8]
	}
	return string(text)
}

// chance is true with probability p. What is certain either way is not drawn.
func (d *dice) chance(p float64) bool {
	if p <= 0 || p >= 1 {
		return p >= 1
	}
	return float64(d.number()>>11)/(1<<53) < p
}

// number draws any number of 64 bits.
func (d *dice) number() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.source.Uint64()
}
