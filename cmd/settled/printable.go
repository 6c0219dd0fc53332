package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// printable is a stranger's text in one line, fit for a terminal: whatever could move its
// cursor, colour it or turn the direction of its words is replaced.
func printable(text string) string { return replaced(text, "") }

// printableLines is the same with its lines left as they are.
func printableLines(text string) string { return replaced(text, "\n\t") }

func replaced(text, but string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || strings.ContainsRune(but, r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// clean is a text as the database can hold it and a line can show it, of at most so many
// characters.
func clean(text string, most int) string {
	runes := []rune(strings.TrimSpace(printable(text)))
	return string(runes[:min(len(runes), most)])
}

// writeJSON writes a value in one line. JSON leaves some characters as they are that
// terminals obey; they are escaped, which means the same to a program.
func writeJSON(w io.Writer, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	var line strings.Builder
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		data = data[size:]
		switch {
		case unicode.IsPrint(r):
			line.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&line, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&line, `\u%04x`, r)
		}
	}
	_, err = fmt.Fprintln(w, line.String())
	return err
}
