package store

import (
	"strconv"
	"time"

	"github.com/lib/pq"
)

// columns gathers the values of many rows column by column, the form in which one
// statement takes them all: unnest($1::text[], $2::text[], …). An empty text or a zero
// time stands for null where the statement says nullif.
//
// In a statement that is kept (statements) the first is (select $1::text[]), which hides from
// the planner how many rows there are. Where it knows, it takes a plan for one row to be
// cheaper than the one for any number, and makes it anew for each lone payment, which takes
// longer than the work.
type columns struct {
	values [][]string
}

// row appends one row; every row has the same number of values.
func (c *columns) row(values ...string) {
	if c.values == nil {
		c.values = make([][]string, len(values))
	}
	for i, value := range values {
		c.values[i] = append(c.values[i], value)
	}
}

// arguments are the arrays in the order of the columns.
func (c *columns) arguments() []any {
	arguments := make([]any, len(c.values))
	for i, column := range c.values {
		arguments[i] = pq.Array(column)
	}
	return arguments
}

// noTraceparents is a column that has no row: unnest fills it up with nulls.
var noTraceparents any = pq.Array([]string{})

// traceparents is the column of the steps in which events are told. Mostly nobody traces
// one of them, and then it costs nothing.
func traceparents[T any](items []T, of func(*T) string) any {
	for first := range items {
		if of(&items[first]) == "" {
			continue
		}
		column := make([]string, len(items))
		for i := range items {
			column[i] = of(&items[i])
		}
		return pq.Array(column)
	}
	return noTraceparents
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.999999Z07:00")
}

func fenText[N ~int64](n N) string { return strconv.FormatInt(int64(n), 10) }

func boolText(b bool) string { return strconv.FormatBool(b) }

// among tells, for each item in order, whether its key is one of keys.
func among[T any](keys []string, items []T, key func(T) string) []bool {
	set := make(map[string]bool, len(keys))
	for _, k := range keys {
		set[k] = true
	}
	all := make([]bool, len(items))
	for i, item := range items {
		all[i] = set[key(item)]
	}
	return all
}
