package contracts_test

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/contracts"
	"settled/contracts/contracttest"
	"settled/events"
)

// places lists what follows a word in the names of the places, headers aside.
func places(contract contracts.Contract, word string) []string {
	var found []string
	for name := range contract {
		if subject, ok := strings.CutPrefix(name, word); ok && !strings.HasSuffix(name, " headers") {
			found = append(found, subject)
		}
	}
	slices.Sort(found)
	return found
}

func TestEveryPlaceCanBeValidated(t *testing.T) {
	t.Parallel()
	v := contracttest.New(t)
	for name, place := range v.Contract {
		if err := v.Value(name, nil); err == nil && place.Document != nil {
			t.Errorf("%s: takes null", name)
		}
	}
	if unseen := v.Unseen(""); len(unseen) > 0 {
		t.Errorf("not looked at: %q", unseen)
	}
	if err := v.Value("subscribe nothing", nil); err == nil {
		t.Error("a place that is not there takes null")
	}
}

func TestEverySubjectIsInTheContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.New(t).Contract
	if diff := cmp.Diff(slices.Sorted(slices.Values(events.Inputs)), places(contract, "publish ")); diff != "" {
		t.Errorf("what is published (-events +contract):\n%s", diff)
	}
	told := slices.Concat(events.Outputs, []string{events.NotifyReceived, events.DeadPrefix + "{subject}"})
	if diff := cmp.Diff(slices.Sorted(slices.Values(told)), places(contract, "subscribe ")); diff != "" {
		t.Errorf("what is subscribed to (-events +contract):\n%s", diff)
	}
}

// Requests are closed, so that a slip of the pen is found; what settled tells is open, so that
// it can grow.
func TestRequestsAreClosedAndEventsAreOpen(t *testing.T) {
	t.Parallel()
	for name, place := range contracttest.New(t).Contract {
		if place.Schema == nil || strings.HasPrefix(name, "publish notify") || strings.HasSuffix(name, " headers") || strings.Contains(name, ", body") && strings.Contains(name, "/notify/") {
			continue
		}
		want := place.Direction == contracts.Taken
		visit(place.Schema, func(s *contracts.Schema) {
			if len(s.Properties) > 0 && s.Closed != want {
				t.Errorf("%s: an object with %v refuses others: %t", name, slices.Sorted(maps.Keys(s.Properties)), s.Closed)
			}
		})
	}
}

// visit goes through all parts of a schema but conditions, which stand beside the object that
// they speak of.
func visit(s *contracts.Schema, each func(*contracts.Schema)) {
	if s == nil {
		return
	}
	if len(s.AnyOf) == 0 || len(s.Properties) == 0 { // a choice beside properties only says which must be there
		for _, one := range s.AnyOf {
			visit(one, each)
		}
	}
	each(s)
	visit(s.Items, each)
	visit(s.Others, each)
	for _, property := range s.Properties {
		visit(property, each)
	}
}

func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	for name, place := range contracttest.New(t).Contract {
		visit(place.Schema, func(s *contracts.Schema) {
			for field, property := range s.Properties {
				if !property.Described() && len(property.Values) == 0 {
					t.Errorf("%s: %s has no description", name, field)
				}
			}
		})
	}
}

// What an envelope's headers are, and what the contract says of them.
func TestHeadersAgree(t *testing.T) {
	t.Parallel()
	v := contracttest.New(t)
	const id = "6f3a9d0e-3c0b-5c58-9a0e-7f1f6f8f6a51"
	least := events.Envelope{ID: id, Type: events.AuditBroken, Time: time.Unix(0, 0)}
	whole := events.Envelope{
		ID: id, Type: events.NotifyReceived, Merchant: "shop3", OrderID: "tea-0001", Time: time.Unix(0, 1),
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ReplyTo: "_INBOX.q",
	}
	for name, e := range map[string]events.Envelope{"subscribe audit.broken headers": least, "subscribe notify.received headers": whole} {
		if err := v.Headers(name, e.Header()); err != nil {
			t.Error(err)
		}
	}
	dead := map[string][]string{
		events.HeaderReason: {"why"}, events.HeaderAttempts: {"8"}, events.HeaderMessageID: {id}, events.HeaderCut: {"1048576"},
	}
	if err := v.Headers("subscribe dead.{subject} headers", dead); err != nil {
		t.Error(err)
	}
	asked := map[string][]string{events.HeaderReply: {"_INBOX.q"}, events.HeaderTraceparent: {"00-0-0-01"}, events.HeaderMessageID: {id}}
	for subject, headers := range map[string]map[string][]string{"subscribe dead.{subject} headers": dead, "publish payment.requested headers": asked} {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(headers)), slices.Sorted(maps.Keys(v.Contract[subject].Schema.Properties))); diff != "" {
			t.Errorf("%s (-events +contract):\n%s", subject, diff)
		}
	}
	known := slices.Sorted(maps.Keys(whole.Header()))
	if diff := cmp.Diff(known, slices.Sorted(maps.Keys(v.Contract["subscribe notify.received headers"].Schema.Properties))); diff != "" {
		t.Errorf("headers (-envelope +contract):\n%s", diff)
	}
	required := slices.Sorted(slices.Values(v.Contract["subscribe audit.broken headers"].Schema.Required))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(least.Header())), required); diff != "" {
		t.Errorf("required headers (-envelope +contract):\n%s", diff)
	}
}

// A message of which only what is required is there is a message; without any of that it is
// none.
func TestWhatIsRequiredIsEnough(t *testing.T) {
	t.Parallel()
	v := contracttest.New(t)
	for _, subject := range slices.Concat(events.Inputs, events.Outputs) {
		name := "subscribe " + subject
		if slices.Contains(events.Inputs, subject) {
			name = "publish " + subject
		}
		for _, example := range v.Contract[name].Document.(map[string]any)["examples"].([]any) {
			schema := v.Contract[name].Schema
			if len(schema.AnyOf) > 0 {
				continue // which are required depends on the others
			}
			least := map[string]any{}
			for _, field := range schema.Required {
				least[field] = example.(map[string]any)[field]
			}
			if len(schema.Conditions) == 0 {
				if err := v.Value(name, least); err != nil {
					t.Errorf("the least: %v", err)
				}
			}
			for _, field := range schema.Required {
				less := maps.Clone(least)
				delete(less, field)
				if err := v.Value(name, less); err == nil {
					t.Errorf("%s: is taken without %s", name, field)
				}
			}
			more := maps.Clone(example.(map[string]any))
			more["a_field_of_tomorrow"] = 1
			closed := v.Contract[name].Direction == contracts.Taken && subject != events.NotifyReceived
			if err := v.Value(name, more); (err != nil) != closed {
				t.Errorf("%s: with a field of tomorrow: %v", name, err)
			}
		}
	}
}

// A schema that nothing refers to is a promise about nothing.
func TestEverySchemaIsUsed(t *testing.T) {
	t.Parallel()
	files := contracts.Current()
	text := ""
	names, err := fs.Glob(files, "schemas/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range append(slices.Clone(names), "asyncapi.yaml", "openapi.yaml") {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		text += string(data)
	}
	for _, name := range names {
		if base := path.Base(name); !strings.Contains(text, `"`+base+`"`) && !strings.Contains(text, "schemas/"+base+"}") {
			t.Errorf("nothing refers to %s", name)
		}
	}
}
