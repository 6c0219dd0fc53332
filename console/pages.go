package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"math"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"settled"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// pageNames are the pages; each stands in a file of that name, and layout.html around it.
var pageNames = []string{"overview", "payments", "payment", "refunds", "flags", "letters", "letter", "search", "signin", "problem"}

// pages are all pages in one language.
type pages struct{ named map[string]*template.Template }

func readPages(cfg Config) (map[language]*pages, error) {
	all := map[language]*pages{}
	for _, l := range []language{english, chinese} {
		all[l] = &pages{map[string]*template.Template{}}
		for _, name := range pageNames {
			t, err := template.New("layout.html").Funcs(functions(l, cfg.Now)).
				ParseFS(pageFiles, "pages/layout.html", "pages/parts.html", "pages/live.html", "pages/"+name+".html")
			if err != nil {
				return nil, fmt.Errorf("console: read page %s: %w", name, err)
			}
			all[l].named[name] = t
		}
	}
	return all, nil
}

// write writes a page, or the part of the overview that is live.
func (p *pages) write(w io.Writer, name string, v view) error {
	if name == "live" {
		return p.named["overview"].ExecuteTemplate(w, "live", v)
	}
	return p.named[name].Execute(w, v)
}

// functions are what the pages can say, in one language.
func functions(l language, now func() time.Time) template.FuncMap {
	return template.FuncMap{
		"t":      func(key string, values ...any) string { return say(word(key), values...).in(l) },
		"say":    func(s sentence) string { return s.in(l) },
		"word":   func(w word) string { return say(w).in(l) },
		"other":  func() string { return string(l.other()) },
		"lang":   l.tag,
		"asset":  func(name string) string { return Prefix + "assets/" + assetVersion + "/" + name },
		"pieces": pieces,
		"plain":  plain,
		"fold":   fold,
		"short":  short,
		"yuan":   yuan,
		"money": func(total settled.Fen, currency string) string {
			return yuan(settled.Money{Total: total, Currency: currency})
		},
		"number":   count,
		"counted":  func(n int) string { return counted(n, settled.CountLimit) },
		"percent":  percent,
		"minus":    func(a, b int) int { return a - b },
		"iso":      func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
		"utc":      func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" },
		"relative": func(t time.Time) string { return relative(l, t, now()) },
		"took":     took,
		"flagword": func(r settled.FlagReason) string { return say(flagWord(r)).in(l) },
		"refund":   func(r settled.Refund) string { return refundReason(r, now()).in(l) },
		"named":    func(prefix, name string) string { return named(l, prefix, name) },
		"waiting":  func(of map[settled.Status]int, status string) int { return of[settled.Status(status)] },
		"age":      func(t time.Time) time.Duration { return now().Sub(t) },
		"payment":  paymentPath,
		"letter":   letterPath,
		"lines":    func(text string) []string { return strings.Split(text, "\n") },
		"dict":     dict,
	}
}

// dict makes the names and values that a part of a page is given.
func dict(values ...any) (map[string]any, error) {
	d := map[string]any{}
	for i := 0; i < len(values); i += 2 {
		name, ok := values[i].(string)
		if !ok || i+1 == len(values) {
			return nil, fmt.Errorf("names and values by turns, not %v", values)
		}
		d[name] = values[i+1]
	}
	return d, nil
}

// named translates a word that the domain or an adapter uses, and shows one that it does not
// know as it is, if it is no longer than a name.
func named(l language, prefix, name string) string {
	key := word(prefix + "." + name)
	if _, ok := texts[key]; ok {
		return say(key).in(l)
	}
	return plain(short(name))
}

// count writes a number of things, whichever of Go's integers counts it.
func count(n any) string {
	switch n := n.(type) {
	case int:
		return grouped(int64(n))
	case uint64:
		return grouped(int64(min(n, math.MaxInt64))) //nolint:gosec // bounded just now
	default:
		return fmt.Sprint(n)
	}
}

// counted writes a count that stops at a limit.
func counted(n, limit int) string {
	if n >= limit {
		return grouped(int64(limit)) + "+"
	}
	return grouped(int64(n))
}

// took writes how long something took: 85 ms, 1.2 s, 3 min.
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "–"
	case d < time.Millisecond:
		return "< 1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + " d"
	}
}

// relative says how far a time is from now. The script of the pages says it in the same
// words as time goes on.
func relative(l language, t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d > -time.Second && d < time.Second:
		return say("relative.now").in(l)
	case d < 0:
		return say("relative.ago", "time", whole(-d)).in(l)
	default:
		return say("relative.in", "time", whole(d)).in(l)
	}
}

// whole is a duration in whole units.
func whole(d time.Duration) sentence {
	switch {
	case d < time.Minute:
		return say("relative.units", "count", int(d.Seconds()), "unit", word("unit.s"))
	case d < time.Hour:
		return say("relative.units", "count", int(d.Minutes()), "unit", word("unit.min"))
	case d < 48*time.Hour:
		return say("relative.units", "count", int(d.Hours()), "unit", word("unit.h"))
	default:
		return say("relative.units", "count", int(d.Hours()/24), "unit", word("unit.d"))
	}
}

// assetVersion names the content of the assets, so that browsers may keep them for ever.
var assetVersion = hashAssets()

func hashAssets() string {
	h := sha256.New()
	for _, name := range []string{"console.css", "console.js", "icon.svg"} {
		data, _ := assetFiles.ReadFile("assets/" + name) // it is embedded, or this does not compile
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// asset answers the stylesheet, the script and the icon.
func asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	data, err := assetFiles.ReadFile(path.Join("assets", path.Base(path.Clean("/"+name))))
	if err != nil || r.PathValue("version") != assetVersion {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", assetTypes[path.Ext(name)])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(data) // the browser has gone if this fails
}
