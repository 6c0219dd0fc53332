package v2

import (
	"bytes"
	"unicode/utf8"
)

// readPlain reads what WeChat really sends: elements of CDATA or plain text one after the
// other. It says false to everything that it is not sure of, and readXML then has the whole
// word: entities, carriage returns, declarations, whatever is wrong. What it does read, it
// reads as encoding/xml does, in a tenth of the time.
func readPlain(root string, message []byte) (map[string]string, bool) {
	rest, ok := bytes.CutPrefix(bytes.Trim(message, space), []byte("<"+root+">"))
	if !ok {
		return nil, false
	}
	if rest, ok = bytes.CutSuffix(rest, []byte("</"+root+">")); !ok {
		return nil, false
	}
	fields := make(map[string]string, 32)
	for {
		rest = bytes.TrimLeft(rest, space)
		if len(rest) == 0 {
			return fields, true
		}
		name, value, after, ok := plainElement(rest)
		if _, twice := fields[name]; !ok || twice || len(fields) == maxElements {
			return nil, false
		}
		fields[name], rest = value, after
	}
}

// space is white space between elements.
const space = " \t\n"

// plainElement cuts the first element off.
func plainElement(rest []byte) (name, value string, after []byte, ok bool) {
	end := bytes.IndexByte(rest, '>')
	if end < 2 || rest[0] != '<' || !plainName(rest[1:end]) {
		return "", "", nil, false
	}
	tag, inside := rest[1:end], rest[end+1:]
	text, after, ok := plainText(inside)
	if !ok {
		return "", "", nil, false
	}
	if after, ok = bytes.CutPrefix(after, []byte("</")); ok {
		if after, ok = bytes.CutPrefix(after, tag); ok {
			after, ok = bytes.CutPrefix(after, []byte(">"))
		}
	}
	return string(tag), string(text), after, ok
}

// plainText cuts off what stands in an element, up to its end tag.
func plainText(inside []byte) (text, after []byte, ok bool) {
	if data, ok := bytes.CutPrefix(inside, []byte("<![CDATA[")); ok {
		text, after, ok = bytes.Cut(data, []byte("]]>"))
		return text, after, ok && plainCharacters(text)
	}
	end := bytes.IndexByte(inside, '<')
	if end < 0 {
		return nil, nil, false
	}
	text = inside[:end]
	return text, inside[end:], plainCharacters(text) && bytes.IndexByte(text, '&') < 0 && !bytes.Contains(text, []byte("]]>"))
}

// plainName reports whether a tag is a name as WeChat's are, and nothing more.
func plainName(tag []byte) bool {
	if len(tag) == 0 || '0' <= tag[0] && tag[0] <= '9' {
		return false
	}
	for _, character := range tag {
		switch {
		case 'a' <= character && character <= 'z', 'A' <= character && character <= 'Z', '0' <= character && character <= '9', character == '_':
		default:
			return false
		}
	}
	return true
}

// plainCharacters reports whether a text has no character that XML forbids or changes.
func plainCharacters(text []byte) bool {
	for i := 0; i < len(text); {
		character := text[i]
		if character < utf8.RuneSelf {
			if character < ' ' && character != '\t' && character != '\n' {
				return false
			}
			i++
			continue
		}
		long, size := utf8.DecodeRune(text[i:])
		if long == utf8.RuneError && size == 1 || long == 0xFFFE || long == 0xFFFF {
			return false
		}
		i += size
	}
	return true
}
