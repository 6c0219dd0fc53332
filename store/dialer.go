package store

import (
	"context"
	"net"
	"time"
)

// dialer makes connections whose every read and write has a deadline. lib/pq waits for an
// answer beyond the context's deadline when the path is cut without a word; a worker
// would be held for ever.
type dialer struct {
	silence time.Duration
}

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	nd := net.Dialer{Timeout: d.silence, KeepAlive: 15 * time.Second}
	conn, err := nd.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &impatientConn{Conn: conn, silence: d.silence}, nil
}

// impatientConn gives up a call that stays silent for too long. An idle connection has no
// call under way and is not touched.
type impatientConn struct {
	net.Conn
	silence time.Duration
}

func (c *impatientConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *impatientConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
