package contracts_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"settled/contracts"
)

// edited is the contract of this tree with texts of one file replaced; pairs of old and new.
// A last old one that stands alone is the name of a file that is no longer there.
func edited(t *testing.T, file string, pairs ...string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(contracts.Current(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(contracts.Current(), name)
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text := string(files[file].Data)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s has no %q", file, pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	files[file].Data = []byte(text)
	return files
}

func read(t *testing.T, files fs.FS) contracts.Contract {
	t.Helper()
	contract, err := contracts.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	return contract
}

// standing is the contract of this tree, read once.
var standing = sync.OnceValue(func() contracts.Contract {
	contract, err := contracts.Read(contracts.Current())
	if err != nil {
		panic(err) // every test says so too
	}
	return contract
})

// Each change, made to this tree's contract, and made back: who is broken by it depends on who
// writes and who reads.
func TestWhatBreaksWhom(t *testing.T) {
	t.Parallel()
	const (
		harmless = false
		breaks   = true
		total    = `"minimum": 1,
          "maximum": 100000000000`
	)
	schema := func(name string) string { return "schemas/" + name + ".json" }
	for _, test := range []struct {
		name        string
		file        string
		pairs       []string
		there, back bool   // whether the change breaks somebody, and whether its reverse does
		says        string // of the change there
	}{
		// What others write.
		{name: "a request gets an optional field", file: schema("payment.requested"), pairs: []string{`"attach": {`, `"colour": {"type": "string"}, "attach": {`},
			there: harmless, back: breaks, says: "colour: is new"},
		{name: "a request gets a required field", file: schema("payment.requested"), pairs: []string{
			`"attach": {`, `"colour": {"type": "string"}, "attach": {`, `["merchant", "order_id"`, `["colour", "merchant", "order_id"`,
		}, there: breaks, back: breaks, says: "colour: is required now"},
		{name: "a field of a request becomes required", file: schema("payment.requested"), pairs: []string{`"amount", "description"]`, `"amount", "description", "client_ip"]`},
			there: breaks, back: harmless, says: "client_ip: is required now"},
		{name: "an order id may be longer", file: schema("payment.requested"), pairs: []string{"{6,32}", "{6,64}"}, there: breaks, back: breaks, says: "order_id: pattern was"},
		{name: "a text of a request may be longer", file: schema("payment.requested"), pairs: []string{`"maxLength": 127`, `"maxLength": 128`},
			there: harmless, back: breaks, says: "description: maxLength is 128 now"},
		{name: "a text of a request gets a least length", file: schema("refund.requested"), pairs: []string{`"maxLength": 80`, `"minLength": 1, "maxLength": 80`},
			there: breaks, back: harmless, says: "reason: minLength is 1 now"},
		{name: "an amount of a request may be larger", file: schema("payment.requested"), pairs: []string{`"maximum": 100000000000`, `"maximum": 200000000000`},
			there: harmless, back: breaks, says: "amount.total: maximum is 200000000000 now"},
		{name: "an amount of a request may be nothing", file: schema("payment.requested"), pairs: []string{`"minimum": 1,`, `"minimum": 0,`},
			there: harmless, back: breaks, says: "amount.total: minimum is 0 now"},
		{name: "an amount of a request has no bound", file: schema("payment.requested"), pairs: []string{total, `"minimum": 1`},
			there: harmless, back: breaks, says: "has no maximum any more"},
		{name: "a request takes another trade type", file: schema("payment.requested"), pairs: []string{`"H5", null`, `"H5", "MICROPAY", null`},
			there: harmless, back: breaks, says: `trade_type: may be "MICROPAY" now`},
		{name: "null is refused", file: schema("payment.requested"), pairs: []string{`"attach": {
      "type": ["string", "null"]`, `"attach": {
      "type": "string"`}, there: breaks, back: harmless, says: "attach: was of type [null string], is of type [string]"},
		{name: "a number of a request may have a fraction", file: schema("payment.requested"), pairs: []string{`"type": "integer"`, `"type": "number"`},
			there: harmless, back: breaks, says: "amount.total: was of type [integer], is of type [number]"},
		{name: "a number of a request becomes a text", file: schema("payment.requested"), pairs: []string{`"type": "integer"`, `"type": "string"`},
			there: breaks, back: breaks, says: "amount.total: was of type [integer], is of type [string]"},
		{name: "a request may have any field", file: schema("payment.returned"), pairs: []string{`"additionalProperties": false`, `"additionalProperties": true`},
			there: harmless, back: breaks, says: "refuses unknown fields: was true, is false"},
		{name: "a request takes a third way to name a payment", file: schema("payment.returned"), pairs: []string{`"anyOf": [`, `"anyOf": [{"required": ["order_id"]},`},
			there: breaks, back: breaks, says: "(choice 1)"}, // which of them is new nobody can tell
		{name: "a default of a request", file: schema("payment.requested"), pairs: []string{`"default": "APP"`, `"default": "H5"`},
			there: breaks, back: breaks, says: `trade_type: default was "APP", is "H5"`},
		{name: "fewer pairs of metadata", file: schema("payment.requested"), pairs: []string{`"maxProperties": 16`, `"maxProperties": 8`},
			there: breaks, back: harmless, says: "metadata: maxProperties is 8 now"},
		{name: "values of metadata are bound", file: schema("payment.requested"), pairs: []string{`"additionalProperties": {"type": "string", `, `"additionalProperties": {"type": "string", "maxLength": 9, `},
			there: breaks, back: harmless, says: "metadata.*: maxLength is 9 now"},
		{name: "names of metadata are free", file: schema("payment.requested"), pairs: []string{`"propertyNames": {"pattern": "^[^\\x00]*$"},`, ``},
			there: harmless, back: breaks, says: "metadata (names): is bound by no rules any more"},
		{name: "another trade type needs a payer", file: schema("payment.requested"), pairs: []string{`"const": "JSAPI"`, `"enum": ["JSAPI", "H5"]`},
			there: breaks, back: breaks, says: "(condition 1): is of something else"},
		{name: "JSAPI needs no payer", file: schema("payment.requested"), pairs: []string{`,
    "required": ["payer"]
  },`, `
  },`}, there: harmless, back: breaks, says: "(condition 1).payer: may be left out now"},

		// What settled tells.
		{name: "an event gets a field", file: schema("payment"), pairs: []string{`"amount": {`, `"colour": {"type": "string"}, "amount": {`}, there: harmless, back: breaks, says: "colour: is new"},
		{name: "an event gets a field that is always there", file: schema("payment.closed"), pairs: []string{
			`"reason": {`, `"colour": {"type": "string"}, "reason": {`, `["reason"]`, `["reason", "colour"]`,
		}, there: harmless, back: breaks, says: "colour: is new"},
		{name: "a field of an event is renamed", file: schema("payment.completed"), pairs: []string{`"bank_type": {`, `"bank": {`}, there: breaks, back: breaks, says: "bank_type: is gone"},
		{name: "a field of an event may be left out", file: schema("payment.completed"), pairs: []string{`"paid_at", `, ``}, there: breaks, back: harmless, says: "paid_at: may be left out now"},
		{name: "a field of an event becomes another type", file: schema("amount"), pairs: []string{`"type": "integer"`, `"type": "string"`}, there: breaks, back: breaks, says: "amount.total: was of type [integer], is of type [string]"},
		{name: "a field of an event may be null", file: schema("payment.completed"), pairs: []string{`"type": "boolean"`, `"type": ["boolean", "null"]`},
			there: breaks, back: harmless, says: "late: was of type [boolean], is of type [boolean null]"},
		{name: "an amount of an event may be larger", file: schema("amount"), pairs: []string{`"maximum": 100000000000`, `"maximum": 200000000000`}, there: breaks, back: harmless, says: "amount.total: maximum is 200000000000 now"},
		{name: "a closed list of an event grows", file: schema("payment.completed"), pairs: []string{`["notify", "query"]`, `["notify", "query", "bill"]`},
			there: breaks, back: breaks, says: `source: may be "bill" now`},
		{name: "an open list of an event grows", file: schema("payment.flagged"), pairs: []string{`"acknowledge_overdue"`, `"acknowledge_overdue", "stale"`},
			there: harmless, back: breaks, says: `may have the value "stale"`},
		{name: "a list of an event is opened", file: schema("payment.closed"), pairs: []string{`"enum": [`, `"x-extensible-enum": [`}, there: breaks, back: breaks, says: "reason: may be something else"},
		{name: "the status of an event", file: schema("payment.closed"), pairs: []string{`"const": "closed"`, `"const": "failed"`}, there: breaks, back: breaks, says: `status: is never "closed" any more`},
		{name: "a time of an event has no form", file: schema("payment"), pairs: []string{`"format": "date-time"`, `"title": ""`}, there: breaks, back: harmless, says: "expires_at: has no format any more"},
		{name: "an app may not get its fields", file: schema("payment.prepared"), pairs: []string{`"sign"`, `"signature"`}, there: breaks, back: breaks, says: "client.sign: may be left out now"},
		{name: "a third kind of flag", file: schema("payment.flagged"), pairs: []string{`"anyOf": [`, `"anyOf": [{"type": "object", "required": ["colour"]},`},
			there: breaks, back: breaks, says: "(choice"},
		{name: "a header of events is gone", file: schema("headers.event"), pairs: []string{`"ce-time": {`, `"ce-when": {`}, there: breaks, back: breaks, says: "headers: ce-time: is gone"},
		{name: "a description", file: schema("payment"), pairs: []string{"settled's own id of it.", "The id."}, there: harmless, back: harmless},

		// Where they stand.
		{name: "a subject", file: "asyncapi.yaml", pairs: []string{"address: payment.closed", "address: payment.expired"}, there: breaks, back: breaks, says: "subscribe payment.closed: is gone"},
		{name: "the stream of a subject", file: "asyncapi.yaml", pairs: []string{"x-stream: SETTLED_OUT", "x-stream: SETTLED_EVENTS"}, there: breaks, back: breaks, says: "was SETTLED_OUT, is SETTLED_EVENTS"},
		{name: "who publishes", file: "asyncapi.yaml", pairs: []string{"action: receive", "action: send"}, there: breaks, back: breaks, says: "publish payment.requested: is gone"},
		{name: "a path", file: "openapi.yaml", pairs: []string{"/v1/refunds:", "/v2/refunds:"}, there: breaks, back: breaks, says: "POST /v1/refunds: is gone"},
		{name: "a status", file: "openapi.yaml", pairs: []string{`"422": {$ref: "#/components/responses/refused"}`, `"402": {$ref: "#/components/responses/refused"}`}, there: breaks, back: breaks, says: "POST /v1/payments, 422: is gone"},
		{name: "one more status that is a failure", file: "openapi.yaml", pairs: []string{`"422": {`, `"402": {$ref: "#/components/responses/refused"}
        "422": {`}, there: harmless, back: breaks, says: "POST /v1/payments, 402: is new"},
		{name: "one more status that is none", file: "openapi.yaml", pairs: []string{`"202":
          description: It is heard.`, `"204": {description: It is heard.}
        "202":
          description: It is heard.`}, there: breaks, back: breaks, says: "POST /v1/payments/{merchant}/{order_id}/returned, 204: is new"},
		{name: "an optional parameter", file: "openapi.yaml", pairs: []string{`- $ref: "#/components/parameters/prefer"
        - $ref: "#/components/parameters/traceparent"`, `- $ref: "#/components/parameters/prefer"`},
			there: breaks, back: harmless, says: "POST /v1/payments, header traceparent: is gone"},
		{name: "a parameter that must be there", file: "openapi.yaml", pairs: []string{`name: Prefer
      in: header`, `name: Prefer
      required: true
      in: header`}, there: breaks, back: harmless, says: "header Prefer: is required now"},
		{name: "a new parameter that must be there", file: "openapi.yaml", pairs: []string{`- $ref: "#/components/parameters/prefer"
        - $ref`, `- {name: x, in: query, required: true, schema: {type: string}}
        - $ref: "#/components/parameters/prefer"
        - $ref`}, there: breaks, back: breaks, says: "POST /v1/payments, query x: is new"},
		{name: "a token where none was needed", file: "openapi.yaml", pairs: []string{"      security: []\n", ""}, there: breaks, back: breaks, says: "POST /returned/{payment_id}: was no token, is http bearer"},
		{name: "another kind of token", file: "openapi.yaml", pairs: []string{"scheme: bearer", "scheme: basic"}, there: breaks, back: breaks, says: "GET /v1/payments/{merchant}/{order_id}: was http bearer, is http basic"},
		{name: "another content type", file: "openapi.yaml", pairs: []string{"application/problem+json:\n          schema", "application/json:\n          schema"}, there: breaks, back: breaks, says: "application/problem+json: is gone"},
		{name: "a header of an answer", file: "openapi.yaml", pairs: []string{"          headers:\n            Location: {$ref: \"#/components/headers/Location\"}\n          content:", "          content:"}, there: breaks, back: harmless, says: "202 header Location: is gone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before, after := standing(), read(t, edited(t, test.file, test.pairs...))
			there, back := contracts.Compare(before, after), contracts.Compare(after, before)
			if broken(there) != test.there || broken(back) != test.back {
				t.Errorf("breaks there %t, want %t; back %t, want %t", broken(there), test.there, broken(back), test.back)
			}
			if text := fmt.Sprint(there); !strings.Contains(text, test.says) || len(there) == 0 && test.says != "" {
				t.Errorf("does not say %q", test.says)
			}
			if t.Failed() {
				t.Logf("there:\n%s\nback:\n%s", lines(there), lines(back))
			}
		})
	}
}

func broken(changes []contracts.Change) bool {
	for _, change := range changes {
		if change.Breaks {
			return true
		}
	}
	return false
}

func lines(changes []contracts.Change) string {
	text := ""
	for _, change := range changes {
		text += change.String() + "\n"
	}
	return text
}

// What can't be compared is an error, and never taken for the same.
func TestAContractThatCanNotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fs.FS{
		"a word that nobody knows":       edited(t, "schemas/payment.json", `"type": "object"`, `"type": "object", "dependentRequired": {}`),
		"a reference that leads nowhere": edited(t, "schemas/payment.json", `"amount.json"`, `"amounts.json"`),
		"a pointer that leads nowhere":   edited(t, "openapi.yaml", "#/components/responses/tooFast", "#/components/responses/tooSlow"),
		"a reference to itself":          edited(t, "schemas/amount.json", `"type": "object"`, `"type": "object", "items": {"$ref": "amount.json"}`),
		"words beside a reference":       edited(t, "schemas/payment.json", `{"$ref": "amount.json"}`, `{"$ref": "amount.json", "maxProperties": 2}`),
		"two parts that disagree":        edited(t, "schemas/payment.closed.json", `{"const": "closed"}`, `{"type": "integer"}`),
		"broken YAML":                    edited(t, "openapi.yaml", "openapi:", "openapi: ["),
		"broken JSON":                    edited(t, "schemas/payment.json", `{`, ``),
		"a subject that stands twice":    edited(t, "asyncapi.yaml", "address: payment.closed", "address: payment.failed"),
		"a pointer into a text":          edited(t, "openapi.yaml", "#/components/responses/tooFast", "#/openapi/responses"),
		"a list that is none":            edited(t, "schemas/payment.closed.json", `"enum": ["expired", "requested"]`, `"required": [1]`),
		"no schema":                      edited(t, "asyncapi.yaml", "payload: {$ref: ./schemas/payment.closed.json}", "payload: 7"),
		"two messages of one operation":  edited(t, "asyncapi.yaml", `messages: [{$ref: "#/channels/payment.returned/messages/PaymentReturned"}]`, "messages: []"),
		"no files":                       fstest.MapFS{},
	} {
		if contract, err := contracts.Read(files); err == nil {
			t.Errorf("%s: read %d places", name, len(contract))
		}
	}
}

// The contract that was tagged last still holds: whoever kept to it works on.
func TestTheTaggedContractHolds(t *testing.T) {
	t.Parallel()
	name, files, err := contracts.Tagged()
	if err != nil {
		t.Fatal(err)
	}
	tagged := read(t, files)
	if len(tagged) < 200 {
		t.Fatalf("%s has only %d places", name, len(tagged))
	}
	for _, change := range contracts.Compare(tagged, read(t, contracts.Current())) {
		if change.Breaks {
			t.Errorf("since %s: %v", name, change)
		}
	}
}

// A tagged contract is as it was: whoever changes both sides of a comparison at once, as by
// replacing a word everywhere, hides what has changed.
func TestTaggedContractsAreFrozen(t *testing.T) {
	t.Parallel()
	folder := os.DirFS("tagged")
	sums, err := fs.ReadFile(folder, "SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for line := range strings.Lines(string(sums)) {
		want = append(want, strings.TrimSpace(line))
	}
	err = fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "SHA256SUMS" {
			return err
		}
		data, err := fs.ReadFile(folder, name)
		got = append(got, fmt.Sprintf("%x  %s", sha256.Sum256(data), name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tagged contracts (-SHA256SUMS +files):\n%s", diff)
	}
}

// The two papers are of one version, and a tagged one is that of its folder.
func TestTheVersionIsThatOfTheFolder(t *testing.T) {
	t.Parallel()
	name, tagged, err := contracts.Tagged()
	if err != nil {
		t.Fatal(err)
	}
	version := func(files fs.FS, file string) string {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "\n  version: ")
		number, _, _ := strings.Cut(rest, "\n")
		return number
	}
	for _, files := range []fs.FS{tagged, contracts.Current()} {
		one, other := version(files, "asyncapi.yaml"), version(files, "openapi.yaml")
		if one != other || strings.Count(one, ".") != 2 {
			t.Errorf("asyncapi.yaml is of version %s, openapi.yaml of %s", one, other)
		}
	}
	if number := version(tagged, "openapi.yaml"); name+".0" != "v"+number && name+".0.0" != "v"+number {
		t.Errorf("the folder %s has version %s", name, number)
	}
}
