package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// event is a line of "go test -json"; see "go doc test2json" and "go help buildjson".
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64 // seconds
}

// count is how many tests there were.
type count struct {
	passed, failed, skipped int
}

func (c count) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

func (c count) good() bool { return c.failed == 0 && c.passed > 0 }

// transcript is what the tests of one package printed, as long as it may be wanted.
type transcript struct {
	order  []string // the tests in the order in which they spoke; "" is the package itself
	said   map[string]*strings.Builder
	tests  int
	failed bool
}

// read counts the events and writes, as they come, what people should see of them.
func (c *count) read(events io.Reader, out io.Writer) error {
	packages := map[string]*transcript{}
	for decoder := json.NewDecoder(events); ; {
		var e event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		p := packages[e.Package]
		if p == nil {
			p = &transcript{said: map[string]*strings.Builder{}}
			packages[e.Package] = p
		}
		switch {
		case e.Action == "build-output":
			fmt.Fprint(out, e.Output)
		case e.Action == "output":
			p.add(e.Test, e.Output)
		case e.Test != "":
			c.test(p, e, out)
		default:
			c.wholePackage(p, e, out)
		}
	}
}

// test counts a test that has ended, and shows what it said if it failed.
func (c *count) test(p *transcript, e event, out io.Writer) {
	switch e.Action {
	case "pass":
		c.passed++
	case "skip":
		c.skipped++
	case "fail":
		c.failed++
		p.failed = true
		fmt.Fprint(out, p.take(e.Test))
	default:
		return // it runs, pauses or goes on
	}
	p.tests++
	p.take(e.Test)
}

// wholePackage tells that a package has ended. One that failed without a failed test did
// not build, or died; that is a failure of its own.
func (c *count) wholePackage(p *transcript, e event, out io.Writer) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(out, "ok    %s: %d tests in %.1fs\n", e.Package, p.tests, e.Elapsed)
	case "skip":
		fmt.Fprintf(out, "-     %s: no tests\n", e.Package)
	case "fail":
		if !p.failed {
			c.failed++
		}
		for _, name := range p.order {
			fmt.Fprint(out, p.take(name))
		}
		fmt.Fprintf(out, "FAIL  %s: %d tests in %.1fs\n", e.Package, p.tests, e.Elapsed)
	}
}

// add keeps an output, unless it only says that a test waits or goes on: tests that run
// side by side do that all the time.
func (p *transcript) add(test, output string) {
	if strings.HasPrefix(output, "=== PAUSE") || strings.HasPrefix(output, "=== CONT") {
		return
	}
	if p.said[test] == nil {
		p.said[test] = &strings.Builder{}
		p.order = append(p.order, test)
	}
	p.said[test].WriteString(output)
}

// take returns what a test said so far, and forgets it.
func (p *transcript) take(test string) string {
	said := p.said[test]
	if said == nil {
		return ""
	}
	delete(p.said, test)
	return said.String()
}
