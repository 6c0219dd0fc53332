package ingress_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/events"
)

const refundBody = `{"merchant": "shop3", "order_id": "order001", "refund_id": "R1|a", "amount": {"refund": 500, "total": 1999}}`

// reply is what a worker tells.
func reply(t *testing.T, kind string, body any) events.Reply {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return events.Reply{Kind: kind, Data: data}
}

// wireRefund is the refund of refundBody as a worker tells it.
func wireRefund(status string) events.Refund {
	return events.Refund{
		PaymentID: "p1", Merchant: "shop3", OrderID: "order001", RefundID: "R1|a", Status: status,
		Amount: events.RefundAmount{Refund: 500, Total: 1999, Currency: "CNY"},
	}
}

// tells makes the worker tell this of every message.
func (d *desk) tells(replies ...events.Reply) {
	d.bus.worker = func(events.Envelope) []events.Reply { return replies }
}

var acceptedBody = map[string]any{
	"payment_id": "p1", "merchant": "shop3", "order_id": "order001", "refund_id": "R1|a", "status": "requested",
}

func TestARefundIsTakenOnceItIsRecorded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tells(reply(t, events.ReplyRecorded, wireRefund("requested")))
	got := d.call(http.MethodPost, "/v1/refunds", []byte(refundBody))
	if got.status != http.StatusAccepted || got.header.Get("Location") != "/v1/refunds/shop3/R1%7Ca" {
		t.Errorf("answered %d, location %q", got.status, got.header.Get("Location"))
	}
	if diff := cmp.Diff(acceptedBody, got.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	e := d.bus.published[0]
	if e.Type != events.RefundRequested || e.Merchant != "shop3" || e.OrderID != "order001" || e.ReplyTo != "inbox" || string(e.Data) != refundBody {
		t.Errorf("published %+v", e)
	}
}

func TestWhoPrefersToWaitIsToldWhatCameOfARefund(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	body := events.AcceptedRefund{Refund: wireRefund("accepted"), WechatRefundID: "50"}
	d.tells(reply(t, events.ReplyRecorded, wireRefund("requested")), reply(t, events.RefundAccepted, body))
	got := d.call(http.MethodPost, "/v1/refunds", []byte(refundBody), "Prefer", "wait=5")
	if got.status != http.StatusOK || got.header.Get("Preference-Applied") != "wait=5" || got.body["wechat_refund_id"] != "50" {
		t.Errorf("answered %d %s", got.status, got.text)
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Location") == "" {
		t.Errorf("headers %v", got.header)
	}
}

func TestWhoWaitsTooLongForARefundHearsThatItIsRecorded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tells(reply(t, events.ReplyRecorded, wireRefund("requested")))
	got := d.call(http.MethodPost, "/v1/refunds", []byte(refundBody), "Prefer", "wait=1")
	if got.status != http.StatusAccepted || got.body["refund_id"] != "R1|a" {
		t.Errorf("answered %d %s", got.status, got.text)
	}
}

func TestWhatKeepsARefundFromTheCustomerIsSaidInItsStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		"invalid": 400, "unknown_order": 404, "not_paid": 409, "exceeds_payment": 409, "total_mismatch": 409,
		"unsupported": 422, "NOT_ENOUGH": 422, "CLOSED": 422, "ABNORMAL": 422,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			body := events.FailedRefund{Refund: wireRefund("failed"), Error: events.Error{Code: code, Message: "because"}}
			if code == "invalid" {
				body.Problems = events.Problems{{Field: "amount.refund", Issue: "must be more"}}
			}
			d.tells(reply(t, events.RefundFailed, body))
			refused(t, d.call(http.MethodPost, "/v1/refunds", []byte(refundBody)), want, code)
		})
	}
	t.Run("conflict", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.tells(reply(t, events.RefundRejected, events.RejectedRefund{Merchant: "shop3", Error: events.Error{Code: "conflict"}}))
		refused(t, d.call(http.MethodPost, "/v1/refunds", []byte(refundBody)), http.StatusConflict, "conflict")
	})
}

func refused(t *testing.T, got answer, status int, code string) {
	t.Helper()
	failure, _ := got.body["error"].(map[string]any)
	if got.status != status || failure["code"] != code || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("answered %d %s, want %d", got.status, got.text, status)
	}
	if problems, _ := got.body["problems"].([]any); (code == "invalid") != (len(problems) > 0) {
		t.Errorf("problems %v", problems)
	}
	if got.header.Get("Location") != "" {
		t.Errorf("location %q of a refund that is not there", got.header.Get("Location"))
	}
}

func TestARefundIsTurnedAwayBeforeItIsPublished(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"no token":           {refundBody, []string{"Authorization", ""}, 401},
		"an unknown token":   {refundBody, []string{"Authorization", "Bearer sesame"}, 401},
		"another's merchant": {`{"merchant": "shop4"}`, nil, 403},
		"an unknown one":     {`{"merchant": "shop9"}`, nil, 403},
		"no JSON":            {`{"merchant"`, nil, 400},
		"no fields":          {`{}`, nil, 400},
		"more than the total": {
			`{"merchant": "shop3", "order_id": "order001", "refund_id": "R1", "amount": {"refund": 2000, "total": 1999}}`, nil, 400,
		},
		"an unknown field": {
			`{"merchant": "shop3", "order_id": "order001", "refund_id": "R1", "amount": {"refund": 1, "total": 1}, "colour": "red"}`, nil, 400,
		},
		"64 KiB and a byte": {string(bytes.Repeat([]byte(" "), 64<<10+1)), nil, 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			got := d.call(http.MethodPost, "/v1/refunds", []byte(test.body), test.headers...)
			if got.status != test.status || got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("answered %d %s, want %d", got.status, got.text, test.status)
			}
			if len(d.bus.published) != 0 {
				t.Errorf("published %v", d.bus.published)
			}
		})
	}
	if got := newDesk(t).call(http.MethodGet, "/v1/refunds", nil); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "POST" {
		t.Errorf("another method: %d, allowed %q", got.status, got.header.Get("Allow"))
	}
}

func TestARefundThatCanNotBeTakenMayBeRepeated(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(d *desk){
		"the stream is away": func(d *desk) { d.bus.err = settled.ErrUnavailable },
		"no worker":          func(d *desk) { d.cfg.Patience = 50 * time.Millisecond },
		"no worker, no PostgreSQL": func(d *desk) {
			d.cfg.Patience, d.ledger.err = time.Second, settled.ErrUnavailable
		},
		"the number is another refund's, and the worker is silent": func(d *desk) {
			d.cfg.Patience = time.Second
			d.ledger.refunds["R1|a"] = settled.Refund{Merchant: "shop3", RefundID: "R1|a", Fingerprint: "other"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			begin(d)
			got := d.call(http.MethodPost, "/v1/refunds", []byte(refundBody))
			if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
				t.Errorf("answered %d %s", got.status, got.text)
			}
		})
	}
}

// recorded is the refund of refundBody as PostgreSQL has it.
func recorded(t *testing.T, status settled.RefundStatus) settled.Refund {
	t.Helper()
	request, err := events.ParseRefundRequest([]byte(refundBody), map[string]string{"shop3": "v3"})
	if err != nil {
		t.Fatal(err)
	}
	return settled.Refund{
		ID: "r1", PaymentID: "p1", Merchant: "shop3", OrderID: "order001", RefundID: "R1|a", Status: status,
		Amount: 500, Total: 1999, Currency: "CNY", Reason: "cold", Fingerprint: request.Fingerprint(),
		CreatedAt: time.Unix(1_700_000_000, 0), UpdatedAt: time.Unix(1_700_000_001, 0),
	}
}

func TestALostReplyIsReadFromPostgreSQL(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ledger.refunds["R1|a"] = recorded(t, settled.RefundRequested)
	if got := d.call(http.MethodPost, "/v1/refunds", []byte(refundBody)); got.status != http.StatusAccepted || !cmp.Equal(got.body, acceptedBody) {
		t.Errorf("recorded: %d %s", got.status, got.text)
	}
	d.ledger.news = settled.Event{Type: events.RefundCompleted, Data: []byte(`{"status": "completed"}`)}
	if got := d.call(http.MethodPost, "/v1/refunds", []byte(refundBody), "Prefer", "wait=5"); got.status != http.StatusOK || got.body["status"] != "completed" {
		t.Errorf("completed: %d %s", got.status, got.text)
	}
	d.ledger.news = settled.Event{Type: events.RefundFailed, Data: []byte(`{"error": {"code": "ABNORMAL", "message": "mend it"}}`)}
	refused(t, d.call(http.MethodPost, "/v1/refunds", []byte(refundBody)), http.StatusUnprocessableEntity, "ABNORMAL")
}

// Where a place in the stream is enough, the answer names the refund all the same.
func TestAStoredRefundIsNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.cfg.Stored = true
	got := d.call(http.MethodPost, "/v1/refunds", []byte(refundBody))
	want := map[string]any{"merchant": "shop3", "order_id": "order001", "refund_id": "R1|a", "status": "requested"}
	if diff := cmp.Diff(want, got.body); got.status != http.StatusAccepted || diff != "" {
		t.Errorf("answered %d (-want +got):\n%s", got.status, diff)
	}
}

func TestARefundIsShown(t *testing.T) {
	t.Parallel()
	shown := func(changes map[string]any) map[string]any {
		body := map[string]any{
			"payment_id": "p1", "merchant": "shop3", "order_id": "order001", "refund_id": "R1|a", "reason": "cold",
			"amount":     map[string]any{"refund": 500.0, "total": 1999.0, "currency": "CNY"},
			"created_at": "2023-11-15T06:13:20+08:00", "updated_at": "2023-11-15T06:13:21+08:00",
		}
		for name, value := range changes {
			body[name] = value
		}
		return body
	}
	for status, test := range map[settled.RefundStatus]struct {
		change func(*settled.Refund)
		want   map[string]any
	}{
		settled.RefundRequested: {func(*settled.Refund) {}, shown(map[string]any{"status": "requested"})},
		settled.RefundAccepted: {
			func(r *settled.Refund) { r.WechatRefundID = "50" },
			shown(map[string]any{"status": "accepted", "wechat_refund_id": "50"}),
		},
		settled.RefundCompleted: {
			func(r *settled.Refund) {
				r.WechatRefundID, r.RefundedAt, r.Account = "50", time.Unix(1_700_000_100, 0), "CMB 0403"
				r.Failure = settled.Failure{Code: "ABNORMAL", Message: "it was"} // before somebody mended it
			},
			shown(map[string]any{"status": "completed", "wechat_refund_id": "50", "refunded_at": "2023-11-15T06:15:00+08:00", "account": "CMB 0403"}),
		},
		settled.RefundFailed: {
			func(r *settled.Refund) { r.Failure = settled.Failure{Code: "CLOSED", Message: "given up"} },
			shown(map[string]any{"status": "failed", "error": map[string]any{"code": "CLOSED", "message": "given up"}}),
		},
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			r := recorded(t, status)
			test.change(&r)
			d.ledger.refunds["R1|a"] = r
			got := d.call(http.MethodGet, "/v1/refunds/shop3/R1%7Ca", nil)
			if diff := cmp.Diff(test.want, got.body); got.status != http.StatusOK || diff != "" {
				t.Errorf("answered %d (-want +got):\n%s", got.status, diff)
			}
		})
	}
}

func TestARefundIsShownToItsShopAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path   string
		token  string
		err    error
		status int
	}{
		"no token":           {"/v1/refunds/shop3/R1", "", nil, 401},
		"another's merchant": {"/v1/refunds/shop4/R1", "Bearer open-sesame", nil, 403},
		"not there":          {"/v1/refunds/shop3/R1", "Bearer open-sesame", nil, 404},
		"no PostgreSQL":      {"/v1/refunds/shop3/R1", "Bearer open-sesame", errors.Join(settled.ErrUnavailable), 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.ledger.err = test.err
			if got := d.call(http.MethodGet, test.path, nil, "Authorization", test.token); got.status != test.status {
				t.Errorf("answered %d %s, want %d", got.status, got.text, test.status)
			}
		})
	}
}
