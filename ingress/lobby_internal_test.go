package ingress

import (
	"net"
	"net/http"
	"testing"
)

// Of bodies that are waited for at once the slowest gives way. One of which nothing more is
// asked of the connection does not, however long nobody has the time to read it.
func TestOnlyBodiesThatAreWaitedForGiveWay(t *testing.T) {
	t.Parallel()
	l := newLobby(8) // and four bodies
	var guests []*guest
	for range 8 {
		g := &guest{Conn: &silent{}, lobby: l}
		l.watch(g, http.StateNew)
		l.watch(g, http.StateActive)
		g.body.Store(bodyComes)
		guests = append(guests, g)
	}
	read := func(g *guest) { _, _ = g.Read(make([]byte, 4096)) }
	for _, g := range guests[2:6] {
		read(g)
		read(g) // its first wait counts
	}
	closed(t, guests)
	read(guests[6])
	closed(t, guests, 2)
	guests[3].body.Store(noBody) // the server reads in the background whether anybody hangs up
	l.put(guests[3], nil)
	read(guests[3])
	read(guests[7])
	closed(t, guests, 2)
	read(guests[0])
	closed(t, guests, 2, 4)
	l.put(guests[2], nil) // its handler hears that it was closed
	read(guests[4])
	_, _ = guests[1].Read(make([]byte, 1)) // in the background, at its body's end
	if l.open != 6 || l.reading.Len() != 4 {
		t.Errorf("%d are open and %d waited for, want 6 and 4", l.open, l.reading.Len())
	}
	for _, g := range guests {
		l.watch(g, http.StateClosed)
	}
	if l.open != 0 || l.reading.Len() != 0 {
		t.Errorf("%d are open and %d read, and all have left", l.open, l.reading.Len())
	}
}

// Whoever has waited longest gives way to a newcomer, and the newcomer where all others are in
// hand.
func TestTheLobbyHoldsSoMany(t *testing.T) {
	t.Parallel()
	l := newLobby(3)
	var guests []*guest
	come := func() {
		g := &guest{Conn: &silent{}, lobby: l}
		l.watch(g, http.StateNew)
		guests = append(guests, g)
	}
	for range 5 {
		come()
	}
	closed(t, guests, 0, 1)
	for _, g := range guests[2:] {
		l.watch(g, http.StateActive)
	}
	come()
	closed(t, guests, 0, 1, 5)
	l.watch(guests[3], http.StateIdle)
	come()
	closed(t, guests, 0, 1, 5, 3)
	if l.open != 3 {
		t.Errorf("%d are open, want 3", l.open)
	}
}

func closed(t *testing.T, guests []*guest, want ...int) {
	t.Helper()
	is := map[int]bool{}
	for _, nth := range want {
		is[nth] = true
	}
	for nth, g := range guests {
		if conn, _ := g.Conn.(*silent); conn.closed != is[nth] {
			t.Errorf("connection %d is closed: %t, want %t", nth, conn.closed, is[nth])
		}
	}
}

// silent is a connection that says nothing.
type silent struct {
	net.Conn
	closed bool
}

func (c *silent) Close() error {
	c.closed = true
	return nil
}

func (*silent) Read([]byte) (int, error) { return 0, nil }
