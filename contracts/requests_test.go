package contracts_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"settled/contracts/contracttest"
	"settled/events"
)

// protocols are the merchants of testdata/requests.json.
var protocols = map[string]string{"classic": "legacy", "shop2": "v2", "shop3": "v3"}

// readers are the rules of events, by the subject.
var readers = map[string]func([]byte) error{
	events.PaymentRequested: func(data []byte) error { _, err := events.ParsePaymentRequest(data, protocols); return err },
	events.PaymentReturned:  func(data []byte) error { _, err := events.ParseReturn(data); return err },
	events.RefundRequested:  func(data []byte) error { _, err := events.ParseRefundRequest(data, protocols); return err },
}

// requestTable is a request that breaks no rule, and rows that change it.
type requestTable struct {
	Request map[string]json.RawMessage
	Rows    []requestRow
}

// requestRow changes a request and says what becomes of it.
type requestRow struct {
	Name    string
	Verdict string
	Set     map[string]json.RawMessage
	Without []string
	Long    struct {
		Field, Of string
		Times     int
	}
}

// verdicts say whether the schema takes a request, and whether settled does. What settled
// refuses beyond the schema no schema can say; what it tolerates nobody should write.
var verdicts = map[string][2]bool{
	"good": {true, true}, "bad": {false, false}, "beyond": {true, false}, "tolerated": {false, true},
}

func (r requestRow) apply(t *testing.T, request map[string]json.RawMessage) []byte {
	t.Helper()
	changed := maps.Clone(request)
	maps.Copy(changed, r.Set)
	for _, name := range r.Without {
		delete(changed, name)
	}
	if r.Long.Times > 0 {
		changed[r.Long.Field] = encoded(t, strings.Repeat(r.Long.Of, r.Long.Times))
	}
	return encoded(t, changed)
}

func encoded(t *testing.T, value any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func requestTables(t *testing.T) map[string]requestTable {
	t.Helper()
	data, err := os.ReadFile("testdata/requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var tables map[string]requestTable
	if err := json.Unmarshal(data, &tables); err != nil {
		t.Fatal(err)
	}
	return tables
}

// The same requests through the schema and through the rules of events. contracts/validate.mjs
// puts them through another validator.
func TestSchemasTakeWhatIsTaken(t *testing.T) {
	t.Parallel()
	v := contracttest.New(t)
	tables := requestTables(t)
	for subject, read := range readers {
		if len(tables[subject].Rows) == 0 {
			t.Errorf("%s: no rows", subject)
		}
		for _, row := range tables[subject].Rows {
			want, ok := verdicts[row.Verdict]
			if !ok {
				t.Errorf("%s: %s: no verdict", subject, row.Name)
			}
			data := row.apply(t, tables[subject].Request)
			bySchema, bySettled := v.JSON("publish "+subject, data), read(data)
			if (bySchema == nil) != want[0] {
				t.Errorf("%s: %s: is %s, and the schema says %v", subject, row.Name, row.Verdict, bySchema)
			}
			if (bySettled == nil) != want[1] {
				t.Errorf("%s: %s: is %s, and settled says %v", subject, row.Name, row.Verdict, bySettled)
			}
		}
	}
}

// Many changes at once, in any combination: schema and settled agree unless one of the
// changes is one about which they differ.
func TestSchemasTakeWhatIsTakenInAnyCombination(t *testing.T) {
	t.Parallel()
	v := contracttest.New(t)
	tables := requestTables(t)
	rapid.Check(t, func(rt *rapid.T) {
		subject := rapid.SampledFrom(slices.Sorted(maps.Keys(readers))).Draw(rt, "subject")
		table := tables[subject]
		fields := maps.Clone(table.Request)
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(table.Rows)-1), 0, 6).Draw(rt, "rows") {
			row := table.Rows[i]
			if want := verdicts[row.Verdict]; want[0] != want[1] || string(row.Set["merchant"]) == `"classic"` {
				continue
			}
			if err := json.Unmarshal(row.apply(t, fields), &fields); err != nil {
				rt.Fatal(err)
			}
			for _, name := range row.Without {
				delete(fields, name)
			}
		}
		data := encoded(t, fields)
		bySchema, bySettled := v.JSON("publish "+subject, data), readers[subject](data)
		if (bySchema == nil) != (bySettled == nil) {
			rt.Fatalf("%s\nthe schema says %v\nsettled says %v", data, bySchema, bySettled)
		}
	})
}
