package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// language is one that the console speaks.
type language string

const (
	english language = "en"
	chinese language = "zh"
)

// tag is the language as HTML names it.
func (l language) tag() string {
	if l == chinese {
		return "zh-CN"
	}
	return "en"
}

// other is the language that the switch leads to.
func (l language) other() language {
	if l == chinese {
		return english
	}
	return chinese
}

// word is the key of a text.
type word string

// sentence is a text with what stands in its gaps: names and values by turns. A value that
// is a word or a sentence is said in the same language.
type sentence struct {
	key    word
	values []any
}

func say(key word, values ...any) sentence { return sentence{key, values} }

// in says the sentence in a language.
func (s sentence) in(l language) string {
	t, ok := texts[s.key]
	if !ok {
		return "⟦" + string(s.key) + "⟧"
	}
	text := t.en
	if l == chinese {
		text = t.zh
	}
	if len(s.values) == 0 {
		return text
	}
	gaps := make([]string, 0, len(s.values))
	for i := 0; i+1 < len(s.values); i += 2 {
		gaps = append(gaps, "{"+fmt.Sprint(s.values[i])+"}", l.value(s.values[i+1]))
	}
	return strings.NewReplacer(gaps...).Replace(text)
}

func (l language) value(v any) string {
	switch v := v.(type) {
	case sentence:
		return v.in(l)
	case word:
		return say(v).in(l)
	case int:
		return grouped(int64(v))
	default:
		return fmt.Sprint(v)
	}
}

const languageCookie = "settled_language"

// languageOf is what a browser wants to read: what was chosen, or else what it prefers.
func languageOf(r *http.Request) language {
	if c, err := r.Cookie(languageCookie); err == nil {
		switch language(c.Value) {
		case english, chinese:
			return language(c.Value)
		}
	}
	best, weight := english, 0.0
	for i, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		if i == 32 {
			break
		}
		tag, q := weighted(part)
		for _, l := range []language{english, chinese} {
			if (tag == string(l) || strings.HasPrefix(tag, string(l)+"-")) && q > weight {
				best, weight = l, q
			}
		}
	}
	return best
}

// weighted reads one part of Accept-Language: zh-CN;q=0.9.
func weighted(part string) (tag string, q float64) {
	tag, rest, _ := strings.Cut(part, ";")
	q = 1
	if value, ok := strings.CutPrefix(strings.TrimSpace(rest), "q="); ok {
		var err error
		if q, err = strconv.ParseFloat(value, 64); err != nil || q != q {
			q = 0
		}
	}
	return strings.ToLower(strings.TrimSpace(tag)), q
}
