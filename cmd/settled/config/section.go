package config

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// section is a mapping of the file, read key by key. What nobody asked for when it ends
// is a key that does not exist.
type section struct {
	value
	entries map[string]value
	order   []string // the keys as they stand
	known   []string // the keys that were asked for
}

// section reads a mapping; nothing is a mapping without keys. Of what is no mapping, no
// key is missed.
func (v value) section() *section {
	s := &section{value: v, entries: map[string]value{}}
	if v.absent() {
		return s
	}
	if v.node.Kind != yaml.MappingNode {
		v.problem("must be a mapping, is %s", kind(v.node))
		s.reading, s.entries = &reading{}, nil
		return s
	}
	for i := 0; i < len(v.node.Content); i += 2 {
		s.add(v.node.Content[i], v.node.Content[i+1])
	}
	return s
}

func (s *section) add(name, node *yaml.Node) {
	entry := s.under(s.path(name.Value), name.Line, node)
	if name.Kind != yaml.ScalarNode {
		entry.key = s.key
		entry.problem("a key must be a string, is %s", kind(name))
		return
	}
	if first, twice := s.entries[name.Value]; twice {
		entry.problem("stands twice, first in line %d", first.line)
		return
	}
	s.entries[name.Value] = entry
	s.order = append(s.order, name.Value)
}

func (s *section) path(name string) string {
	if s.key == "" {
		return name
	}
	return s.key + "." + name
}

// names lists the keys in the order of the file.
func (s *section) names() []string { return s.order }

// empty reports whether the section is there, or may be there, without a key.
func (s *section) empty() bool { return s.entries != nil && len(s.order) == 0 }

// at returns what stands at a key. A key that is missing is missing in the section's line.
func (s *section) at(name string) value {
	if !slices.Contains(s.known, name) {
		s.known = append(s.known, name)
	}
	if entry, ok := s.entries[name]; ok {
		return entry
	}
	return value{reading: s.reading, key: s.path(name), line: s.line}
}

// refuse makes a key that nobody asked for a problem.
func (s *section) refuse(name, issue string) {
	entry, there := s.entries[name]
	if !there || slices.Contains(s.known, name) {
		return
	}
	entry.problem("%s", issue)
	delete(s.entries, name)
}

// together demands that of two keys both say something, or neither.
func (s *section) together(one, other string) {
	for _, pair := range [][2]string{{one, other}, {other, one}} {
		if s.at(pair[0]).blank() && !s.at(pair[1]).blank() {
			s.at(pair[0]).problem("must be there when %s is", pair[1])
		}
	}
}

// end reports every key that nobody asked for.
func (s *section) end() {
	for _, name := range s.order {
		if entry, there := s.entries[name]; there && !slices.Contains(s.known, name) {
			entry.problem("is not a known key%s", suggest(name, s.known))
		}
	}
}
