package v2

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is read of a message at most. Real ones have some thousand bytes and some thirty
// elements; a refund query with many refunds has a few hundred.
const (
	maxMessage  = 256 << 10 // bytes
	maxElements = 512
)

// The names of root elements.
const (
	rootXML  = "xml"
	rootInfo = "root" // of what req_info holds
)

// ErrUnreadable: these bytes are not what the document says WeChat sends.
var ErrUnreadable = errors.New("can't be read")

// readXML reads one root element with plain elements in it and nothing else: no DTD, no
// attributes, no comments, no depth, no name twice. Text stays as it is, white space
// included: the signature covers it. encoding/xml knows no entities but the five of XML
// itself, and refuses U+0000 and what is not UTF-8.
func readXML(root string, message []byte) (map[string]string, error) {
	if len(message) > maxMessage {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrUnreadable, maxMessage)
	}
	if fields, ok := readPlain(root, message); ok {
		return fields, nil
	}
	return readFully(root, message)
}

// readFully reads whatever is XML.
func readFully(root string, message []byte) (map[string]string, error) {
	r := reader{root: root, fields: map[string]string{}}
	tokens := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(message, []byte("\ufeff"))))
	for {
		token, err := tokens.Token()
		switch {
		case errors.Is(err, io.EOF) && r.closed:
			return r.fields, nil
		case err != nil:
			return nil, fmt.Errorf("%w: %.128q", ErrUnreadable, err.Error())
		}
		if err := r.take(token); err != nil {
			return nil, err
		}
	}
}

// reader is how far a message has been read.
type reader struct {
	root   string
	fields map[string]string
	open   []string // the elements around this place, from the root inwards
	text   []byte   // of the innermost so far
	begun  bool     // there was an XML declaration or the root
	closed bool     // the root is over
}

func (r *reader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return r.enter(token)
	case xml.EndElement:
		r.leave()
		return nil
	case xml.CharData:
		return r.add(token)
	case xml.ProcInst:
		if token.Target == "xml" && !r.begun {
			r.begun = true
			return nil
		}
	}
	return fmt.Errorf("%w: %T in the message", ErrUnreadable, token)
}

func (r *reader) enter(element xml.StartElement) error {
	name := element.Name.Local
	_, twice := r.fields[name]
	switch {
	case element.Name.Space != "" || len(element.Attr) > 0:
		return fmt.Errorf("%w: element %.32q has an attribute or a namespace", ErrUnreadable, name)
	case len(r.open) == 0 && (r.closed || name != r.root), len(r.open) > 1, twice:
		return fmt.Errorf("%w: element %.32q is out of place", ErrUnreadable, name)
	case len(r.fields) == maxElements:
		return fmt.Errorf("%w: more than %d elements", ErrUnreadable, maxElements)
	}
	r.open, r.text, r.begun = append(r.open, name), nil, true
	return nil
}

func (r *reader) leave() {
	innermost := len(r.open) - 1
	if innermost == 1 {
		r.fields[r.open[1]] = string(r.text)
	}
	r.open, r.closed = r.open[:innermost], innermost == 0
}

func (r *reader) add(characters []byte) error {
	if len(r.open) == 2 {
		r.text = append(r.text, characters...)
		return nil
	}
	if len(bytes.Trim(characters, " \t\r\n")) > 0 {
		return fmt.Errorf("%w: text between the elements", ErrUnreadable)
	}
	return nil
}

// inCDATA writes what CDATA can't hold: its own end, and a carriage return, which every
// reader of XML takes for a line feed.
var inCDATA = strings.NewReplacer("]]>", "]]]]><![CDATA[>", "\r", "]]>&#13;<![CDATA[")

// writeXML writes a message: the elements that have a value, sorted by name, so that the
// same ones always make the same bytes.
func writeXML(fields map[string]string) ([]byte, error) {
	var message bytes.Buffer
	message.WriteString("<" + rootXML + ">")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		if value == "" {
			continue
		}
		if writable(value) != value {
			return nil, fmt.Errorf("write %s: a character that XML has no room for", name)
		}
		message.WriteString("<" + name + "><![CDATA[" + inCDATA.Replace(value) + "]]></" + name + ">")
	}
	message.WriteString("</" + rootXML + ">")
	return message.Bytes(), nil
}

// writable leaves out whatever XML 1.0 has no room for (section 2.2): control characters
// and what is not UTF-8.
func writable(text string) string {
	return strings.Map(func(character rune) rune {
		switch {
		case character == '\t', character == '\n', character == '\r',
			character >= ' ' && character < 0xFFFE, character > 0xFFFF && character <= utf8.MaxRune:
			return character
		default:
			return -1
		}
	}, strings.ToValidUTF8(text, ""))
}

// cut shortens text to at most most bytes, at the boundary of a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
