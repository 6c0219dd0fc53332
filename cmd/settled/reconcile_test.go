package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"settled"
	"settled/events"
	"settled/reconcile"
	"settled/wechat/simulator"
)

// reconciles runs the command for the day of a payment.
func (w *world) reconciles(merchant string, of simulator.Receipt, more ...string) output {
	w.t.Helper()
	return settledRuns(w.t.Context(), append([]string{
		"reconcile", "--config", w.file, "--log-level", "error", "--merchant", merchant, "--date", settled.BillDayOf(of.PaidAt).String(),
	}, more...)...)
}

// bought is an order that was paid, with settled there to see it.
func (w *world) bought(merchant, id string) simulator.Receipt {
	w.t.Helper()
	w.publish(events.PaymentRequested, order(id, map[string]any{"merchant": merchant}))
	receipt := w.customerPays(w.expect(events.PaymentPrepared, id))
	w.expect(events.PaymentCompleted, id)
	return receipt
}

// said fails unless the command exits with a code and says something.
func (o output) said(t *testing.T, code int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if o.code != code || !strings.Contains(o.out+o.err, text) {
			t.Errorf("exit %d, want %d with %q:\n%s%s", o.code, code, text, o.out, o.err)
		}
	}
}

// misbehave gives an order a bill of its own.
func (w *world) misbehave(order string, faults simulator.GatewaySwitches) {
	w.t.Helper()
	if err := w.wechat.SwitchOrder(order, simulator.Switches{Gateway: faults}); err != nil {
		w.t.Fatal(err)
	}
}

// One of each: what both know, what WeChat alone knows, what settled alone knows, and what the
// two know differently.
func TestABillIsHeldAgainstTheBooks(t *testing.T) {
	t.Parallel()
	for _, merchant := range []string{"shop2", "shop3"} {
		t.Run(merchant, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldConfig{})
			stop := w.serve()
			tea := w.bought(merchant, "bill-0001")
			w.reconciles(merchant, tea).said(t, exitDone, "they agree", "19.99 CNY")

			w.misbehave("bill-0001", simulator.GatewaySwitches{BillWrongAmount: 1})
			w.reconciles(merchant, tea).said(t, exitFailed, "payment_amount  "+merchant+" bill-0001  WeChat 20.00 CNY, here 19.99 CNY", "1 difference\n")

			w.misbehave("bill-0001", simulator.GatewaySwitches{BillMisses: 1})
			code := exitFailed
			if !tea.PaidAt.Before(settled.BillDayOf(tea.PaidAt).End().Add(-2 * time.Minute)) {
				code = exitDone // tomorrow's bill may have it
			}
			w.reconciles(merchant, tea).said(t, code, "payment_not_in_bill  "+merchant+" bill-0001  WeChat nothing, here 19.99 CNY")
			w.misbehave("bill-0001", simulator.GatewaySwitches{})

			w.publish(events.PaymentRequested, order("bill-0002", map[string]any{"merchant": merchant}))
			prepared := w.expect(events.PaymentPrepared, "bill-0002")
			stop()
			if err := w.wechat.SwitchOrder("bill-0002", simulator.Switches{Notify: simulator.NotifySwitches{Silent: 1}}); err != nil {
				t.Fatal(err)
			}
			cup := w.customerPays(prepared)
			w.reconciles(merchant, cup).said(t, exitFailed,
				"payment_not_completed  "+merchant+" bill-0002  WeChat 19.99 CNY, here 19.99 CNY prepared", cup.TransactionID, "--ask")
			w.serve()
			w.reconciles(merchant, cup, "--ask").said(t, exitFailed, "bill-0002")
			w.expect(events.PaymentCompleted, "bill-0002")
			w.reconciles(merchant, cup).said(t, exitDone, "they agree")
		})
	}
}

// A merchant that moves to another protocol has two names for one account, and one bill.
func TestAnAccountOfTwoNamesHasOneBill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	stop := w.serve()
	tea := w.bought("shop2", "bill-0001")
	stop()
	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "  shop2:\n")
	section, _, _ = strings.Cut(section, "  shop3:\n")
	if err := os.WriteFile(w.file, append(text, "  moved:\n"+section...), 0o600); err != nil {
		t.Fatal(err)
	}
	w.reconciles("moved", tea).said(t, exitDone, "they agree", "moved and shop2", "19.99 CNY")
	w.misbehave("bill-0001", simulator.GatewaySwitches{BillWrongAmount: 1})
	w.reconciles("moved", tea).said(t, exitFailed, "payment_amount  shop2 bill-0001")
}

// nextToMidnight is true while a refund may be booked on another day than its payment.
func nextToMidnight(at time.Time) bool {
	day := settled.BillDayOf(at)
	return at.Sub(day.Begin()) < 5*time.Minute || day.End().Sub(at) < 5*time.Minute
}

func TestRefundsAreHeldAgainstTheBill(t *testing.T) {
	t.Parallel()
	for _, merchant := range []string{"shop2", "shop3"} {
		t.Run(merchant, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldConfig{})
			w.serve()
			tea := w.bought(merchant, "bill-0001")
			w.publish(events.RefundRequested, refund(merchant, "bill-0001", "bill-0001-R1", 500, 1999))
			w.expectRefund(events.RefundCompleted, "bill-0001-R1")
			got := w.reconciles(merchant, tea, "--json")
			var report reconcile.Report
			if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.code != exitDone {
				t.Fatalf("exit %d, %v\n%s%s", got.code, err, got.out, got.err)
			}
			if want := (reconcile.Sum{Count: 1, Fen: 500}); !report.Agree || !nextToMidnight(tea.PaidAt) && (report.Bill.Refunds != want || report.Books.Refunds != want) {
				t.Errorf("%+v", report)
			}
			w.misbehave("bill-0001", simulator.GatewaySwitches{BillWrongAmount: 1})
			w.reconciles(merchant, tea).said(t, exitFailed, "refund_amount  "+merchant+" bill-0001 refund bill-0001-R1  WeChat 5.01 CNY, here 5.00 CNY completed")
			w.misbehave("bill-0001", simulator.GatewaySwitches{BillMisses: 1})
			if !nextToMidnight(tea.PaidAt) {
				w.reconciles(merchant, tea).said(t, exitFailed, "refund_not_in_bill  "+merchant+" bill-0001 refund bill-0001-R1  WeChat nothing, here 5.00 CNY completed", "2 differences")
			}
		})
	}
}

func TestADayWithoutABill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{bills: 9 * time.Hour})
	stop := w.serve() // makes the tables
	stop()
	before := simulator.Receipt{PaidAt: time.Now().AddDate(0, 0, -3)}
	for _, merchant := range []string{"shop2", "shop3"} {
		w.reconciles(merchant, before).said(t, exitDone, "they agree")
		w.reconciles(merchant, simulator.Receipt{PaidAt: time.Now()}).said(t, exitFailed, "WeChat has not made the bill")
	}
	w.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{Down: 1}})
	for _, merchant := range []string{"shop2", "shop3"} {
		w.reconciles(merchant, before).said(t, exitFailed, "status_503")
	}
}

func TestReconcileIsUsedRightly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	for name, row := range map[string]struct {
		merchant, date, says string
	}{
		"no merchant":           {"", "2026-11-27", "--merchant"},
		"no such merchant":      {"nobody", "2026-11-27", `"nobody"`},
		"a legacy one":          {"classic", "2026-11-27", "legacy"},
		"no date":               {"shop3", "", "--date"},
		"no such date":          {"shop3", "2026-02-30", `"2026-02-30"`},
		"a date of other shape": {"shop3", "20261127", `"20261127"`},
		"a day that will come":  {"shop3", settled.BillDayOf(time.Now().AddDate(0, 0, 2)).String(), "not begun"},
	} {
		got := settledRuns(t.Context(), "reconcile", "--config", w.file, "--merchant", row.merchant, "--date", row.date)
		if got.code != exitUsage || !strings.Contains(got.err, row.says) {
			t.Errorf("%s: exit %d, %s", name, got.code, got.err)
		}
	}
}
