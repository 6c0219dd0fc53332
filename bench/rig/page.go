package rig

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

const pageHead = `# Performance, in tables

What settled does each second, beside others that do the same work on the same servers. This page is
written by ` + "`make bench`" + `; every figure of every round is in the JSON file beside it.

In each round every contestant works once, in turns, on a clean schema and on clean streams; setting
that up is not timed, and at the end it is checked that the work was done, to the last row and message. A
figure is the median of %d rounds; a run has %s operations where they are counted beforehand. Contestants are
processes of their own, and so are the servers; all of them share one machine, whose cores are soon the
bound: the columns of CPU say who used how much for one operation.

Revision %s, %s.
`

// busy is the load at which others disturb what is measured.
const busy = 1

const busyNote = `
**The machine was busy with other work when this run began**: a load of %.1f on %s cores. The figures are lower than they
would be, those of one part were not taken under the same load as those of another, and a share of a limit says little.
`

// Write writes the report as a page in Markdown.
func (r Report) Write(w io.Writer) {
	fmt.Fprintf(w, pageHead, r.Rounds, thousands(int64(r.Size)), r.Revision, r.Date)
	if load, err := strconv.ParseFloat(r.Machine[loadBefore], 64); err == nil && load > busy {
		fmt.Fprintf(w, busyNote, load, r.Machine["cores"])
	}
	r.WriteTables(w)
	writePairs(w, "Machine", r.Machine)
	writePairs(w, "Settings", r.Settings)
	writePairs(w, "Versions", r.Versions)
}

// WriteTables writes the results alone.
func (r Report) WriteTables(w io.Writer) {
	for _, result := range r.Results {
		fmt.Fprintf(w, "\n## %s\n\n%s\n", strings.ReplaceAll(result.Name, "_", " "), result.About)
		if name, rate := result.tightest(r.Results); rate > 0 {
			fmt.Fprintf(w, "\nThe tightest limit of its path is %s: %s each second.\n", name, number(rate))
		}
		fmt.Fprintln(w)
		writeTable(w, result, r.Results)
	}
}

func writePairs(w io.Writer, head string, pairs map[string]string) {
	fmt.Fprintf(w, "\n## %s\n\n", head)
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		fmt.Fprintf(w, "- %s: %s\n", name, pairs[name])
	}
}

// Save writes the report to files: the page, and JSON. An empty name is a file that
// nobody wants.
func (r Report) Save(page, data string) error {
	if page != "" {
		var text strings.Builder
		r.Write(&text)
		if err := os.WriteFile(page, []byte(text.String()), 0o644); err != nil { //nolint:gosec // a page is for everybody
			return fmt.Errorf("write the page: %w", err)
		}
	}
	if data == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	if err := os.WriteFile(data, append(text, '\n'), 0o644); err != nil { //nolint:gosec // likewise
		return fmt.Errorf("write the figures: %w", err)
	}
	return nil
}
