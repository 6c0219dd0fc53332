package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrMalformed: the bytes are not one JSON object. Nobody can be told which field is
// wrong, so such a message becomes a dead letter.
var ErrMalformed = errors.New("not a JSON object")

// object reads the fields of one JSON object, exactly by name, and collects everything
// that is wrong. encoding/json alone would take "MERCHANT" for "merchant", the last of
// two amounts, and stop at the first mistake.
type object struct {
	path     string // of the object itself, with a trailing dot; empty for the body
	fields   map[string]json.RawMessage
	problems *Problems
}

func readObject(data []byte, problems *Problems) (object, error) {
	if !utf8.Valid(data) {
		return object{}, fmt.Errorf("%w: not UTF-8", ErrMalformed)
	}
	if !json.Valid(data) {
		return object{}, fmt.Errorf("%w: broken JSON", ErrMalformed)
	}
	o := object{problems: problems}
	if err := o.read(data); err != nil {
		return object{}, err
	}
	return o, nil
}

func (o *object) read(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return ErrMalformed
	}
	o.fields = map[string]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if _, twice := o.fields[name.(string)]; twice {
			o.problem(name.(string), "stands twice")
		}
		o.fields[name.(string)] = value
	}
	return nil
}

func (o object) problem(name, issue string) { o.problems.add(o.path+name, issue) }

// take removes a field. null is the same as not being there.
func (o object) take(name string) (value json.RawMessage, ok bool) {
	value, ok = o.fields[name]
	delete(o.fields, name)
	return value, ok && string(value) != "null"
}

// text reads a string of min to max characters. One that is not there is a problem only
// if min is more than none.
func (o object) text(name string, least, most int) string {
	raw, ok := o.take(name)
	if !ok {
		if least > 0 {
			o.problem(name, "is missing")
		}
		return ""
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		o.problem(name, "must be a string")
		return ""
	}
	switch length := utf8.RuneCountInString(text); {
	case length < least || length > most:
		o.problem(name, fmt.Sprintf("must have %d to %d characters, has %d", least, most, length))
	case strings.ContainsRune(text, 0):
		o.problem(name, "must not contain U+0000")
	}
	return text
}

// integer reads a whole number written as one: 19.0, 1e3 and "19" are refused.
func (o object) integer(name string, least, most int64) int64 {
	raw, ok := o.take(name)
	if !ok {
		o.problem(name, "is missing")
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (n < least || n > most):
		o.problem(name, fmt.Sprintf("must be %d to %d", least, most))
	case err != nil:
		o.problem(name, "must be an integer")
	}
	return n
}

// rfc3339 is the grammar of RFC 3339, section 5.6, which package time reads less strictly: an
// hour of one digit, a comma, an offset of a day.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// china is the zone in which times are told.
var china = time.FixedZone("UTC+8", 8*60*60)

// time reads an RFC 3339 time; the zero time if it is not there.
func (o object) time(name string) time.Time {
	raw, ok := o.take(name)
	if !ok {
		return time.Time{}
	}
	var text string
	malformed := json.Unmarshal(raw, &text) != nil || !rfc3339.MatchString(text)
	t, err := time.Parse(time.RFC3339, strings.ToUpper(text))
	switch {
	case malformed || err != nil:
		o.problem(name, "must be an RFC 3339 time such as 2026-11-23T12:30:00+08:00")
		return time.Time{}
	case t.In(china).Year() > 9999: // which nobody could write any more
		o.problem(name, "must be before the year 10000 in Asia/Shanghai")
		return time.Time{}
	}
	return t
}

// object reads a nested object; ok is false if it is not there or not an object. One
// that is not there is a problem only if it is required.
func (o object) object(name string, required bool) (inner object, ok bool) {
	raw, ok := o.take(name)
	if !ok {
		if required {
			o.problem(name, "is missing")
		}
		return object{}, false
	}
	inner = object{path: o.path + name + ".", problems: o.problems}
	if err := inner.read(raw); err != nil {
		o.problem(name, "must be an object")
		return object{}, false
	}
	return inner, true
}

// texts reads an object of strings with at most most pairs; nil if it is not there.
func (o object) texts(name string, most int) map[string]string {
	inner, ok := o.object(name, false)
	if !ok {
		return nil
	}
	if len(inner.fields) > most {
		o.problem(name, fmt.Sprintf("must have at most %d pairs, has %d", most, len(inner.fields)))
	}
	texts := make(map[string]string, len(inner.fields))
	for _, key := range slices.Sorted(maps.Keys(inner.fields)) {
		if strings.ContainsRune(key, 0) {
			o.problem(name, "must not contain U+0000")
			continue
		}
		if string(inner.fields[key]) == "null" {
			inner.problem(key, "must be a string")
			continue
		}
		texts[key] = inner.text(key, 0, MaxBody)
	}
	return texts
}

// end refuses by name whatever has not been taken.
func (o object) end() {
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		o.problem(name, "is not a field of this message")
	}
}
