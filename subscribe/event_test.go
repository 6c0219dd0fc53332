package subscribe_test

import (
	"errors"
	"reflect"
	"testing"

	"settled/events"
	"settled/subscribe"
	"settled/subscribe/subscribetest"
)

func TestEveryEventIsRead(t *testing.T) {
	t.Parallel()
	tea := order(1)
	for _, test := range []struct {
		event subscribe.Event
		kind  string
		body  any
	}{
		{tea.Prepared(), events.PaymentPrepared, events.Prepared{}},
		{tea.Completed(), events.PaymentCompleted, events.Completed{}},
		{tea.Closed(), events.PaymentClosed, events.Closed{}},
		{tea.Failed("X", "y"), events.PaymentFailed, events.Failed{}},
		{tea.Rejected(events.Problem{Field: "amount", Issue: "is missing"}), events.PaymentRejected, events.Rejected{}},
		{tea.Flagged("amount_mismatch", "1 is not 2"), events.PaymentFlagged, events.Flagged{}},
		{tea.RefundAccepted("R1", 500), events.RefundAccepted, events.AcceptedRefund{}},
		{tea.RefundCompleted("R1", 500), events.RefundCompleted, events.CompletedRefund{}},
		{tea.RefundFailed("R1", 500, "CLOSED", "z"), events.RefundFailed, events.FailedRefund{}},
	} {
		if test.event.Type != test.kind || reflect.TypeOf(test.event.Body) != reflect.TypeOf(test.body) {
			t.Errorf("%s is a %T", test.event.Type, test.event.Body)
		}
		if test.event.OrderID != tea.OrderID || test.event.Merchant != "shop3" || test.event.ID == "" || test.event.Time.IsZero() {
			t.Errorf("%s: %+v", test.kind, test.event)
		}
	}
	if paid := tea.Completed().Body.(events.Completed); paid.Amount.Total != 1999 || paid.PaymentID == "" || paid.Late {
		t.Errorf("completed: %+v", paid)
	}
	if tea.Completed().ID != tea.CompletedLate().ID || tea.Completed().ID == order(2).Completed().ID {
		t.Error("an order is completed once")
	}
}

func TestWhatSettledNeverTellsIsUnreadable(t *testing.T) {
	t.Parallel()
	good := subscribetest.Order{OrderID: "tea-0001"}.Completed()
	header := func(without, instead string) map[string][]string {
		h := events.Envelope{ID: good.ID, Type: good.Type, Time: good.Time, Data: good.Data}.Header()
		if instead == "" {
			delete(h, without)
		} else {
			h[without] = []string{instead}
		}
		return h
	}
	for name, test := range map[string]struct {
		subject string
		header  map[string][]string
		data    string
	}{
		"no headers":                  {good.Type, nil, string(good.Data)},
		"no id":                       {good.Type, header(events.HeaderID, ""), string(good.Data)},
		"no time":                     {good.Type, header(events.HeaderTime, ""), string(good.Data)},
		"a time that is none":         {good.Type, header(events.HeaderTime, "yesterday"), string(good.Data)},
		"another type than subject":   {good.Type, header(events.HeaderType, events.PaymentClosed), string(good.Data)},
		"a type that there is not":    {"payment.doubled", header(events.HeaderType, "payment.doubled"), string(good.Data)},
		"no JSON":                     {good.Type, header("", ""), `{"merchant"`},
		"nothing":                     {good.Type, header("", ""), ``},
		"no order":                    {good.Type, header("", ""), `{"payment_id": "p", "merchant": "shop3"}`},
		"a number for a name":         {good.Type, header("", ""), `{"payment_id": "p", "merchant": 3, "order_id": "o"}`},
		"an amount that is no number": {good.Type, header("", ""), `{"payment_id": "p", "merchant": "m", "order_id": "o", "amount": {"total": "1"}}`},
	} {
		if event, err := subscribe.Read(test.subject, test.header, []byte(test.data)); !errors.Is(err, subscribe.ErrUnreadable) || event.Body != nil {
			t.Errorf("%s: %+v, %v", name, event, err)
		}
	}
	more := []byte(`{"payment_id": "p", "merchant": "m", "order_id": "o", "one_day": {"more": true}}`)
	if _, err := subscribe.Read(good.Type, header("", ""), more); err != nil {
		t.Errorf("a field more: %v", err)
	}
}
