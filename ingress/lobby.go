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
	bodies      int // waited for at once, each of which may fill maxNotify of memory

	mu      sync.Mutex
	open    int
	idle    *list.List // of guests without a whole header, longest first
	reading *list.List // of guests whose body is waited for, longest first
}

func newLobby(connections int) *lobby {
	return &lobby{
		connections: connections, bodies: min(1024, max(1, connections/2)),
		idle: list.New(), reading: list.New(),
	}
}

// guestKey finds a request's connection in its context.
type guestKey struct{}

func (*lobby) context(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, guestKey{}, conn)
}

// watch is http.Server.ConnState. A connection becomes active with its header's last byte.
func (l *lobby) watch(conn net.Conn, state http.ConnState) {
	g, _ := conn.(*guest)
	switch state {
	case http.StateNew:
		l.admit(g)
	case http.StateIdle:
		l.put(g, l.idle)
	case http.StateActive:
		l.put(g, nil)
	case http.StateClosed, http.StateHijacked:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.remove(g)
	}
}

// admit counts a guest, and shows another one out if there are too many.
func (l *lobby) admit(g *guest) {
	l.mu.Lock()
	g.open = true
	l.open++
	g.move(l.idle)
	var out *guest
	if l.open > l.connections {
		out = l.longest(g)
	}
	l.showOut(out)
}

// put moves a guest to the end of a list, nil for the requests in hand. One that was shown out
// is on its way and stands nowhere.
func (l *lobby) put(g *guest, to *list.List) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.open {
		g.move(to)
	}
}

// waits puts a guest among those whose body is waited for, unless it is there by now, and
// shows another one out if those are too many.
func (l *lobby) waits(g *guest) {
	l.mu.Lock()
	var out *guest
	if g.open && g.body.CompareAndSwap(bodyComes, bodyWaitedFor) {
		g.move(l.reading)
		if l.reading.Len() > l.bodies {
			out, _ = l.reading.Front().Value.(*guest)
		}
	}
	l.showOut(out)
}

// showOut unlocks the lobby, and then closes the connection of whoever has to go, nil for
// nobody.
func (l *lobby) showOut(out *guest) {
	if out != nil {
		l.remove(out)
	}
	l.mu.Unlock()
	if out != nil {
		_ = out.Close() // whoever kept us waiting hears no reason
	}
}

func (l *lobby) remove(g *guest) {
	g.move(nil)
	if g.open {
		g.open = false
		l.open--
	}
}

// longest is who gives way; the newcomer itself if all others are in hand.
func (l *lobby) longest(newcomer *guest) *guest {
	for _, waiting := range []*list.List{l.idle, l.reading} {
		if first := waiting.Front(); first != nil && first.Value != newcomer {
			g, _ := first.Value.(*guest)
			return g
		}
	}
	return newcomer
}

// whole hands on requests whose body is there, so that a slow one is in nobody's hand.
func (l *lobby) whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g, _ := r.Context().Value(guestKey{}).(*guest)
		if r.ContentLength > maxNotify { // the largest of all bodies
			tooLarge(w)
			return
		}
		if r.ContentLength != 0 && g != nil {
			g.body.Store(bodyComes)
			data, err := io.ReadAll(io.LimitReader(r.Body, maxNotify+1))
			if len(data) > maxNotify { // the server reads on for a while: it is still waited for
				tooLarge(w)
				return
			}
			if g.body.Swap(noBody) == bodyWaitedFor {
				l.put(g, nil)
			}
			r.Body = &body{Reader: io.MultiReader(bytes.NewReader(data), broken{err}), Closer: r.Body}
		}
		next.ServeHTTP(w, r)
	})
}

func tooLarge(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	write(w, &problem{Status: http.StatusRequestEntityTooLarge, Detail: "The body is too large."})
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
