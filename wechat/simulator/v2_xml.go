package simulator

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

// v2Fields are the elements of an XML body: flat, and each of them text.
type v2Fields map[string]string

// readV2Fields reads a body: one <xml> of flat elements in UTF-8, none twice, without
// attributes, comments or a document type. An element without text counts as not sent,
// because that is how it is signed.
func readV2Fields(body []byte) (v2Fields, error) {
	switch {
	case len(body) == 0:
		return nil, refuseV2(v2BodyEmpty, "")
	case !utf8.Valid(body):
		return nil, refuseV2(v2BadCharset, "the body is not UTF-8")
	}
	fields := v2Fields{}
	decoder := xml.NewDecoder(bytes.NewReader(body))
	if err := readV2Root(decoder, fields); err != nil {
		return nil, refuseV2(v2Malformed, err.Error())
	}
	maps.DeleteFunc(fields, func(_, value string) bool { return value == "" })
	return fields, nil
}

// readV2Root reads the element xml, and that nothing is around it.
func readV2Root(decoder *xml.Decoder, into v2Fields) error {
	begun := false
	for {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && begun:
			return nil
		case err != nil:
			return errors.New("the body is not XML")
		}
		switch t := token.(type) {
		case xml.ProcInst:
			if t.Target != "xml" || begun {
				return errors.New("there must be no instruction")
			}
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return errors.New("there must be nothing around the element xml")
			}
		case xml.StartElement:
			if t.Name.Local != "xml" || len(t.Attr) > 0 || begun {
				return errors.New("the body must be one element xml, without attributes")
			}
			begun = true
			if err := readV2Elements(decoder, into); err != nil {
				return err
			}
		default:
			return errors.New("there must be no comment and no document type")
		}
	}
}

// readV2Elements reads what the element xml holds, to its end.
func readV2Elements(decoder *xml.Decoder, into v2Fields) error {
	for {
		token, err := decoder.Token()
		if err != nil {
			return errors.New("the body is not XML")
		}
		switch t := token.(type) {
		case xml.EndElement:
			return nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return errors.New("there must be no text between the elements")
			}
		case xml.StartElement:
			name := t.Name.Local
			_, twice := into[name]
			switch {
			case twice:
				return fmt.Errorf("%s stands twice", name)
			case len(t.Attr) > 0 || t.Name.Space != "":
				return fmt.Errorf("%s must have no attribute and no namespace", name)
			}
			if into[name], err = readV2Text(decoder); err != nil {
				return fmt.Errorf("%s %w", name, err)
			}
		default:
			return errors.New("there must be no comment, instruction or document type")
		}
	}
}

// readV2Text reads what an element holds, to its end.
func readV2Text(decoder *xml.Decoder) (string, error) {
	var text strings.Builder
	for {
		token, err := decoder.Token()
		if err != nil {
			return "", errors.New("does not end")
		}
		switch t := token.(type) {
		case xml.EndElement:
			return text.String(), nil
		case xml.CharData:
			text.Write(t)
		default:
			return "", errors.New("must hold nothing but text")
		}
	}
}

// spellV2 writes a document: the two return fields first, all others by name, as WeChat's
// samples have them: numbers as they are, all else in CDATA.
func spellV2(root string, fields v2Fields) []byte {
	var text bytes.Buffer
	text.WriteString("<" + root + ">")
	first := []string{"return_code", "return_msg"}
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(fields)), func(name string) bool { return slices.Contains(first, name) })
	for _, name := range append(first, rest...) {
		if value := fields[name]; value != "" {
			fmt.Fprintf(&text, "<%s>%s</%s>\n", name, v2Text(name, value), name)
		}
	}
	text.WriteString("</" + root + ">")
	return text.Bytes()
}

// v2Text spells a value. What would end a CDATA section is spread over two.
func v2Text(name, value string) string {
	if strings.Contains(name, "_fee") && fen(0)(value) {
		return value
	}
	return "<![CDATA[" + strings.ReplaceAll(value, "]]>", "]]]]><![CDATA[>") + "]]>"
}
