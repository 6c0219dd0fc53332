package simulator

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// What follows makes the rules of a protocol's values.

func oneOf(values ...string) func(string) bool {
	return func(value string) bool { return slices.Contains(values, value) }
}

func atMost(bytes int) func(string) bool {
	return func(value string) bool { return len(value) <= bytes }
}

func matches(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

// maxFen keeps sums of two amounts far from overflow.
const maxFen = 1 << 53

func fen(least int64) func(string) bool {
	return func(value string) bool {
		n, err := strconv.ParseInt(value, 10, 64)
		return err == nil && n >= least && n <= maxFen && strconv.FormatInt(n, 10) == value
	}
}

func isCompactTime(value string) bool {
	_, err := time.Parse(compactTime, value)
	return err == nil && len(value) == len(compactTime)
}
