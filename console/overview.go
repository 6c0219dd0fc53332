package console

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"settled"
)

// overviewBody is what the overview shows.
type overviewBody struct {
	Overview settled.Overview
	Known    bool // there is an overview, perhaps an old one
	Stale    bool // it is an old one
	Failing  []string
	Answers  []string // dependencies that do
	Queues   []Queue
	Keys     []Key
	Dead     int
	Chart    chart
	Notified share
}

// dependencies are the names that a process may stand on.
var dependencies = []string{"postgres", "nats", "redis"}

func overviewOf(b beat) overviewBody {
	body := overviewBody{
		Overview: b.overview, Known: b.known, Stale: b.known && b.err != nil, Failing: b.failing, Queues: b.queues, Keys: b.keys, Dead: b.dead,
	}
	for _, name := range dependencies {
		if !contains(b.failing, name) {
			body.Answers = append(body.Answers, name)
		}
	}
	if b.known {
		body.Chart = draw(b.overview.Rates)
		n := b.overview.Notifies
		body.Notified = shareOf(n.OnTime, n.Late, n.Never)
	}
	return body
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func (c *Console) overview(v *visit) {
	v.page(http.StatusOK, "overview", "title.overview", overviewOf(c.pulse.look(v.r.Context())))
}

// writeWithin bounds a write to a browser that watches and reads nothing.
const writeWithin = 10 * time.Second

// live sends the overview again and again, as server-sent events, whenever it looks another
// way than before.
func (c *Console) live(v *visit) {
	if v.r.Method != http.MethodGet {
		v.w.WriteHeader(http.StatusNoContent)
		return
	}
	of, until := "address "+origin(v.r.RemoteAddr), sessionLife
	if v.signedIn {
		of, until = v.session.id, v.session.until.Sub(c.cfg.Now())
	}
	ctx, done, err := c.pulse.watch(v.r.Context(), of, until)
	if err != nil {
		v.w.Header().Set("Retry-After", "30")
		http.Error(v.w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer done()
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no")
	line := http.NewResponseController(v.w)
	ticker := time.NewTicker(c.cfg.Pace)
	defer ticker.Stop()
	var before []byte
	for quiet := 0; ; quiet++ {
		var b bytes.Buffer
		if err := c.pages[v.language].write(&b, "live", v.view("live", "title.overview", overviewOf(c.pulse.look(ctx)))); err != nil {
			return
		}
		news := !bytes.Equal(b.Bytes(), before)
		if ctx.Err() != nil {
			return
		}
		if news || quiet >= 15 {
			_ = line.SetWriteDeadline(time.Now().Add(writeWithin)) //nolint:forbidigo // a connection's deadline is in the machine's own time
			if sendEvent(v.w, b.Bytes(), news) != nil || line.Flush() != nil {
				return
			}
			before, quiet = b.Bytes(), 0
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sendEvent writes one event, or a comment that keeps the connection.
func sendEvent(w io.Writer, html []byte, news bool) error {
	if !news {
		_, err := io.WriteString(w, ": still here\n\n")
		return err
	}
	_, err := fmt.Fprintf(w, "event: overview\ndata: %s\n\n", strings.ReplaceAll(strings.ReplaceAll(string(html), "\r", ""), "\n", "\ndata: "))
	return err
}

// share is how a whole is divided, for a bar of 100 units of length.
type share struct {
	Parts []part
	Whole int
}

type part struct {
	Name         string
	Count        int
	Start, Width string
	Percent      string
}

func shareOf(onTime, late, never int) share {
	s := share{Whole: onTime + late + never}
	at := 0.0
	for _, p := range []part{{Name: "on_time", Count: onTime}, {Name: "late", Count: late}, {Name: "never", Count: never}} {
		if s.Whole > 0 {
			width := 100 * float64(p.Count) / float64(s.Whole)
			p.Start, p.Width, p.Percent = number(at), number(width), percent(p.Count, s.Whole)
			at += width
		}
		s.Parts = append(s.Parts, p)
	}
	return s
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }

// percent never says 100 % of what is not all of it, nor 0 % of what is something.
func percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	tenths := (part*1000 + whole/2) / whole
	switch {
	case part == whole:
		return "100 %"
	case part > 0 && tenths == 0:
		return "< 0.1 %"
	case tenths == 1000:
		return "99.9 %"
	}
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}
