package ingress

import (
	"container/list"
	"net"
	"sync/atomic"
)

// guest is a connection in the lobby. One that is in hand stands in no list, and is left
// alone.
type guest struct {
	net.Conn
	lobby *lobby
	body  atomic.Int32 // noBody, bodyComes, bodyWaitedFor

	open  bool // counted among the lobby's; like list and place it is under the lobby's lock
	list  *list.List
	place *list.Element
}

// How far a request's body has come. Most come with their header: they are read without a lock,
// and whoever is slow to read them for want of CPU takes nobody for slow to send them.
const (
	noBody        = iota
	bodyComes     // of what was received already
	bodyWaitedFor // more was asked of the connection
)

// Read is called by the server; within a body, once it has used up what it had of it. At a
// body's end it asks for one byte, to hear whether anybody hangs up.
func (g *guest) Read(p []byte) (int, error) {
	if len(p) > 1 && g.body.Load() == bodyComes {
		g.lobby.waits(g)
	}
	return g.Conn.Read(p)
}

// CloseWrite lets the server say its last word before it hangs up on whoever still sends.
func (g *guest) CloseWrite() error {
	if conn, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return conn.CloseWrite()
	}
	return nil
}

func (g *guest) move(to *list.List) {
	if g.list != nil {
		g.list.Remove(g.place)
	}
	g.list = to
	if to != nil {
		g.place = to.PushBack(g)
	}
}

// entrance is where connections come in as the lobby's guests.
type entrance struct {
	net.Listener
	lobby *lobby
}

// Accept waits for the next guest.
func (e entrance) Accept() (net.Conn, error) {
	conn, err := e.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guest{Conn: conn, lobby: e.lobby}, nil
}
