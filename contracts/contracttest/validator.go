// Package contracttest holds what settled really says, and the Go types that it says it
// with, against the contracts. It must not know settled: whoever tests a room brings what
// that room said.
package contracttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"settled/contracts"
)

// Validator validates what stands at the places of a contract, and remembers which places
// it has seen.
type Validator struct {
	Contract contracts.Contract

	mu   sync.Mutex
	seen map[string]bool
}

// current is the contract of this tree: many tests look at it, and reading takes a while.
var current = sync.OnceValues(func() (contracts.Contract, error) { return contracts.Read(contracts.Current()) })

// New returns a Validator of the contract of this tree.
func New(t testing.TB) *Validator {
	t.Helper()
	contract, err := current()
	if err != nil {
		t.Fatal(err)
	}
	return &Validator{Contract: contract, seen: map[string]bool{}}
}

// compiled are the schemas that were looked at, by their place.
var compiled = struct {
	sync.Mutex
	schemas map[string]*jsonschema.Schema
}{schemas: map[string]*jsonschema.Schema{}}

func schemaAt(place string, document any) (*jsonschema.Schema, error) {
	compiled.Lock()
	defer compiled.Unlock()
	schema, ok := compiled.schemas[place]
	if !ok {
		var err error
		if schema, err = compile(document); err != nil {
			return nil, err
		}
		compiled.schemas[place] = schema
	}
	return schema, nil
}

func compile(document any) (*jsonschema.Schema, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	read, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	const name = "urn:settled:contract"
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.AssertContent()
	if err := compiler.AddResource(name, read); err != nil {
		return nil, fmt.Errorf("add schema: %w", err)
	}
	return compiler.Compile(name)
}

// JSON checks a JSON text at a place.
func (v *Validator) JSON(place string, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	return v.Value(place, value)
}

// Headers checks headers at a place, each by its first value.
func (v *Validator) Headers(place string, headers map[string][]string) error {
	value := map[string]any{}
	for name, values := range headers {
		value[name] = values[0]
	}
	return v.Value(place, value)
}

// Value checks a value at a place. A place that the contract does not have is an error.
func (v *Validator) Value(place string, value any) error {
	p, ok := v.Contract[place]
	if !ok {
		return fmt.Errorf("%s: the contract has no such place", place)
	}
	v.mu.Lock()
	v.seen[place] = true
	v.mu.Unlock()
	if p.Document == nil {
		return nil
	}
	schema, err := schemaAt(place, p.Document)
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	return nil
}

// Unseen lists the places that begin so and at which nothing was checked.
func (v *Validator) Unseen(beginning string) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(func(yield func(string) bool) {
		for name := range maps.Keys(v.Contract) {
			if strings.HasPrefix(name, beginning) && !v.seen[name] && !yield(name) {
				return
			}
		}
	})
}
