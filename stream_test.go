package settled_test

import (
	"testing"
	"time"

	"settled"
)

func TestALossIsSeenByComparing(t *testing.T) {
	t.Parallel()
	born := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	was := settled.RememberedStream{Created: born, Last: 10, Lost: []string{"a"}}
	for name, c := range map[string]struct {
		is   settled.Stream
		want settled.Loss
	}{
		"as it was":                     {settled.Stream{Created: born, Last: 10}, ""},
		"as it was, in another zone":    {settled.Stream{Created: born.In(time.FixedZone("", 8*3600)), Last: 10}, ""},
		"longer":                        {settled.Stream{Created: born, Last: 11}, ""},
		"shorter":                       {settled.Stream{Created: born, Last: 9}, settled.LossShortened},
		"another":                       {settled.Stream{Created: born.Add(time.Microsecond), Last: 10}, settled.LossRemade},
		"another, and shorter":          {settled.Stream{Created: born.Add(time.Hour), Last: 0}, settled.LossRemade},
		"with a hole":                   {settled.Stream{Created: born, Last: 10, Lost: "b"}, settled.LossHole},
		"with a hole, and shorter":      {settled.Stream{Created: born, Last: 9, Lost: "b"}, settled.LossHole},
		"with a hole that was filled":   {settled.Stream{Created: born, Last: 10, Lost: "a"}, ""},
		"shorter, with that hole again": {settled.Stream{Created: born, Last: 9, Lost: "a"}, settled.LossShortened},
	} {
		if got := c.is.Loss(was); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
