package contracts

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Schema is what a JSON Schema demands, with allOf merged into one. It knows the words that
// the contracts use; any other is an error, because a word that nobody reads could change
// without anybody noticing.
type Schema struct {
	Types      []string // sorted; empty: any
	Properties map[string]*Schema
	Required   []string
	Closed     bool               // no other properties
	Others     *Schema            // of other properties; nil: anything
	Names      *Schema            // of property names
	Items      *Schema            // of an array
	Values     []string           // the only ones, as JSON; empty: any
	Known      []string           // those that are known today, as JSON; more may come
	Bounds     map[string]float64 // minimum, maxLength and the like
	Texts      map[string]string  // pattern, format and the like, as JSON
	AnyOf      []*Schema
	Conditions []Condition

	described bool
}

// Condition demands Then of what fits If.
type Condition struct{ If, Then *Schema }

// Described reports whether people are told what it is.
func (s *Schema) Described() bool { return s.described }

// noted are words that demand nothing.
var noted = map[string]bool{"$schema": true, "title": true, "examples": true, "example": true}

// bounds are words with a number: whether a greater one demands more.
var bounds = map[string]bool{
	"minimum": true, "minLength": true, "minItems": true, "minProperties": true,
	"maximum": false, "maxLength": false, "maxItems": false, "maxProperties": false,
}

// texts are words that are compared to the letter.
var texts = []string{"pattern", "format", "contentEncoding", "contentMediaType", "default"}

// readSchema reads a schema without references.
func readSchema(document any) (*Schema, error) {
	words, ok := document.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a schema is an object, not %v", document)
	}
	s := &Schema{Properties: map[string]*Schema{}, Bounds: map[string]float64{}, Texts: map[string]string{}}
	for _, word := range slices.Sorted(maps.Keys(words)) {
		if word == "allOf" {
			continue
		}
		if err := s.take(word, words[word], words); err != nil {
			return nil, fmt.Errorf("%s: %w", word, err)
		}
	}
	for i, part := range values(words["allOf"]) {
		other, err := readSchema(part)
		if err == nil {
			err = s.merge(other)
		}
		if err != nil {
			return nil, fmt.Errorf("allOf %d: %w", i, err)
		}
	}
	return s, nil
}

// take reads one word.
func (s *Schema) take(word string, value any, words map[string]any) (err error) {
	switch word {
	case "description":
		s.described = value != ""
	case "type":
		s.Types, err = list(value)
		slices.Sort(s.Types)
	case "required":
		s.Required, err = list(value)
	case "properties":
		s.Properties, err = readSchemas(value)
	case "additionalProperties":
		if s.Closed = value == false; !s.Closed && value != true {
			s.Others, err = readSchema(value)
		}
	case "propertyNames":
		s.Names, err = readSchema(value)
	case "items":
		s.Items, err = readSchema(value)
	case "enum":
		s.Values, err = literals(values(value)...)
	case "const":
		s.Values, err = literals(value)
	case "x-extensible-enum":
		s.Known, err = literals(values(value)...)
	case "anyOf":
		for _, one := range values(value) {
			read, failed := readSchema(one)
			s.AnyOf, err = append(s.AnyOf, read), errors.Join(err, failed)
		}
	case "if":
		c := Condition{}
		c.If, err = readSchema(value)
		if err == nil {
			c.Then, err = readSchema(words["then"])
		}
		s.Conditions = []Condition{c}
	case "then": // with if
	default:
		return s.takeRule(word, value)
	}
	return err
}

// takeRule reads a word with a number or a text.
func (s *Schema) takeRule(word string, value any) error {
	_, isBound := bounds[word]
	switch {
	case noted[word]:
	case isBound:
		switch number := value.(type) {
		case int: // from YAML
			s.Bounds[word] = float64(number)
		case float64: // from JSON
			s.Bounds[word] = number
		default:
			return fmt.Errorf("%v is no number", value)
		}
	case slices.Contains(texts, word):
		written, err := literals(value)
		if err != nil {
			return err
		}
		s.Texts[word] = written[0]
	default:
		return errors.New("nobody here knows this word")
	}
	return nil
}

// merge demands what another schema demands as well.
func (s *Schema) merge(other *Schema) error {
	s.Required = union(s.Required, other.Required)
	s.Conditions = append(s.Conditions, other.Conditions...)
	s.Known = union(s.Known, other.Known)
	s.Closed = s.Closed || other.Closed
	s.described = s.described || other.described
	for name, property := range other.Properties {
		mine, ok := s.Properties[name]
		if !ok {
			s.Properties[name] = property
		} else if err := mine.merge(property); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(s.Values) == 0 {
		s.Values = other.Values
	} else if len(other.Values) > 0 {
		s.Values = slices.DeleteFunc(s.Values, func(v string) bool { return !slices.Contains(other.Values, v) })
	}
	return errors.Join(
		only(&s.Types, other.Types, len(other.Types) == 0), only(&s.Others, other.Others, other.Others == nil),
		only(&s.Names, other.Names, other.Names == nil), only(&s.Items, other.Items, other.Items == nil),
		only(&s.AnyOf, other.AnyOf, len(other.AnyOf) == 0),
		only(&s.Bounds, other.Bounds, len(other.Bounds) == 0), only(&s.Texts, other.Texts, len(other.Texts) == 0),
	)
}

// only takes over what the other part of an allOf says, if it is the only one to say it or
// both say the same.
func only[T any](mine *T, others T, silent bool) error {
	value := reflect.ValueOf(*mine)
	empty := value.IsZero() || value.Kind() != reflect.Pointer && value.Len() == 0
	switch {
	case silent || reflect.DeepEqual(*mine, others):
	case empty:
		*mine = others
	default:
		return fmt.Errorf("two parts demand different things: %v and %v", *mine, others)
	}
	return nil
}

func readSchemas(value any) (map[string]*Schema, error) {
	words, _ := value.(map[string]any)
	schemas := make(map[string]*Schema, len(words))
	for name, inner := range words {
		var err error
		if schemas[name], err = readSchema(inner); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return schemas, nil
}

// list reads one text or several.
func list(value any) ([]string, error) {
	if text, ok := value.(string); ok {
		return []string{text}, nil
	}
	texts := make([]string, len(values(value)))
	for i, one := range values(value) {
		var ok bool
		if texts[i], ok = one.(string); !ok {
			return nil, fmt.Errorf("%v is no text", one)
		}
	}
	return texts, nil
}

func values(value any) []any { list, _ := value.([]any); return list }

func literals(all ...any) ([]string, error) {
	written := make([]string, len(all))
	for i, value := range all {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("write %v: %w", value, err)
		}
		written[i] = string(text)
	}
	return written, nil
}

func union(one, other []string) []string {
	all := slices.Concat(one, other)
	slices.Sort(all)
	return slices.Compact(all)
}
