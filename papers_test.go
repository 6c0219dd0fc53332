package settled_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// paper is a Markdown file, taken apart.
type paper struct {
	name  string
	prose string   // with all code left out
	code  []string // what stands in backticks, and the lines of code blocks
}

var codeSpan = regexp.MustCompile("`[^`\n]+`")

func readPaper(t *testing.T, name string) paper {
	t.Helper()
	p := paper{name: name}
	inBlock := false
	for line := range strings.Lines(readFile(t, name)) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			inBlock = !inBlock
		case inBlock:
			p.code = append(p.code, strings.TrimSpace(line))
		default:
			for _, span := range codeSpan.FindAllString(line, -1) {
				p.code = append(p.code, strings.Trim(span, "`"))
			}
			p.prose += codeSpan.ReplaceAllString(line, "")
		}
	}
	return p
}

// tellsOfThePast reports whether the paper may name what is gone.
func (p paper) tellsOfThePast() bool {
	return p.name == "CHANGELOG.md" || path.Dir(p.name) == "docs/decisions"
}

func papers(t *testing.T) []paper {
	t.Helper()
	var found []paper
	walk(t, func(name string) {
		if path.Ext(name) == ".md" {
			found = append(found, readPaper(t, name))
		}
	})
	return found
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var (
	link      = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)|(?m:^\[[^\]]+\]:\s*(\S+))|(?:href|src)="([^"]+)"`)
	elsewhere = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:|^//`)
)

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, p := range papers(t) {
		for _, found := range link.FindAllStringSubmatch(p.prose, -1) {
			target := found[1] + found[2] + found[3]
			if elsewhere.MatchString(target) {
				continue
			}
			file, heading, _ := strings.Cut(target, "#")
			at := p.name
			if file != "" {
				at = path.Join(path.Dir(p.name), file)
			}
			if _, err := os.Stat(at); err != nil {
				t.Errorf("%s: link to %s, which is not there", p.name, target)
			} else if heading != "" && !slices.Contains(headings(t, at), heading) {
				t.Errorf("%s: link to %s, where no such heading is", p.name, target)
			}
		}
	}
}

var (
	headingLine = regexp.MustCompile(`(?m)^#{1,6} +(.+?)\s*$`)
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// headings lists the anchors that GitHub gives to the headings of a paper.
func headings(t *testing.T, name string) []string {
	t.Helper()
	var anchors []string
	for _, found := range headingLine.FindAllStringSubmatch(readFile(t, name), -1) {
		anchor := notInAnchor.ReplaceAllString(strings.ToLower(found[1]), "")
		anchors = append(anchors, strings.ReplaceAll(anchor, " ", "-"))
	}
	return anchors
}

var (
	pathWord = regexp.MustCompile(`^[A-Za-z0-9_.*/-]+$`)
	notOurs  = regexp.MustCompile(`^/|NNNN|^[a-z]+\.[a-z.]+/`)
	ofOurs   = regexp.MustCompile(`\.(go|md|sql|sh)$|^(Makefile|\.golangci\.yml|go\.mod|go\.sum)$`)
)

func TestPathsExist(t *testing.T) {
	t.Parallel()
	var files []string
	walk(t, func(name string) { files = append(files, name) })
	for _, p := range papers(t) {
		if p.tellsOfThePast() {
			continue
		}
		for _, code := range p.code {
			for _, word := range strings.Fields(code) {
				word = strings.TrimSuffix(strings.Trim(word, `"'(),;`), "/...")
				if meansAPath(word) && !isThere(t, p, word, files) {
					t.Errorf("%s: %s is not there", p.name, word)
				}
			}
		}
	}
}

// meansAPath reports whether a word can only be a path of this project: it begins with
// one of our folders, or is named as our files are. NNNN stands for any number; what
// begins with a host is somebody else's.
func meansAPath(word string) bool {
	if !pathWord.MatchString(word) || notOurs.MatchString(word) {
		return false
	}
	first, _, deep := strings.Cut(strings.TrimPrefix(word, "./"), "/")
	info, err := os.Stat(first)
	return ofOurs.MatchString(word) || deep && first != "bin" && err == nil && info.IsDir()
}

// isThere looks for a path from the root, from the paper's own folder, and for a bare
// file name everywhere.
func isThere(t *testing.T, p paper, word string, files []string) bool {
	t.Helper()
	for _, pattern := range []string{path.Clean(word), path.Join(path.Dir(p.name), word)} {
		if found, err := fs.Glob(os.DirFS("."), pattern); err == nil && len(found) > 0 {
			return true
		}
	}
	return !strings.Contains(word, "/") && slices.ContainsFunc(files, func(file string) bool {
		matched, err := path.Match(word, path.Base(file))
		return err == nil && matched
	})
}

// spoken finds what a paper tells its reader to type: the words after a program's name,
// where a command begins.
func spoken(program string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[$&|;(] *|sudo |bin/|cmd/)` + program + ` ([a-z]+)\b`)
}

func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	var targets []string
	for _, found := range regexp.MustCompile(`(?m)^([a-z]+):`).FindAllStringSubmatch(readFile(t, "Makefile"), -1) {
		targets = append(targets, found[1])
	}
	checkSpoken(t, "make", targets)
}

func TestCommandsExist(t *testing.T) {
	t.Parallel()
	checkSpoken(t, "settled", commands(t))
}

func checkSpoken(t *testing.T, program string, known []string) {
	t.Helper()
	if len(known) == 0 {
		t.Fatalf("%s knows no word at all", program)
	}
	for _, p := range papers(t) {
		if p.tellsOfThePast() {
			continue
		}
		for _, code := range p.code {
			for _, found := range spoken(program).FindAllStringSubmatch(code, -1) {
				if !slices.Contains(known, found[1]) {
					t.Errorf("%s: there is no %s %s, only %s", p.name, program, found[1], strings.Join(known, ", "))
				}
			}
		}
	}
}

// commands reads the names of settled's commands from the source: the name of every
// literal of type command.
func commands(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	sources, err := fs.Glob(os.DirFS("."), "cmd/settled/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), source, readFile(t, source), 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if name, ok := commandName(n); ok {
				names[name] = true
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(names))
}

func commandName(n ast.Node) (string, bool) {
	literal, ok := n.(*ast.CompositeLit)
	if !ok {
		return "", false
	}
	if kind, ok := literal.Type.(*ast.Ident); !ok || kind.Name != "command" {
		return "", false
	}
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, isName := pair.Key.(*ast.Ident)
		value, isText := pair.Value.(*ast.BasicLit)
		if isName && isText && key.Name == "name" {
			name, err := strconv.Unquote(value.Value)
			return name, err == nil
		}
	}
	return "", false
}

// Who reads the Chinese manual is told of every metric that the English one tells of.
func TestBothLanguagesTellOfTheSameMetrics(t *testing.T) {
	t.Parallel()
	metric := regexp.MustCompile("`settled_[a-z_]+")
	named := func(paper string) []string {
		text, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		names := metric.FindAllString(string(text), -1)
		slices.Sort(names)
		return slices.Compact(names)
	}
	english, chinese := named("docs/operating.md"), named("docs/operating.zh-CN.md")
	if len(english) == 0 || !slices.Equal(english, chinese) {
		t.Errorf("docs/operating.md tells of %q\nand docs/operating.zh-CN.md of %q", english, chinese)
	}
}
