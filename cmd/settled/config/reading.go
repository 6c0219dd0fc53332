package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reading is one pass over one file. It goes on after a mistake, so that all of them are
// named at once.
type reading struct {
	file     string
	lookup   func(string) (string, bool)
	readFile func(string) ([]byte, error)
	keyless  bool // the merchants' key files are not looked into
	problems Problems
}

func (r *reading) problem(line int, key, issue string) {
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Key: key, Issue: issue})
}

// document returns the one document of the file. An empty file is one that says nothing.
func (r *reading) document(data []byte) value {
	documents, err := readDocuments(data)
	switch {
	case err != nil:
		r.problem(brokenLine(data), "", brokenIssue(err))
		return value{reading: &reading{}} // what else is wrong can't be told
	case len(documents) == 0:
		return value{reading: r, line: 1}
	case len(documents) > 1:
		r.problem(documents[1].Line, "", "must be one document: a second one starts here")
	}
	return value{reading: r, line: 1, node: documents[0].Content[0]}
}

func readDocuments(data []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var documents []*yaml.Node
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		documents = append(documents, &document)
	}
}

// brokenLine finds the line with which the file stops being YAML: the one after the most
// lines that are YAML by themselves. The parser knows it only roughly: it names the start
// of what it was reading, counts from 0 or from 1, or names none.
func brokenLine(data []byte) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	end := len(data)
	for n := len(lines) - 1; n > 0; n-- {
		end -= len(lines[n])
		if _, err := readDocuments(data[:end]); err == nil {
			return n + 1
		}
	}
	return 1
}

var parserLine = regexp.MustCompile(`^yaml: (line \d+: )?`)

// brokenIssue is what the parser says. It quotes the file in one case alone: what starts
// with * is looked up as an alias, and may have been meant as a secret.
func brokenIssue(err error) string {
	issue := parserLine.ReplaceAllString(err.Error(), "")
	if strings.HasPrefix(issue, "unknown anchor") {
		issue = "what starts with * must be put in quotes"
	}
	return "is not YAML: " + issue
}
