package console

import (
	"fmt"
	"strings"

	"settled"
)

// The chart's size, in its own units.
const (
	chartWidth  = 720
	chartHeight = 120
)

// chart is the payments of each minute as lines, drawn here so that no browser has to.
type chart struct {
	Lines  []line
	Rules  []chartRule // of the scale, from below
	Slots  []slot      // a minute each, to point at
	Width  int
	Height int
	Area   string // below the first line
}

type line struct{ Name, Points string }

type chartRule struct {
	Y     string
	Label string
}

type slot struct {
	X, Width string
	Rate     settled.Rate
}

// draw makes the chart; of fewer than two minutes there is nothing to draw.
func draw(rates []settled.Rate) chart {
	c := chart{Width: chartWidth, Height: chartHeight}
	if len(rates) < 2 {
		return c
	}
	most := 0
	for _, r := range rates {
		most = max(most, r.Requested, r.Completed, r.Closed)
	}
	top := roundUp(most)
	for _, of := range []struct {
		name  string
		value func(settled.Rate) int
	}{
		{"requested", func(r settled.Rate) int { return r.Requested }},
		{"completed", func(r settled.Rate) int { return r.Completed }},
		{"closed", func(r settled.Rate) int { return r.Closed }},
	} {
		points := make([]string, len(rates))
		for i, r := range rates {
			points[i] = number(across(i, len(rates))) + "," + number(up(of.value(r), top))
		}
		c.Lines = append(c.Lines, line{of.name, strings.Join(points, " ")})
	}
	c.Area = fmt.Sprintf("0,%d %s %d,%d", chartHeight, c.Lines[0].Points, chartWidth, chartHeight)
	for _, n := range []int{0, top / 2, top} {
		c.Rules = append(c.Rules, chartRule{number(up(n, top)), grouped(int64(n))})
	}
	width := chartWidth / float64(len(rates)-1)
	for i, r := range rates {
		c.Slots = append(c.Slots, slot{number(across(i, len(rates)) - width/2), number(width), r})
	}
	return c
}

func across(i, n int) float64 { return chartWidth * float64(i) / float64(n-1) }

// up leaves a little room above and below, so that no line is cut.
func up(value, top int) float64 {
	const room = 4
	return chartHeight - room - (chartHeight-2*room)*float64(value)/float64(top)
}

// roundUp is the next number that reads well and has a half: 2, 4, 10, 20, 40, 100, ...
func roundUp(n int) int {
	for unit := 1; ; unit *= 10 {
		for _, step := range []int{2, 4, 10} {
			if n <= step*unit {
				return step * unit
			}
		}
	}
}
