package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// patience bounds the tests of one mutant.
const patience = 5 * time.Minute

// verdict is what became of a mutant.
type verdict struct {
	caughtBy string // the tests that failed; empty: it lives
	trouble  string // why nothing can be said
}

// String is the verdict in a line.
func (v verdict) String() string {
	switch {
	case v.trouble != "":
		return "TROUBLE: " + v.trouble
	case v.caughtBy == "":
		return "LIVES"
	}
	return "caught by " + v.caughtBy
}

// plant runs the mutant's tests with the bug, and tells which of them failed. A mutant
// that does not compile proves nothing.
func (m mutant) plant(ctx context.Context) verdict {
	overlay, remove, err := m.overlay()
	if err != nil {
		return verdict{trouble: err.Error()}
	}
	defer remove()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if output, err := m.command(ctx, overlay, "vet").CombinedOutput(); err != nil {
		return verdict{trouble: "it does not compile: " + string(output)}
	}
	output, err := m.command(ctx, overlay, "test", "-count=1", "-run", "^("+m.run+")$").CombinedOutput()
	switch {
	case err == nil && bytes.Contains(output, []byte("no tests to run")):
		return verdict{trouble: "no test is called " + m.run}
	case err == nil:
		return verdict{}
	}
	if failed := failures(output); failed != "" {
		return verdict{caughtBy: failed}
	}
	return verdict{trouble: "the tests did not run: " + string(output)}
}

// command is go with the mutant in the build, and in every build that its tests make.
func (m mutant) command(ctx context.Context, overlay, name string, arguments ...string) *exec.Cmd {
	arguments = append(append([]string{name}, arguments...), m.room)
	command := exec.CommandContext(ctx, "go", arguments...) //nolint:gosec // the words of our own table
	command.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay)
	return command
}

// overlay writes the file with the bug, and the file that lets Go's build take it.
func (m mutant) overlay() (file string, remove func(), err error) {
	text, err := m.mutate()
	if err != nil {
		return "", nil, err
	}
	place, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(place) } // a leftover harms nobody
	from, err := filepath.Abs(m.file)
	if err != nil {
		return "", remove, err
	}
	to := filepath.Join(place, "mutant.go")
	words, err := json.Marshal(map[string]map[string]string{"Replace": {from: to}})
	if err != nil {
		return "", remove, err
	}
	file = filepath.Join(place, "overlay.json")
	for name, content := range map[string][]byte{to: text, file: words} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return "", remove, fmt.Errorf("write mutant %s: %w", m.name, err)
		}
	}
	return file, remove, nil
}

// mutate is the file with the bug in it. It fails if the place is not there any more.
func (m mutant) mutate() ([]byte, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return nil, fmt.Errorf("read what mutant %s changes: %w", m.name, err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return nil, fmt.Errorf("mutant %s: its place stands %d times in %s", m.name, n, m.file)
	}
	return []byte(strings.Replace(string(text), m.old, m.text, 1)), nil
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// failures names the tests that failed, in their order by name.
func failures(output []byte) string {
	var names []string
	for _, match := range failed.FindAllSubmatch(output, -1) {
		names = append(names, string(match[1]))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}
