package v3

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// cursor walks over bytes of which encoding/json has said already that they are JSON. It reads
// them as encoding/json would, except that it refuses a name that stands twice, and U+0000.
type cursor struct{ rest []byte }

// value reads the next value: a map, a list, a text, a json.Number, a truth or nil.
func (c *cursor) value(depth int) (any, error) {
	switch c.next() {
	case '"':
		return c.text()
	case '{', '[':
		if depth == 0 {
			return nil, fmt.Errorf("%w: it is deeper than %d levels", ErrUnreadable, maxDepth)
		}
		if c.take() == '{' {
			return c.fields(depth - 1)
		}
		return c.list(depth - 1)
	default:
		return c.word(), nil
	}
}

func (c *cursor) fields(depth int) (map[string]any, error) {
	fields, seen := map[string]any{}, map[string]bool{}
	for c.more('}') {
		name, err := c.text()
		if err != nil {
			return nil, err
		}
		folded := strings.ToLower(name)
		if seen[folded] {
			return nil, fmt.Errorf("%w: %.32q stands twice", ErrUnreadable, name)
		}
		seen[folded] = true
		c.next()
		c.take() // the colon
		if fields[name], err = c.value(depth); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

func (c *cursor) list(depth int) ([]any, error) {
	list := []any{}
	for c.more(']') {
		value, err := c.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

// more goes to the next item, or past the end of the list or the object.
func (c *cursor) more(end byte) bool {
	switch c.next() {
	case end:
		c.take()
		return false
	case ',':
		c.take()
		c.next()
	}
	return true
}

// text reads a string.
func (c *cursor) text() (string, error) {
	end := 1
	for c.rest[end] != '"' {
		if c.rest[end] == '\\' {
			end++
		}
		end++
	}
	quoted := c.rest[:end+1]
	c.rest = c.rest[end+1:]
	text := string(quoted[1:end])
	if bytes.IndexByte(quoted, '\\') >= 0 || !utf8.ValidString(text) {
		if err := json.Unmarshal(quoted, &text); err != nil {
			return "", fmt.Errorf("%w: it is not JSON", ErrUnreadable)
		}
	}
	if strings.ContainsRune(text, 0) { // no row of a database can hold it
		return "", fmt.Errorf("%w: U+0000 in a value", ErrUnreadable)
	}
	return text, nil
}

// word reads a number, true, false or null.
func (c *cursor) word() any {
	end := bytes.IndexAny(c.rest, ",]} \t\r\n")
	if end < 0 {
		end = len(c.rest)
	}
	word := string(c.rest[:end])
	c.rest = c.rest[end:]
	switch word {
	case "true", "false":
		return word == "true"
	case "null":
		return nil
	default:
		return json.Number(word)
	}
}

// next is the next character that is no white space.
func (c *cursor) next() byte {
	c.rest = bytes.TrimLeft(c.rest, " \t\r\n")
	return c.rest[0]
}

// take goes past a character.
func (c *cursor) take() byte {
	character := c.rest[0]
	c.rest = c.rest[1:]
	return character
}
