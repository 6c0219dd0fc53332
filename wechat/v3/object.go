package v3

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrUnreadable: these bytes are not what the document says WeChat sends.
var ErrUnreadable = errors.New("can't be read")

// The bounds of what is read. Real bodies have some kilobytes and five levels.
const (
	maxSize  = 1 << 20 // bytes
	maxDepth = 32
)

// object is a JSON object on its way into a type of ours. Names are taken to the letter,
// unlike encoding/json does. The first thing that can't be read sticks: whoever has read
// all fields asks err once.
type object struct {
	name    string // where it stands, for errors; empty for the whole body
	fields  map[string]any
	problem *error
}

// readObject reads one JSON object and nothing behind it. A name that stands twice is
// refused, in whatever case: two readers could believe different ones.
func readObject(body []byte) (object, error) {
	if len(body) > maxSize {
		return object{}, fmt.Errorf("%w: more than %d bytes", ErrUnreadable, maxSize)
	}
	if !json.Valid(body) {
		return object{}, fmt.Errorf("%w: it is not JSON", ErrUnreadable)
	}
	tokens := json.NewDecoder(bytes.NewReader(body))
	tokens.UseNumber()
	value, err := readValue(tokens, maxDepth)
	if err != nil {
		return object{}, err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return object{}, fmt.Errorf("%w: it is not an object", ErrUnreadable)
	}
	return object{fields: fields, problem: new(error)}, nil
}

func readValue(tokens *json.Decoder, depth int) (any, error) {
	token, err := tokens.Token()
	switch token := token.(type) {
	case json.Delim:
		if depth == 0 {
			return nil, fmt.Errorf("%w: it is deeper than %d levels", ErrUnreadable, maxDepth)
		}
		if token == '{' {
			return readFields(tokens, depth-1)
		}
		return readList(tokens, depth-1)
	case string:
		return token, checkText(token)
	default:
		if err != nil {
			return nil, fmt.Errorf("%w: it is not JSON", ErrUnreadable)
		}
		return token, nil
	}
}

func readFields(tokens *json.Decoder, depth int) (map[string]any, error) {
	fields, seen := map[string]any{}, map[string]bool{}
	for tokens.More() {
		token, err := readValue(tokens, 0)
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		folded := strings.ToLower(name)
		if seen[folded] {
			return nil, fmt.Errorf("%w: %.32q stands twice", ErrUnreadable, name)
		}
		seen[folded] = true
		if fields[name], err = readValue(tokens, depth); err != nil {
			return nil, err
		}
	}
	_, err := tokens.Token()
	return fields, err
}

func readList(tokens *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for tokens.More() {
		value, err := readValue(tokens, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := tokens.Token()
	return list, err
}

// checkText refuses U+0000, which no row of a database can hold.
func checkText(text string) error {
	if strings.ContainsRune(text, 0) {
		return fmt.Errorf("%w: U+0000 in a value", ErrUnreadable)
	}
	return nil
}

// err is the first thing that could not be read.
func (o object) err() error { return *o.problem }

func (o object) fail(name, issue string) {
	if *o.problem == nil {
		*o.problem = fmt.Errorf("%w: %s%s %s", ErrUnreadable, o.name, name, issue)
	}
}

// text is a string, empty if it is not there or null.
func (o object) text(name string) string {
	switch value := o.fields[name].(type) {
	case string:
		return value
	case nil:
	default:
		o.fail(name, "is not a string")
	}
	return ""
}

// required is a string that must not be empty.
func (o object) required(name string) string {
	value := o.text(name)
	if value == "" {
		o.fail(name, "is missing")
	}
	return value
}

// object is an object inside; all of its fields are missing if it is.
func (o object) object(name string) object {
	inside := object{name: o.name + name + ".", problem: o.problem}
	switch value := o.fields[name].(type) {
	case map[string]any:
		inside.fields = value
	case nil:
	default:
		o.fail(name, "is not an object")
	}
	return inside
}

// objects are the objects of a list that must not be empty.
func (o object) objects(name string) []object {
	list, _ := o.fields[name].([]any)
	if len(list) == 0 {
		o.fail(name, "is not a list of something")
	}
	var inside []object
	for _, value := range list {
		fields, ok := value.(map[string]any)
		if !ok {
			o.fail(name, "holds something else than objects")
		}
		inside = append(inside, object{name: o.name + name + ".", fields: fields, problem: o.problem})
	}
	return inside
}

// has reports whether a field is there at all.
func (o object) has(name string) bool { return o.fields[name] != nil }

// fen is an amount: a JSON integer that is not below zero. A string, a fraction or an
// exponent is none, whatever it would come to.
func (o object) fen(name string) int64 {
	number, ok := o.fields[name].(json.Number)
	fen, err := strconv.ParseUint(number.String(), 10, 63)
	if !ok || err != nil {
		o.fail(name, "is not an amount")
		return 0
	}
	return int64(fen)
}

// time is a time in RFC 3339.
func (o object) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339, o.text(name))
	if err != nil || t.Year() < 2000 {
		o.fail(name, "is not a time")
		return time.Time{}
	}
	return t
}
