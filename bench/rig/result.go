package rig

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Result is what a part came to.
type Result struct {
	Name        string      `json:"name"`
	About       string      `json:"about"`
	Unit        string      `json:"unit"`
	Path        []string    `json:"path,omitempty"`
	Contestants []Contested `json:"contestants"`
}

// Contested is what a contestant came to.
type Contested struct {
	Name     string    `json:"name"`
	Settings string    `json:"settings"`
	Rounds   []Measure `json:"rounds"`
}

func newResult(part Part) Result {
	r := Result{Name: part.Name, About: part.About, Unit: part.Unit, Path: part.Path}
	for _, c := range part.Contestants {
		r.Contestants = append(r.Contestants, Contested{Name: c.Name, Settings: c.Settings})
	}
	return r
}

// of lists one figure of all rounds, the lowest first.
func of[T cmp.Ordered](rounds []Measure, figure func(Measure) T) []T {
	all := make([]T, len(rounds))
	for i, m := range rounds {
		all[i] = figure(m)
	}
	slices.Sort(all)
	return all
}

// median is the one in the middle of figures that are in order; of an even number of
// them, the lower of the two.
func median[T any](sorted []T) (middle T) {
	if len(sorted) == 0 {
		return middle
	}
	return sorted[(len(sorted)-1)/2]
}

// Rate is the median of the rounds' rates.
func (c Contested) Rate() float64 { return median(of(c.Rounds, Measure.Rate)) }

// latency is the median of one of the rounds' latencies.
func (c Contested) latency(figure func(Measure) time.Duration) time.Duration {
	return median(of(c.Rounds, figure))
}

// figures are what a kind of further figures of a run is.
type figures func(Measure) map[string]float64

func extra(m Measure) map[string]float64 { return m.Extra }

func cost(m Measure) map[string]float64 { return m.Cost }

// further is the median of a further figure; known is false if it was not taken.
func (c Contested) further(kind figures, name string) (figure float64, known bool) {
	for _, m := range c.Rounds {
		if _, ok := kind(m)[name]; ok {
			known = true
		}
	}
	return median(of(c.Rounds, func(m Measure) float64 { return kind(m)[name] })), known
}

// names are those of all further figures of a kind.
func (r Result) names(kind figures) []string {
	names := map[string]bool{}
	for _, c := range r.Contestants {
		for _, m := range c.Rounds {
			for name := range kind(m) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// tightest is the lowest of the limits that a result's operations pass; the limits are
// contestants of other parts. One that is passed twice lets half as many through. rate is 0
// if none of them was measured.
func (r Result) tightest(all []Result) (name string, rate float64) {
	for _, other := range all {
		for _, c := range other.Contestants {
			passes := 0
			for _, limit := range r.Path {
				if limit == c.Name {
					passes++
				}
			}
			if own := c.Rate() / float64(max(1, passes)); passes > 0 && (rate == 0 || own < rate) {
				name, rate = c.Name, own
				if passes > 1 {
					name = fmt.Sprintf("%s (passed %d times)", c.Name, passes)
				}
			}
		}
	}
	return name, rate
}
