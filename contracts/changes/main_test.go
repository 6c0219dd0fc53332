package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestTheReportCounts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	broken, err := report(&out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "contract: ") || broken != strings.Contains(out.String(), "BREAKS") {
		t.Errorf("broken %t\n%s", broken, out.String())
	}
}
