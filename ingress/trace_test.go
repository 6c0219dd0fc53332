package ingress_test

import (
	"context"
	"net/http"
	"testing"

	"settled"
	"settled/events"
)

// Who has to show a token may name the step that led to its request; a stranger may not, and
// nobody may put anything else into a message's header.
func TestWhoMayNameATrace(t *testing.T) {
	t.Parallel()
	const step = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	refund := []byte(`{"merchant":"shop3","order_id":"traced01","refund_id":"traced01-1","amount":{"refund":1,"total":1}}`)
	for name, row := range map[string]struct{ path, said, want string }{
		"an order system":        {"/v1/refunds", step, step},
		"an order system, wrong": {"/v1/refunds", "00-zz", ""},
		"one that says nothing":  {"/v1/refunds", "", ""},
		"a stranger":             {"/notify/shop3", step, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.cfg.Stored = true
			d.wechat.news = settled.News{Trade: &settled.Trade{OrderID: "traced01"}}
			var route, parent string
			var status int
			d.cfg.Begin = func(ctx context.Context, method, pattern, traceparent string) (context.Context, func(int)) {
				route, parent = method+" "+pattern, traceparent
				return ctx, func(answered int) { status = answered }
			}
			a := d.call(http.MethodPost, row.path, refund, events.HeaderTraceparent, row.said)
			if len(d.bus.published) != 1 {
				t.Fatalf("answered %d %s", a.status, a.text)
			}
			if got := d.bus.published[0].Traceparent; got != row.want || parent != row.want {
				t.Errorf("begun with %q, published with %q, want %q", parent, got, row.want)
			}
			if status != a.status || route == "POST "+row.path != (row.path == "/v1/refunds") {
				t.Errorf("told of %s and %d, answered %d", route, status, a.status)
			}
		})
	}
}
