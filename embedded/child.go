package embedded

import "sync"

// child is a server that runs as a child of this process. Whoever embeds it starts and ends it
// under its lock.
type child struct {
	mu      sync.Mutex
	process *process
}

// Kill ends the server, and what it has started itself, with SIGKILL. What it has written to
// files stays as it is.
func (c *child) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process.kill()
}

// Pause freezes the server, and what it has started itself: connections stay open and nothing
// answers, as on a path that is cut without a word.
func (c *child) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process.running() {
		c.process.pause()
	}
}

// Resume lets a paused server go on.
func (c *child) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process.running() {
		c.process.resume()
	}
}
