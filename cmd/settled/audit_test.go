package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled"
	"settled/events"
	"settled/events/bus"
	"settled/store/storetest"
)

// audited is what settled audit --json prints.
type audited struct {
	Checks []struct {
		Name     settled.Check `json:"name"`
		LookedAt int           `json:"looked_at"`
		Breaks   int           `json:"breaks"`
	} `json:"checks"`
	Breaks []struct {
		Check    settled.Check `json:"check"`
		Merchant string        `json:"merchant"`
		OrderID  string        `json:"order_id"`
		RefundID string        `json:"refund_id"`
		Detail   string        `json:"detail"`
	} `json:"breaks"`
}

// audit runs settled audit and checks that its exit code is that of its breaks.
func (w *world) audit() audited {
	w.t.Helper()
	got := settledRuns(w.t.Context(), "audit", "--config", w.file, "--json")
	var report audited
	if err := json.Unmarshal([]byte(got.out), &report); err != nil {
		w.t.Fatalf("exit %d, %v\n%s%s", got.code, err, got.out, got.err)
	}
	if want := min(exitFailed, len(report.Breaks)); got.code != want {
		w.t.Errorf("exit %d with %d breaks", got.code, len(report.Breaks))
	}
	return report
}

// lived is a world in which a payment of every protocol was paid, one with two refunds,
// and others were closed, rejected and flagged; settled has been stopped.
func lived(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, worldConfig{ttl: 3 * time.Second})
	stop := w.serve()
	w.publish(events.PaymentRequested, order("closed001", nil))
	w.publish(events.PaymentRequested, order("wrong", map[string]any{"amount": nil}))
	w.expect(events.PaymentRejected, "wrong")
	w.expect(events.PaymentClosed, "closed001")
	far := time.Now().Add(time.Hour).Format(time.RFC3339)
	for _, merchant := range []string{"classic", "shop2", "shop3"} {
		id := merchant + "01"
		w.publish(events.PaymentRequested, order(id, map[string]any{"merchant": merchant, "expires_at": far}))
		w.customerPays(w.expect(events.PaymentPrepared, id))
		w.expect(events.PaymentCompleted, id)
		if merchant == "classic" {
			continue
		}
		for _, number := range []string{id + "-R1", id + "-R2"} {
			w.publish(events.RefundRequested, refund(merchant, id, number, 500, 1999))
			w.expectRefund(events.RefundCompleted, number)
		}
	}
	w.publish(events.RefundRequested, refund("shop2", "shop201", "too-much", 1999, 1999))
	w.expectRefund(events.RefundFailed, "too-much")
	stop()
	return w
}

func TestAWorldWhereAllWentWellAuditsClean(t *testing.T) {
	t.Parallel()
	w := lived(t)
	report := w.audit()
	if len(report.Breaks) > 0 {
		t.Errorf("breaks %+v", report.Breaks)
	}
	var names []settled.Check
	for _, check := range report.Checks {
		names = append(names, check.Name)
		if check.LookedAt == 0 || check.Breaks > 0 {
			t.Errorf("%+v", check)
		}
	}
	if diff := cmp.Diff(settled.Checks, names); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	got := settledRuns(t.Context(), "audit", "--config", w.file)
	if clean := strings.Count(got.out, "clean"); got.code != exitDone || clean != len(settled.Checks) {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
	}
	stream, err := w.stream.Stream(t.Context(), bus.Out)
	if err != nil || stream.CachedInfo().State.Consumers > 0 {
		t.Errorf("%d consumers are left, %v", stream.CachedInfo().State.Consumers, err)
	}
}

// find reads the first message of a type that tells of an order.
func (w *world) find(eventType, order string) *jetstream.RawStreamMsg {
	w.t.Helper()
	stream, err := w.stream.Stream(w.t.Context(), bus.Out)
	if err != nil {
		w.t.Fatal(err)
	}
	for sequence := uint64(1); sequence <= stream.CachedInfo().State.LastSeq; sequence++ {
		m, err := stream.GetMsg(w.t.Context(), sequence)
		if err == nil && m.Subject == eventType && m.Header.Get(events.HeaderSubject) == order {
			return m
		}
	}
	w.t.Fatalf("no %s of %s in the stream", eventType, order)
	return nil
}

// retell publishes a message once more with the header and the body changed.
func (w *world) retell(m *jetstream.RawStreamMsg, id string, change ...string) {
	w.t.Helper()
	w.lies.Store(true)
	header := nats.Header{}
	for name, values := range m.Header {
		if !strings.HasPrefix(name, "Nats-") {
			header[name] = values
		}
	}
	header.Set(events.HeaderID, id)
	body := strings.NewReplacer(change...).Replace(string(m.Data))
	if _, err := w.stream.PublishMsg(w.t.Context(), &nats.Msg{Subject: m.Subject, Header: header, Data: []byte(body)}); err != nil {
		w.t.Fatal(err)
	}
}

// write changes the database beneath the store.
func (w *world) write(statement string) {
	w.t.Helper()
	if _, err := storetest.DB(w.t, w.postgres).ExecContext(w.t.Context(), statement); err != nil {
		w.t.Fatal(err)
	}
}

// drop deletes a message from the stream.
func (w *world) drop(m *jetstream.RawStreamMsg) {
	w.t.Helper()
	stream, err := w.stream.Stream(w.t.Context(), bus.Out)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := stream.DeleteMsg(w.t.Context(), m.Sequence); err != nil {
		w.t.Fatal(err)
	}
}

const stranger = "00000000-1111-2222-3333-444444444444"

// Every way in which the stream and the database may differ, one by one.
func TestAnAuditTellsWhereTheStreamDiffers(t *testing.T) {
	t.Parallel()
	world := lived(t)
	uuids := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	prepared, completed := world.find(events.PaymentPrepared, "shop301"), world.find(events.PaymentCompleted, "shop301")
	refunded := world.find(events.RefundCompleted, "shop301")
	id := func(m *jetstream.RawStreamMsg) string { return m.Header.Get(events.HeaderID) }
	var told []string
	// The breaks add up: nothing takes a message out of the stream again but the first step.
	for _, step := range []struct {
		name  string
		begin func()
		want  []string
	}{
		{"a message that somebody deleted", func() { world.drop(prepared) }, []string{
			"published shop3 shop301 payment.prepared ID is committed, and neither published nor waiting to be",
		}},
		{"which is published again", func() { world.retell(prepared, id(prepared)) }, []string{
			"-published shop3 shop301 payment.prepared ID is committed, and neither published nor waiting to be",
		}},
		{"a repeat", func() { world.retell(completed, id(completed)) }, nil},
		{"a message that nobody committed", func() { world.retell(prepared, stranger) }, []string{
			"published shop3 shop301 payment.prepared \"ID\" was published, and never committed",
		}},
		{"a message without an id", func() { world.retell(world.find(events.PaymentRejected, "wrong"), "") }, []string{
			"published classic wrong payment.rejected \"\" was published, and never committed",
		}},
		{"a second completed", func() { world.retell(completed, stranger) }, []string{
			"published shop3 shop301 payment.completed \"ID\" was published, and never committed",
			"told_once shop3 shop301 payment.completed was published as \"ID\", and is ID",
		}},
		{"a completed of an order that nobody knows", func() { world.retell(completed, stranger, "shop301", "nobody001") }, []string{
			"published shop3 nobody001 payment.completed \"ID\" was published, and never committed",
		}},
		{"and another of it", func() { world.retell(completed, "11"+stranger[2:], "shop301", "nobody001") }, []string{
			"published shop3 nobody001 payment.completed \"ID\" was published, and never committed",
			"told_once shop3 nobody001 payment.completed was published as \"ID\", and is ID",
		}},
		{"another amount", func() { world.retell(completed, id(completed), `"total":1999`, `"total":1998`) }, []string{
			"amounts shop3 shop301 payment.completed tells 1998 fen CNY, and the row has 1999 CNY",
		}},
		{"another refund", func() { world.retell(refunded, id(refunded), `"refund":500`, `"refund":1500`) }, []string{
			"amounts shop3 shop301 shop301-R1 refund.completed tells 1500 of 1999 fen CNY, and the rows have 500 of 1999 CNY",
		}},
		{"an event of another order", func() { world.retell(prepared, id(prepared), "shop301", "another01") }, []string{
			"published shop3 another01 payment.prepared ID was published, and is payment.prepared of shop3 shop301",
		}},
		{"a private event", func() {
			world.write(`update events set private = true where order_id = 'classic01' and type = 'payment.prepared'`)
		}, []string{
			"published classic classic01 payment.prepared ID was published, and belongs to the history alone",
		}},
		{"another amount in the history", func() {
			lie := `update events set data = replace(data::text, '"total":1999', '"total":2999')::json where order_id = '%s' and type = '%s'`
			world.write(fmt.Sprintf(lie, "classic01", events.PaymentCompleted))
			world.write(fmt.Sprintf(lie, "shop201", events.RefundCompleted))
		}, []string{
			"as_told classic classic01 payment.completed tells amount.total 2999, and the row has 1999",
			"as_told shop2 shop201 shop201-R1 refund.completed tells amount.total 2999, and the row has 1999",
			"as_told shop2 shop201 shop201-R2 refund.completed tells amount.total 2999, and the row has 1999",
		}},
		{"a refund that is not held", func() {
			world.write(`alter table payments drop constraint payment_refunding; update payments set refunding = 1 where order_id = 'classic01'`)
		}, []string{
			"refunds classic classic01 it counts 1 fen as given back, and its refunds hold 0",
		}},
	} {
		step.begin()
		for _, line := range step.want {
			if gone, ok := strings.CutPrefix(line, "-"); ok {
				told = without(told, gone)
				continue
			}
			told = append(told, line)
		}
		var got []string
		for _, b := range world.audit().Breaks {
			name := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", b.Check, b.Merchant, b.OrderID, b.RefundID)), " ")
			got = append(got, name+" "+uuids.ReplaceAllString(b.Detail, "ID"))
		}
		if diff := cmp.Diff(sorted(told), sorted(got)); diff != "" {
			t.Errorf("%s: breaks (-want +got):\n%s", step.name, diff)
		}
	}
	got := settledRuns(t.Context(), "audit", "--config", world.file)
	if got.code != exitFailed || strings.Count(got.out, "\n") != len(told)+len(settled.Checks) || !strings.Contains(got.err, "invariants") {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
	}
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

func without(lines []string, line string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return l == line })
}

// What waits in the outbox is not missing; what waits too long stands still.
func TestAnAuditLeavesTheOutboxItsTime(t *testing.T) {
	t.Parallel()
	w := lived(t)
	m := w.find(events.PaymentPrepared, "shop201")
	w.drop(m)
	w.write(fmt.Sprintf(`insert into outbox (event_id, queued) values ('%s', now() - interval '9 minutes')`, m.Header.Get(events.HeaderID)))
	if breaks := w.audit().Breaks; len(breaks) > 0 {
		t.Errorf("breaks %+v", breaks)
	}
	got := settledRuns(t.Context(), "audit", "--config", w.file, "--still", "8m")
	if got.code != exitFailed || strings.Count(got.out, "still  shop2 shop201: payment.prepared waits to be published since") != 1 {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
	}
}

// An audit goes on beside the work, and takes nothing that happens meanwhile for a break.
func TestAnAuditBesideTheWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	ctx, stop := context.WithCancel(t.Context())
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		for n := 0; ctx.Err() == nil; n++ {
			id := fmt.Sprintf("beside%03d", n)
			w.publish(events.PaymentRequested, order(id, nil))
			w.customerPays(w.expect(events.PaymentPrepared, id))
			w.expect(events.PaymentCompleted, id)
		}
	}()
	w.expect(events.PaymentCompleted, "beside000")
	for range 5 {
		if breaks := w.audit().Breaks; len(breaks) > 0 {
			t.Errorf("breaks %+v", breaks)
		}
	}
	stop()
	<-worked
}

// Without an answer nothing is clean.
func TestAnAuditNeedsBothServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	if got := settledRuns(t.Context(), "audit", "--config", w.file); got.code != exitFailed {
		t.Errorf("without a schema: exit %d\n%s%s", got.code, got.out, got.err)
	}
	w.serve()()
	if got := settledRuns(t.Context(), "audit", "--config", w.file); got.code != exitDone {
		t.Errorf("with nothing in it: exit %d\n%s%s", got.code, got.out, got.err)
	}
	if err := w.nats.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := settledRuns(t.Context(), "audit", "--config", w.file); got.code != exitFailed || !strings.Contains(got.err, "nats") {
		t.Errorf("without NATS: exit %d\n%s%s", got.code, got.out, got.err)
	}
}
