package config

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// value is a place in the file: a key, or an item of a list, and what stands there.
type value struct {
	*reading
	key  string // from the root, such as ingress.tokens[0].name
	line int
	node *yaml.Node // nil if nothing stands there
}

func (v value) problem(format string, args ...any) {
	v.reading.problem(v.line, v.key, fmt.Sprintf(format, args...))
}

// absent reports whether nothing stands there; null is nothing.
func (v value) absent() bool {
	return v.node == nil || v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == nullTag
}

// blank reports whether nothing or an empty text stands there.
func (v value) blank() bool {
	return v.absent() || v.node.Kind == yaml.ScalarNode && v.node.Value == ""
}

// text reads a string that passes every check, or returns fallback if nothing stands there.
func (v value) text(fallback string, checks ...check) string {
	if v.absent() {
		return fallback
	}
	text, ok := v.scalar(strTag, "a string")
	if !ok {
		return ""
	}
	for _, check := range checks {
		if issue := check(text); issue != "" {
			v.problem("%s", issue)
			return ""
		}
	}
	return text
}

// need reads a string that must be there and not empty.
func (v value) need(checks ...check) string {
	if v.absent() {
		v.problem("is missing")
		return ""
	}
	return v.text("", append([]check{notEmpty}, checks...)...)
}

func (v value) secret(checks ...check) Secret { return NewSecret(v.need(checks...)) }

// site reads the start of URLs to which a path with its own slash will be added.
func (v value) site(fallback string, checks ...check) string {
	return strings.TrimRight(v.text(fallback, checks...), "/")
}

func (v value) needSite(checks ...check) string { return strings.TrimRight(v.need(checks...), "/") }

// path reads the path of a file that somebody else will open.
func (v value) path(checks ...check) string {
	if !v.blank() && strings.HasPrefix(v.node.Value, filePrefix) {
		v.problem("is the path of a file already: leave %q out", filePrefix)
		return ""
	}
	return v.text("", checks...)
}

func (v value) integer(fallback, least, most int64) int64 {
	if v.absent() {
		return fallback
	}
	want := fmt.Sprintf("an integer from %d to %d", least, most)
	text, ok := v.scalar(intTag, want)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		v.problem("must be %s", want)
	}
	return n
}

// fraction reads a part of one.
func (v value) fraction(fallback float64) float64 {
	if v.absent() {
		return fallback
	}
	const want = "a number from 0 to 1"
	tag := floatTag
	if v.node.ShortTag() == intTag {
		tag = intTag
	}
	text, ok := v.scalar(tag, want)
	if !ok {
		return 0
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		v.problem("must be %s", want)
	}
	return f
}

func (v value) boolean() bool {
	if v.absent() {
		return false
	}
	text, ok := v.scalar(boolTag, "true or false")
	yes, err := strconv.ParseBool(text)
	if ok && err != nil {
		v.problem("must be true or false")
	}
	return yes
}

func (v value) duration(fallback time.Duration) time.Duration {
	if v.absent() && fallback != 0 {
		return fallback
	}
	text, ok := v.scalar(strTag, "a duration such as 30m or 5s")
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		v.problem("must be a duration such as 30m or 5s, longer than nothing")
	}
	return max(d, 0)
}

// durationOrNone reads a duration within bounds, or 0.
func (v value) durationOrNone(fallback, least, most time.Duration) time.Duration {
	if v.absent() {
		return fallback
	}
	if v.node.Kind == yaml.ScalarNode && v.node.Value == "0" {
		return 0
	}
	want := fmt.Sprintf("0, or a duration from %s to %s", short(least), short(most))
	text, ok := v.scalar(strTag, want)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d != 0 && (d < least || d > most) {
		v.problem("must be %s", want)
		return 0
	}
	return d
}

// short is a duration of whole hours as people write it.
func short(d time.Duration) string { return fmt.Sprintf("%dh", int(d.Hours())) }

// list reads a list; nothing is a list without items.
func (v value) list() []value {
	if v.absent() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.problem("must be a list, is %s", kind(v.node))
		return nil
	}
	items := make([]value, len(v.node.Content))
	for i, node := range v.node.Content {
		items[i] = v.under(fmt.Sprintf("%s[%d]", v.key, i), node.Line, node)
	}
	return items
}

// items reads a list with at least one item.
func (v value) items() []value {
	if v.absent() {
		v.problem("is missing")
		return nil
	}
	items := v.list()
	if v.node.Kind == yaml.SequenceNode && len(items) == 0 {
		v.problem("must have at least one item")
	}
	return items
}

func (v value) under(key string, line int, node *yaml.Node) value {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return value{reading: v.reading, key: key, line: line, node: node}
}

// scalar returns the text of a scalar with that tag. A string that refers to a variable
// or a file may stand for any scalar.
func (v value) scalar(tag, want string) (string, bool) {
	is := kind(v.node)
	if v.node.Kind == yaml.ScalarNode {
		switch found := v.node.ShortTag(); {
		case found == strTag && (tag == strTag || refers(v.node.Value)):
			return v.expand(v.node.Value)
		case found == tag:
			return v.node.Value, true
		case found != strTag && tag == strTag && want == "a string":
			is += ": put it in quotes"
		}
	}
	v.problem("must be %s, is %s", want, is)
	return "", false
}

// The tags of YAML that a configuration has a use for.
const (
	nullTag  = "!!null"
	strTag   = "!!str"
	intTag   = "!!int"
	boolTag  = "!!bool"
	floatTag = "!!float"
)

// kind says what a node is, in the words of people.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return cmp.Or(kinds[n.ShortTag()], "of a type of its own")
	}
}

var kinds = map[string]string{
	nullTag: "nothing", strTag: "a string", intTag: "an integer", boolTag: "a boolean",
	floatTag: "a number", "!!timestamp": "a date",
}
