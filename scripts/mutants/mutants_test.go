package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Tests run in their package's folder; the table names files from the top.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// The table is alive: each bug has its place in the code, and tests that may find it.
func TestEveryMutantHasItsPlaceAndItsTests(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, m := range mutants {
		if names[m.name] {
			t.Errorf("%s stands twice in the table", m.name)
		}
		names[m.name] = true
		if text, err := m.mutate(); err != nil {
			t.Error(err)
		} else if m.old == m.text || len(text) == 0 {
			t.Errorf("%s changes nothing", m.name)
		}
		for test := range strings.SplitSeq(m.run, "|") {
			if !tests(t, m.room)[test] {
				t.Errorf("%s: there is no test %s in %s", m.name, test, m.room)
			}
		}
	}
}

var declared = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// tests are the names of a room's tests.
func tests(t *testing.T, room string) map[string]bool {
	t.Helper()
	files, err := os.ReadDir(room)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(room + "/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range declared.FindAllStringSubmatch(string(text), -1) {
			found[match[1]] = true
		}
	}
	return found
}

// Every mutant stands in the papers, with the tests that catch it.
func TestThePapersListEveryMutant(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/mutants.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		row := "| `" + m.name + "` | " + m.means + " | `" + m.file + "` | " + strings.ReplaceAll(m.run, "|", ", ") + " |"
		if !strings.Contains(string(text), row+"\n") {
			t.Errorf("docs/mutants.md lacks %s", row)
		}
	}
}

func TestAFailedTestIsNamedOnce(t *testing.T) {
	t.Parallel()
	const output = "--- FAIL: TestB (0.1s)\n    --- FAIL: TestB/part\n--- FAIL: TestA (0.2s)\n--- FAIL: TestB (0.1s)\nFAIL\n"
	if names := failures([]byte(output)); names != "TestA, TestB" {
		t.Errorf("failures = %q", names)
	}
}
