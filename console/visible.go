package console

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// piece is a part of a stranger's text: words as they are, or the name of a character that
// nobody would see, or that would turn the words around it.
type piece struct {
	Text string
	Odd  bool
}

// mostMarks is how many accents one letter may carry; languages need two or three.
const mostMarks = 4

// invisible are letters and symbols by their kind, and blank all the same.
const invisible = "\u115F\u1160\u17B4\u17B5\u2800\u3164\uFFA0\u034F"

// pieces takes a stranger's text apart, so that all of it can be shown as text.
func pieces(text string) []piece {
	var all []piece
	var words strings.Builder
	end := func() {
		if words.Len() > 0 {
			all = append(all, piece{Text: words.String()})
			words.Reset()
		}
	}
	marks := 0
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		name := ""
		switch {
		case r == utf8.RuneError && size <= 1:
			name = fmt.Sprintf("0x%02X", text[0])
		case odd(r, marks):
			name = fmt.Sprintf("U+%04X", r)
		}
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		text = text[size:]
		if name == "" {
			words.WriteRune(r)
			continue
		}
		end()
		all = append(all, piece{name, true})
	}
	end()
	return all
}

func odd(r rune, marks int) bool {
	switch {
	case r == '\u3000': // the space of Chinese
		return false
	case strings.ContainsRune(invisible, r), !unicode.IsPrint(r):
		return true
	default:
		return unicode.Is(unicode.M, r) && marks >= mostMarks
	}
}

// plain is a stranger's text for where no markup can stand: titles, labels.
func plain(text string) string {
	var b strings.Builder
	for _, p := range pieces(text) {
		if p.Odd {
			p.Text = "⟨" + p.Text + "⟩"
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

// foldAfter is how many characters of a text are shown before the reader asks for more.
const foldAfter = 160

// folded is a text in two: what is shown, and the whole where that is not all.
type folded struct{ Head, Whole string }

func fold(text string) folded {
	if utf8.RuneCountInString(text) <= foldAfter {
		return folded{Head: text}
	}
	return folded{string([]rune(text)[:foldAfter*3/4]), text}
}

// mostName is how much of a name is shown: of whatever is longer it is not one.
const mostName = 64

// short is a name as it is, or its beginning.
func short(name string) string {
	if utf8.RuneCountInString(name) <= mostName {
		return name
	}
	return string([]rune(name)[:mostName]) + "…"
}
