package ingress

import (
	"bytes"
	"container/list"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
)

// lobby holds the connections whose request is not there yet, and leaves file descriptors
// for the rest of the process. When it is full, none waits outside: whoever has kept it
// waiting longest gives way, first those that have not sent a header, then those whose body
// trickles. So an honest request, which comes in one piece, never waits behind idle ones.
type lobby struct {
	connections int // open at once, those in hand included
	bodies      int // being read at once, each of which may fill maxNotify of memory

	mu      sync.Mutex
	guests  map[net.Conn]*guest
	idle    *list.List // of net.Conn without a whole header, longest first
	reading *list.List // of net.Conn without a whole body, longest first
}

// guest is an open connection. One that is in hand stands in no list, and is left alone.
type guest struct {
	list  *list.List
	place *list.Element
}

func newLobby(connections int) *lobby {
	return &lobby{
		connections: connections, bodies: min(1024, max(1, connections/2)),
		guests: map[net.Conn]*guest{}, idle: list.New(), reading: list.New(),
	}
}

// connKey finds a request's connection in its context.
type connKey struct{}

func (*lobby) context(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// watch is http.Server.ConnState. A connection becomes active with its header's last byte.
func (l *lobby) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew, http.StateIdle:
		l.put(conn, l.idle, l.connections)
	case http.StateActive:
		l.put(conn, nil, l.connections)
	case http.StateClosed, http.StateHijacked:
		l.mu.Lock()
		defer l.mu.Unlock()
		if g := l.guests[conn]; g != nil {
			g.leave()
			delete(l.guests, conn)
		}
	}
}

// put moves a connection to the end of a list, nil for the requests in hand, and closes
// another if there are too many.
func (l *lobby) put(conn net.Conn, to *list.List, most int) {
	l.mu.Lock()
	g := l.guests[conn]
	if g == nil {
		g = &guest{}
		l.guests[conn] = g
	}
	g.leave()
	if to != nil {
		g.list, g.place = to, to.PushBack(conn)
	}
	var out net.Conn
	switch {
	case len(l.guests) > most:
		out = l.longest(conn)
	case l.reading.Len() > l.bodies:
		out, _ = l.reading.Front().Value.(net.Conn)
	}
	if out != nil {
		l.guests[out].leave()
		delete(l.guests, out)
	}
	l.mu.Unlock()
	if out != nil {
		_ = out.Close() // whoever kept us waiting hears no reason
	}
}

// longest is who gives way; the newcomer itself if all others are in hand.
func (l *lobby) longest(newcomer net.Conn) net.Conn {
	for _, waiting := range []*list.List{l.idle, l.reading} {
		if first := waiting.Front(); first != nil && first.Value != newcomer {
			conn, _ := first.Value.(net.Conn)
			return conn
		}
	}
	return newcomer
}

func (g *guest) leave() {
	if g.list != nil {
		g.list.Remove(g.place)
		g.list = nil
	}
}

// whole hands on requests whose body is there, so that a slow one is in nobody's hand.
func (l *lobby) whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := r.Context().Value(connKey{}).(net.Conn)
		switch {
		case r.ContentLength > maxNotify: // the largest of all bodies
			w.Header().Set("Connection", "close")
			write(w, &problem{Status: http.StatusRequestEntityTooLarge, Detail: "The body is too large."})
			return
		case r.ContentLength != 0 && conn != nil:
			l.put(conn, l.reading, l.connections)
			data, err := io.ReadAll(io.LimitReader(r.Body, maxNotify+1))
			l.put(conn, nil, l.connections)
			r.Body = &body{Reader: io.MultiReader(bytes.NewReader(data), broken{err}), Closer: r.Body}
		}
		next.ServeHTTP(w, r)
	})
}

// body was read already.
type body struct {
	io.Reader
	io.Closer
}

// broken ends a body as it ended.
type broken struct{ err error }

// Read never reads anything.
func (b broken) Read([]byte) (int, error) {
	if b.err == nil {
		return 0, io.EOF
	}
	return 0, b.err
}
