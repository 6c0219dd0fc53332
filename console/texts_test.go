package console

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var gap = regexp.MustCompile(`\{[a-z_]+\}`)

func TestEveryTextIsThereInBothLanguagesWithTheSameGaps(t *testing.T) {
	t.Parallel()
	for key, text := range texts {
		if text.en == "" || text.zh == "" {
			t.Errorf("%s: English %q, Chinese %q", key, text.en, text.zh)
		}
		en, zh := gap.FindAllString(text.en, -1), gap.FindAllString(text.zh, -1)
		slices.Sort(en)
		slices.Sort(zh)
		if !slices.Equal(en, zh) {
			t.Errorf("%s: English has %v, Chinese has %v", key, en, zh)
		}
		if strings.ContainsFunc(text.zh, isHan) && strings.ContainsAny(text.zh, ",;?()") {
			t.Errorf("%s: the punctuation of %q is not Chinese", key, text.zh)
		}
		if strings.ContainsFunc(text.en, isHan) && key != "language.other" {
			t.Errorf("%s: %q is not English", key, text.en)
		}
	}
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

func TestNoTextStandsTwice(t *testing.T) {
	t.Parallel()
	if sum := len(pageTexts) + len(wordTexts) + len(reasonTexts); sum != len(texts) {
		t.Errorf("the tables have %d texts, together %d: some key stands twice", sum, len(texts))
	}
}

// TestEveryTextIsSaid holds the pages, the script and the source against the table.
func TestEveryTextIsSaid(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(`(?:[{(]|\s)t "([a-z_0-9.]+)"`)
	used := map[word]bool{}
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		page, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range said.FindAllStringSubmatch(string(page), -1) {
			key := word(found[1])
			used[key] = true
			if _, ok := texts[key]; !ok {
				t.Errorf("%s says %s, which has no text", name, key)
			}
		}
	}
	if len(used) < 100 {
		t.Errorf("only %d texts are found in the pages", len(used))
	}
}

func TestLanguageIsChosenByCookieThenByPreference(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		cookie, prefers string
		want            language
	}{
		{"", "", english},
		{"", "zh-CN,zh;q=0.9,en;q=0.8", chinese},
		{"", "en-GB,zh;q=0.9", english},
		{"", "de, zh-TW;q=0.4, en;q=0.3", chinese},
		{"", "fr", english},
		{"", "zh;q=0", english},
		{"", "zh;q=abc,en;q=0.1", english},
		{"zh", "en", chinese},
		{"en", "zh", english},
		{"xx", "zh", chinese},
		{"", strings.Repeat("fr,", 5000) + "zh", english},
	} {
		r := request(t)
		r.Header.Set("Accept-Language", row.prefers)
		if row.cookie != "" {
			r.Header.Set("Cookie", languageCookie+"="+row.cookie)
		}
		if got := languageOf(r); got != row.want {
			t.Errorf("cookie %q, Accept-Language %.40q: %s, want %s", row.cookie, row.prefers, got, row.want)
		}
	}
}

func TestAValueIsNeverTakenForAGap(t *testing.T) {
	t.Parallel()
	got := say("failed", "code", "{code}{trouble}").in(english)
	if !strings.Contains(got, "{code}{trouble}") {
		t.Errorf("said %q", got)
	}
}
