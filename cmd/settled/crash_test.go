package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"settled"
	"settled/events"
	"settled/store/storetest"
)

// child is settled as a process of its own, to be killed.
type child struct {
	w         *world
	arguments []string
	command   *exec.Cmd
}

// launch starts settled as a process, with an admin port of its own.
func (w *world) launch(name string) *child {
	w.t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	own := strings.Replace(string(text), strings.TrimPrefix(w.admin, "http://"), freeAddress(w.t), 1)
	file := filepath.Join(w.t.TempDir(), "settled.yaml")
	if err := os.WriteFile(file, []byte(own), 0o600); err != nil {
		w.t.Fatal(err)
	}
	c := &child{w: w, arguments: []string{name, "--config", file, "--log-level", "error"}}
	c.start()
	w.t.Cleanup(c.kill)
	return c
}

func (c *child) start() {
	c.w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.w.t.Fatal(err)
	}
	c.command = exec.Command(self, c.arguments...) //nolint:gosec,noctx // this very program; killed at the end
	c.command.Env = append(os.Environ(), asSettled+"=1")
	c.command.Stdout, c.command.Stderr = io.Discard, io.Discard
	c.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.command.Start(); err != nil {
		c.w.t.Fatal(err)
	}
}

// kill ends the process with SIGKILL, in the middle of whatever it does.
func (c *child) kill() {
	_ = c.command.Process.Kill() // it may have ended
	_ = c.command.Wait()
}

// crash kills the process and starts it again.
func (c *child) crash() {
	c.w.t.Helper()
	c.kill()
	c.start()
}

// told counts the orders that an event was told of.
func (w *world) told(subject string, ids []string) int {
	n := 0
	for _, id := range ids {
		if len(w.all(subject, id)) > 0 {
			n++
		}
	}
	return n
}

// crashing kills one process after the other while an event is told of these orders.
func (w *world) crashing(processes []*child, subject string, ids []string, first int) {
	w.t.Helper()
	for i, share := range []int{5, 20, 35, 50, 65, 80} {
		least := share * len(ids) / 100
		w.until(fmt.Sprintf("%d times %s", least, subject), func() bool { return w.told(subject, ids) >= least })
		processes[(first+i)%len(processes)].crash()
	}
	w.until("every "+subject, func() bool { return w.told(subject, ids) == len(ids) })
}

// Workers and the ingress are killed again and again while payments of all three protocols
// are prepared, paid and given back: each is completed once, charged once and refunded once,
// and WeChat hears success for each.
func TestKilledProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{schedule: "[1s, 3s, 5s]", deliver: true})
	processes := []*child{w.launch("worker"), w.launch("ingress"), w.launch("worker")}
	merchants := []string{"classic", "shop2", "shop3"}
	ids, merchantOf := make([]string, 42), map[string]string{}
	var refunds []string
	for i := range ids {
		ids[i] = fmt.Sprintf("crash%04d", i)
		merchantOf[ids[i]] = merchants[i%len(merchants)]
		w.publish(events.PaymentRequested, order(ids[i], map[string]any{"merchant": merchantOf[ids[i]]}))
	}
	w.crashing(processes, events.PaymentPrepared, ids, 0)
	for _, id := range ids {
		w.pays(w.all(events.PaymentPrepared, id)[0].body)
	}
	w.crashing(processes, events.PaymentCompleted, ids, 1)
	for _, id := range ids {
		if merchantOf[id] != "classic" {
			refunds = append(refunds, id)
			w.publish(events.RefundRequested, refund(merchantOf[id], id, id+"-r", 500, 1999))
		}
	}
	w.crashing(processes, events.RefundCompleted, refunds, 2)
	for _, id := range ids {
		w.completedOnce(merchantOf[id], id)
	}
	for _, id := range refunds {
		w.refundedOnce(merchantOf[id], id)
	}
	if stats := w.wechat.Stats(); stats.RefundedTwice != 0 || stats.ChargedTwice != 0 {
		t.Errorf("WeChat counts %+v", stats)
	}
}

// refundedOnce checks what subscribers and WeChat know of an order of which 500 fen went
// back.
func (w *world) refundedOnce(merchant, id string) {
	w.t.Helper()
	if ids := w.once(events.RefundCompleted, id); len(ids) != 1 {
		w.t.Errorf("order %s: %d different events say that it was refunded", id, len(ids))
	}
	if known, err := w.wechat.Order(merchant, id); err != nil || known.RefundedFee != 500 {
		w.t.Errorf("order %s: %d fen went back (%v)", id, known.RefundedFee, err)
	}
}

// completedOnce checks what subscribers, PostgreSQL and WeChat know of a completed order.
func (w *world) completedOnce(merchant, id string) {
	w.t.Helper()
	if ids := w.once(events.PaymentCompleted, id); len(ids) != 1 {
		w.t.Errorf("order %s: %d different events say it was completed", id, len(ids))
	}
	s := storetest.Open(w.t, w.postgres)
	p, err := s.Payment(w.t.Context(), merchant, id)
	if err != nil {
		w.t.Fatal(err)
	}
	history, err := s.History(w.t.Context(), p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	completed := 0
	for _, h := range history {
		if h.To == settled.StatusCompleted {
			completed++
		}
	}
	if p.Status != settled.StatusCompleted || completed != 1 {
		w.t.Errorf("order %s is %s and became completed %d times", id, p.Status, completed)
	}
	w.until("WeChat has heard success for "+id, func() bool {
		known, err := w.wechat.Order(merchant, id)
		return err == nil && known.Acknowledged
	})
	if known, err := w.wechat.Order(merchant, id); err != nil || known.Charges != 1 {
		w.t.Errorf("order %s was charged %d times (%v)", id, known.Charges, err)
	}
}

// A clean stop gives back what it has in hand, so that the next process need not wait for
// any lease.
func TestAStopIsNotACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	stop := w.serve()
	w.publish(events.PaymentRequested, order("stop00001", nil))
	prepared := w.expect(events.PaymentPrepared, "stop00001")
	began := time.Now()
	stop()
	if took := time.Since(began); took > drain {
		t.Errorf("an idle process took %s to stop", took)
	}
	w.publish(events.PaymentRequested, order("stop00002", nil))
	w.serve()
	w.expect(events.PaymentPrepared, "stop00002")
	w.customerPays(prepared)
	w.expect(events.PaymentCompleted, "stop00001")
}
