package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in the file. It never tells what a secret is.
type Problem struct {
	File  string
	Line  int
	Key   string // such as merchants.classic.app_id; empty for the file as a whole
	Issue string // what is wrong, without a full stop
}

// String is file:line: key: issue, as compilers write it.
func (p Problem) String() string {
	if p.Key == "" {
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Issue)
	}
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Key, p.Issue)
}

// Problems is everything that is wrong with a file, in the order of its lines.
type Problems []Problem

// Error lists the problems, one in each line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) inOrder() Problems {
	return slices.SortedStableFunc(slices.Values(ps), func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}
