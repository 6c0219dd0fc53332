package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// network is what lies between the parts of a world: a proxy on each way, which the test
// makes slow or cuts.
type network struct {
	t     *testing.T
	links map[string]*toxiproxy.Proxy // by what is at the far end
}

func newNetwork(w *world) *network { return &network{t: w.t, links: map[string]*toxiproxy.Proxy{}} }

// over is an address by way of the network, or the address itself if there is none.
func (w *world) over(name, address string) string {
	w.t.Helper()
	if w.net == nil {
		return address
	}
	far, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	far.Host = w.net.link(name, far.Host)
	return far.String()
}

// link makes the way to a server, and returns where it begins.
func (n *network) link(name, far string) string {
	n.t.Helper()
	near := freeAddress(n.t)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, name, near, far)
	if err := proxy.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(proxy.Stop)
	n.links[name] = proxy
	return near
}

// cut ends every connection to a server, and lets none through until mend.
func (n *network) cut(name string) { n.links[name].Stop() }

// mend undoes cut.
func (n *network) mend(name string) {
	n.t.Helper()
	if err := n.links[name].Start(); err != nil {
		n.t.Error(err)
	}
}

// slow lets everything that comes from a server take so much longer, give or take half.
func (n *network) slow(name string, by time.Duration) {
	n.spoil(name, "latency", fmt.Sprintf(`{"latency": %d, "jitter": %d}`, by.Milliseconds(), by.Milliseconds()/2))
}

// swallow lets what comes from a server vanish, on connections that stay open.
func (n *network) swallow(name string) { n.spoil(name, "timeout", `{"timeout": 0}`) }

// interrupt ends each connection to a server after so many bytes from there, in the middle
// of whatever is being said.
func (n *network) interrupt(name string, after int) {
	n.spoil(name, "limit_data", fmt.Sprintf(`{"bytes": %d}`, after))
}

func (n *network) spoil(name, how, attributes string) {
	n.t.Helper()
	toxic := fmt.Sprintf(`{"name": %q, "type": %q, "attributes": %s}`, how, how, attributes)
	if _, err := n.links[name].Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		n.t.Error(err)
	}
}

// heal undoes whatever was done to the way to a server, but for cut. What hangs on it is
// cut, as by a router that has forgotten its connections.
func (n *network) heal(name string) {
	n.t.Helper()
	n.links[name].Toxics.ResetToxics(n.t.Context())
	n.cut(name)
	n.mend(name)
}
