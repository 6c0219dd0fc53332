package contracts_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/contracts/contracttest"
	"settled/events"
)

// constants finds the texts of a file that a pattern names.
func constants(t *testing.T, file, pattern string) []string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(source), -1) {
		texts = append(texts, found[1])
	}
	return texts
}

func texts[T ~string](values ...T) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = string(value)
	}
	return all
}

// The words that a field may be, in the contract and in the program.
func TestWordsAgree(t *testing.T) {
	t.Parallel()
	contract := contracttest.New(t).Contract
	codes := slices.Concat(constants(t, "../events/refunds.go", `(?m)^\s+Code\w+ +?= "(\w+)"`), []string{"unsupported", "CLOSED", "ABNORMAL"})
	replies := slices.Concat([]string{events.ReplyRecorded, events.ReplyCommitted}, slices.DeleteFunc(slices.Clone(events.Outputs), func(subject string) bool {
		return subject == events.PaymentFlagged || subject == events.AuditBroken // which answer nobody
	}))
	states := texts(settled.Statuses...)
	for _, state := range texts(settled.RefundStatuses...) {
		if !slices.Contains(states, state) {
			states = append(states, state)
		}
	}
	const state = "GET /v1/payments/{merchant}/{order_id}, 200 application/json"
	for _, row := range []struct {
		place, field string
		want         []string
	}{
		{state, "status", texts(settled.Statuses...)},
		{state, "trade_type", texts(settled.APP, settled.JSAPI, settled.NATIVE, settled.H5)},
		{state, "source", texts(settled.FromNotify, settled.FromQuery)},
		{state, "reason", texts(settled.Expired, settled.Requested)},
		{"GET /v1/refunds/{merchant}/{refund_id}, 200 application/json", "status", texts(settled.RefundStatuses...)},
		{"POST /v1/payments, 202 application/json", "status", states},
		{"subscribe audit.broken", "check", append(texts(settled.Checks...), string(settled.CheckAcknowledged))},
		{"subscribe payment.flagged", "reason", constants(t, "../trade.go", `FlagReason = "(\w+)"`)},
		{"subscribe refund.failed", "code", codes},
		{"subscribe notify.received", "kind", []string{events.NotifyPayment, events.NotifyRefund}},
		{"reply to payment.requested", "kind", replies},
	} {
		schema := contract[row.place].Schema
		if len(schema.AnyOf) > 0 {
			schema = schema.AnyOf[0]
		}
		if row.field == "code" {
			schema = schema.Properties["error"]
		}
		field := schema.Properties[row.field]
		var got []string
		for _, literal := range slices.Concat(field.Values, field.Known) {
			var word string
			if err := json.Unmarshal([]byte(literal), &word); err != nil {
				t.Fatal(err)
			}
			got = append(got, word)
		}
		slices.Sort(got)
		slices.Sort(row.want)
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s of %s (-program +contract):\n%s", row.field, row.place, diff)
		}
	}
}

// What the paper for people shows is what the contract for machines takes.
func TestTheExamplesOfThePaperFit(t *testing.T) {
	t.Parallel()
	v := contracttest.New(t)
	paper, err := os.ReadFile("../docs/messages.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, section := range strings.Split(string(paper), "\n### ")[1:] {
		subject, rest, _ := strings.Cut(section, "\n")
		_, block, ok := strings.Cut(rest, "```json\n")
		if !ok {
			continue
		}
		text, _, _ := strings.Cut(block, "```")
		if err := v.JSON("publish "+subject, []byte(text)); err != nil {
			t.Error(err)
		}
		shown++
	}
	if shown < 2 {
		t.Errorf("only %d examples", shown)
	}
}

// An event tells that a payment or a refund has come to stand where it is named after.
func TestAnEventTellsItsOwnStatus(t *testing.T) {
	t.Parallel()
	contract := contracttest.New(t).Contract
	for _, subject := range []string{
		events.PaymentPrepared, events.PaymentCompleted, events.PaymentClosed, events.PaymentFailed,
		events.RefundAccepted, events.RefundCompleted, events.RefundFailed,
	} {
		_, status, _ := strings.Cut(subject, ".")
		if got := contract["subscribe "+subject].Schema.Properties["status"].Values; !slices.Equal(got, []string{`"` + status + `"`}) {
			t.Errorf("%s: status is one of %s", subject, got)
		}
	}
}

// What WeChat's SDK needs is promised, for each way to pay.
func TestWhatTheCustomerPaysWithIsPromised(t *testing.T) {
	t.Parallel()
	v := contracttest.New(t)
	const place = "subscribe payment.prepared"
	example := v.Contract[place].Document.(map[string]any)["examples"].([]any)[0].(map[string]any)
	for trade, fields := range map[string]string{
		"APP": "appid partnerid prepayid package noncestr timestamp sign", "JSAPI": "appId timeStamp nonceStr package signType paySign",
		"NATIVE": "code_url", "H5": "h5_url",
	} {
		for _, left := range append(strings.Fields(fields), "") {
			prepared, client := maps.Clone(example), map[string]any{}
			prepared["trade_type"], prepared["client"] = trade, client
			into := client
			if !strings.Contains(fields, " ") {
				into = prepared
			}
			for _, field := range strings.Fields(fields) {
				if field != left {
					into[field] = "x"
				}
			}
			if err := v.Value(place, prepared); (err == nil) != (left == "") {
				t.Errorf("%s without %q: %v", trade, left, err)
			}
		}
	}
}
