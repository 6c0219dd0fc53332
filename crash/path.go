package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Server is something that a process talks to.
type Server string

// The servers that paths lead to.
const (
	Postgres Server = "postgres"
	NATS     Server = "nats"
	Redis    Server = "redis"
	WeChat   Server = "wechat"
	Ingress  Server = "ingress" // from WeChat and from the order systems
)

// Path is the way from a process to a server, over which anything can happen.
type Path struct {
	proxy *toxiproxy.Proxy
}

// newPath opens a path that leads straight to its server.
func newPath(name, to string) (*Path, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := &Path{proxy: toxiproxy.NewProxy(server, name, "127.0.0.1:0", to)}
	if err := p.proxy.Start(); err != nil {
		return nil, fmt.Errorf("open the path %s: %w", name, err)
	}
	return p, nil
}

// address is where the process finds the server.
func (p *Path) address() string { return p.proxy.Listen }

// Cut ends every connection and refuses new ones, until Mend.
func (p *Path) Cut() { p.proxy.Stop() }

// Silence keeps everything from arriving, in both directions, without a word: connections
// stay open.
func (p *Path) Silence() error {
	return p.both("timeout", map[string]any{"timeout": 0})
}

// SilenceAnswers lets what the process says arrive, and nothing come back.
func (p *Path) SilenceAnswers() error {
	return p.add("timeout", "downstream", map[string]any{"timeout": 0})
}

// Delay lets everything take longer, by up to jitter more or less.
func (p *Path) Delay(by, jitter time.Duration) error {
	return p.both("latency", map[string]any{"latency": by.Milliseconds(), "jitter": jitter.Milliseconds()})
}

// Narrow lets only so many kilobytes through in a second.
func (p *Path) Narrow(kilobytes int) error {
	return p.both("bandwidth", map[string]any{"rate": kilobytes})
}

// ResetAfter ends each connection roughly, so long after it has said something.
func (p *Path) ResetAfter(d time.Duration) error {
	return p.both("reset_peer", map[string]any{"timeout": d.Milliseconds()})
}

// CutAfter ends each connection once so many bytes have come back over it.
func (p *Path) CutAfter(size int) error {
	return p.add("limit_data", "downstream", map[string]any{"bytes": size})
}

// Mend puts everything right again.
func (p *Path) Mend() error {
	p.proxy.Toxics.ResetToxics(context.Background())
	if p.proxy.Enabled {
		return nil
	}
	if err := p.proxy.Start(); err != nil {
		return fmt.Errorf("mend the path %s: %w", p.proxy.Name, err)
	}
	return nil
}

func (p *Path) both(kind string, attributes map[string]any) error {
	if err := p.add(kind, "upstream", attributes); err != nil {
		return err
	}
	return p.add(kind, "downstream", attributes)
}

func (p *Path) add(kind, direction string, attributes map[string]any) error {
	text, err := json.Marshal(map[string]any{
		"name": kind + "_" + direction, "type": kind, "stream": direction, "attributes": attributes,
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	if _, err := p.proxy.Toxics.AddToxicJson(bytes.NewReader(text)); err != nil {
		return fmt.Errorf("put %s on the path %s: %w", kind, p.proxy.Name, err)
	}
	return nil
}

// Path is the way from a process to a server, in a world that is Proxied. The one to the
// ingress is everybody's: its process is "".
func (w *World) Path(process string, to Server) *Path {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.paths[process+">"+string(to)]
}

// Paths are the ways from every process to a server.
func (w *World) Paths(to Server) []*Path {
	var paths []*Path
	for _, p := range w.Processes {
		if path := w.Path(p.Name, to); path != nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// open opens a path and returns where it begins.
func (w *World) open(process string, to Server, upstream string) (string, error) {
	name := process + ">" + string(to)
	p, err := newPath(name, upstream)
	if err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paths[name] = p
	return p.address(), nil
}
