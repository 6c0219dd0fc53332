package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// v3Object is a JSON object: text, json.Number, bool, nil, []any and v3Object by name.
type v3Object map[string]any

// maxV3Depth is far deeper than any call's body.
const maxV3Depth = 8

// readV3Object reads a body that must be one JSON object and nothing else. A name that
// stands twice is refused, because the two sides might read it differently.
func readV3Object(body []byte) (v3Object, error) {
	switch {
	case len(body) == 0:
		return nil, errors.New("the body is empty")
	case !utf8.Valid(body):
		return nil, errors.New("the body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	value, err := readV3Value(decoder, 0)
	if err != nil {
		return nil, err
	}
	object, ok := value.(v3Object)
	if !ok {
		return nil, errors.New("the body must be a JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there must be nothing behind the body's object")
	}
	return object, nil
}

func readV3Value(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	switch {
	case err != nil:
		return nil, errors.New("the body is not JSON")
	case depth > maxV3Depth:
		return nil, errors.New("the body is too deep")
	case token == json.Delim('{'):
		return readV3Members(decoder, depth)
	case token == json.Delim('['):
		return readV3Items(decoder, depth)
	}
	return token, nil
}

func readV3Members(decoder *json.Decoder, depth int) (any, error) {
	object := v3Object{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, errors.New("the body is not JSON")
		}
		name := fmt.Sprint(token)
		if _, twice := object[name]; twice {
			return nil, errors.New(name + " stands twice")
		}
		if object[name], err = readV3Value(decoder, depth+1); err != nil {
			return nil, err
		}
	}
	return object, endOfV3(decoder)
}

func readV3Items(decoder *json.Decoder, depth int) (any, error) {
	items := []any{}
	for decoder.More() {
		item, err := readV3Value(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, endOfV3(decoder)
}

// endOfV3 takes the bracket that ends an object or a list.
func endOfV3(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return errors.New("the body is not JSON")
	}
	return nil
}

// in finds a value inside of a checked object, nil if it is not there.
func (o v3Object) in(names ...string) any {
	var value any = o
	for _, name := range names {
		inner, ok := value.(v3Object)
		if !ok {
			return nil
		}
		value = inner[name]
	}
	return value
}

// text finds a text inside of a checked object, "" if it is not there.
func (o v3Object) text(names ...string) string {
	text, _ := o.in(names...).(string)
	return text
}

// fen finds an amount inside of a checked object, 0 if it is not there.
func (o v3Object) fen(names ...string) int64 {
	number, _ := o.in(names...).(json.Number)
	amount, _ := number.Int64()
	return amount
}

// spellV3 is JSON as it goes out: without the escapes of a page.
func spellV3(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
