package rig

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// number writes a figure with as many digits as it can bear.
func number(figure float64) string {
	switch {
	case figure >= 100:
		return thousands(int64(figure + 0.5))
	case figure >= 10:
		return fmt.Sprintf("%.1f", figure)
	default:
		return fmt.Sprintf("%.2f", figure)
	}
}

func thousands(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return thousands(n/1000) + fmt.Sprintf(",%03d", n%1000)
}

// Thousands writes a count as the tables do.
func Thousands(n int) string { return thousands(int64(n)) }

func milliseconds(d time.Duration) string {
	return number(float64(d.Microseconds())/1000) + " ms"
}

// writeTable writes a result as a table in Markdown. Columns that nobody fills are left
// out.
func writeTable(w io.Writer, r Result, all []Result) {
	columns := []column{
		{"who", func(c Contested) string { return c.Name }},
		{"median, each second", func(c Contested) string { return number(c.Rate()) }},
		{"lowest to highest", func(c Contested) string {
			rates := of(c.Rounds, Measure.Rate)
			return number(rates[0]) + " to " + number(rates[len(rates)-1])
		}},
	}
	if _, limit := r.tightest(all); limit > 0 {
		columns = append(columns, column{"of its tightest limit", func(c Contested) string {
			return fmt.Sprintf("%.0f %%", 100*c.Rate()/limit)
		}})
	}
	for _, l := range []struct {
		head   string
		figure func(Measure) time.Duration
	}{
		{"p50", func(m Measure) time.Duration { return m.P50 }},
		{"p99", func(m Measure) time.Duration { return m.P99 }},
	} {
		columns = append(columns, column{l.head, func(c Contested) string {
			if took := c.latency(l.figure); took > 0 {
				return milliseconds(took)
			}
			return ""
		}})
	}
	columns = append(columns, r.columns(extra)...)
	columns = append(columns, column{"settings", func(c Contested) string { return c.Settings }})
	writeColumns(w, columns, r.Contestants)
	if costs := r.columns(cost); len(costs) > 0 {
		fmt.Fprintf(w, "\nWhat each of the %s took:\n\n", r.Unit)
		writeColumns(w, append(columns[:1:1], costs...), r.Contestants)
	}
}

// columns are those of the further figures of a kind.
func (r Result) columns(kind figures) []column {
	var columns []column
	for _, name := range r.names(kind) {
		columns = append(columns, column{name, func(c Contested) string {
			if figure, known := c.further(kind, name); known {
				return number(figure)
			}
			return ""
		}})
	}
	return columns
}

// column is a column of a table.
type column struct {
	head string
	cell func(Contested) string
}

func (c column) filled(rows []Contested) bool {
	for _, row := range rows {
		if c.cell(row) != "" {
			return true
		}
	}
	return false
}

func writeColumns(w io.Writer, columns []column, rows []Contested) {
	var heads, rules []string
	var used []column
	for _, c := range columns {
		if c.filled(rows) {
			used, heads, rules = append(used, c), append(heads, c.head), append(rules, "---")
		}
	}
	line := func(cells []string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }
	line(heads)
	line(rules)
	for _, row := range rows {
		var cells []string
		for _, c := range used {
			cells = append(cells, c.cell(row))
		}
		line(cells)
	}
}
