package v3

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
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
	value, err := (&cursor{rest: body}).value(maxDepth)
	if err != nil {
		return object{}, err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return object{}, fmt.Errorf("%w: it is not an object", ErrUnreadable)
	}
	return object{fields: fields, problem: new(error)}, nil
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
