package contracts

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Change is one difference between two contracts.
type Change struct {
	Place  string // as in Contract
	Field  string // the path of a field, such as amount.total; empty for the whole
	What   string
	Breaks bool // programs that kept to the contract before would not any more, or would be misled
}

// String is the change in one line.
func (c Change) String() string {
	kind := "harmless"
	if c.Breaks {
		kind = "BREAKS"
	}
	at := c.Place
	if c.Field != "" {
		at += ": " + c.Field
	}
	return fmt.Sprintf("%-8s  %s: %s", kind, at, c.What)
}

// effect is what a change does to the messages that fit.
type effect int

const (
	narrows  effect = 1 << iota // what fitted may not fit any more: breaks who writes
	widens                      // what did not fit may fit now: breaks who reads
	vanishes                    // what somebody may wait for never comes: breaks who reads
	unclear                     // nobody here can say: a person has to
	nothing  effect = 0
)

// Compare lists what has changed from one contract to another, in the order of the places.
func Compare(before, after Contract) []Change {
	var changes []Change
	names := slices.Sorted(maps.Keys(before))
	for name := range maps.Keys(after) {
		if _, ok := before[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		old, was := before[name]
		now, is := after[name]
		c := &comparison{place: name, direction: old.Direction, changes: &changes}
		switch {
		case !is:
			c.say("", "is gone", unclear)
		case !was:
			_, known := before[now.Of]
			c.direction = now.Direction
			c.say("", "is new", map[bool]effect{true: unclear, false: nothing}[known])
		default:
			c.places(old, now)
		}
	}
	return changes
}

// comparison compares what stands at one place.
type comparison struct {
	place     string
	direction Direction
	changes   *[]Change
}

func (c *comparison) say(field, what string, e effect) {
	breaks := e&unclear != 0 || c.direction == Taken && e&narrows != 0 || c.direction == Told && e&(widens|vanishes) != 0
	*c.changes = append(*c.changes, Change{Place: c.place, Field: field, What: what, Breaks: breaks})
}

func (c *comparison) places(before, after Place) {
	if before.Fixed != after.Fixed {
		c.say("", fmt.Sprintf("was %s, is %s", before.Fixed, after.Fixed), unclear)
	}
	if before.Required != after.Required {
		c.required("", after.Required)
	}
	c.schemas("", before.Schema, after.Schema)
}

func (c *comparison) required(field string, now bool) {
	if now {
		c.say(field, "is required now", narrows)
		return
	}
	c.say(field, "may be left out now", widens)
}

// schemas compares two schemas; nil demands nothing.
func (c *comparison) schemas(field string, before, after *Schema) {
	none := &Schema{}
	switch {
	case before == nil && after == nil:
		return
	case before == nil:
		before = none
	case after == nil:
		after = none
	}
	c.types(field, before.Types, after.Types)
	c.values(field, before.Values, after.Values)
	for _, gone := range without(before.Known, after.Known) {
		c.say(field, "never has the value "+gone+" any more", vanishes|narrows)
	}
	for _, come := range without(after.Known, before.Known) {
		c.say(field, "may have the value "+come, nothing)
	}
	c.properties(field, before, after)
	c.nested(field+".*", before.Others, after.Others)
	c.nested(field+" (names)", before.Names, after.Names)
	c.nested(field+"[]", before.Items, after.Items)
	c.bounds(field, before.Bounds, after.Bounds)
	c.texts(field, before.Texts, after.Texts)
	c.choices(field, before.AnyOf, after.AnyOf)
	c.conditions(field, before.Conditions, after.Conditions)
}

func (c *comparison) nested(field string, before, after *Schema) {
	switch {
	case before == nil && after != nil:
		c.say(field, "is bound by rules now", narrows)
	case before != nil && after == nil:
		c.say(field, "is bound by no rules any more", widens)
	default:
		c.schemas(field, before, after)
	}
}

func (c *comparison) types(field string, before, after []string) {
	var e effect
	if len(after) > 0 && !within(before, after) {
		e |= narrows
	}
	if len(before) > 0 && !within(after, before) {
		e |= widens
	}
	if e != nothing {
		c.say(field, fmt.Sprintf("was of type %v, is of type %v", before, after), e)
	}
}

// within reports whether every value of the one types is of the other types.
func within(one, other []string) bool {
	return len(one) > 0 && !slices.ContainsFunc(one, func(t string) bool {
		return !slices.Contains(other, t) && (t != "integer" || !slices.Contains(other, "number"))
	})
}

func (c *comparison) values(field string, before, after []string) {
	switch {
	case len(before) == 0 && len(after) > 0:
		c.say(field, fmt.Sprintf("is one of %v now", after), narrows|vanishes)
	case len(before) > 0 && len(after) == 0:
		c.say(field, fmt.Sprintf("may be something else than %v now", before), widens)
	default:
		for _, gone := range without(before, after) {
			c.say(field, "is never "+gone+" any more", narrows|vanishes)
		}
		for _, come := range without(after, before) {
			c.say(field, "may be "+come+" now", widens)
		}
	}
}

func (c *comparison) properties(field string, before, after *Schema) {
	if before.Closed != after.Closed {
		c.say(field, fmt.Sprintf("refuses unknown fields: was %t, is %t", before.Closed, after.Closed), opening(before.Closed))
	}
	names := slices.Concat(slices.Collect(maps.Keys(before.Properties)), slices.Collect(maps.Keys(after.Properties)))
	for _, name := range union(names, union(before.Required, after.Required)) {
		at := fieldOf(field, name)
		old, now := before.Properties[name], after.Properties[name]
		switch {
		case old == nil && now != nil:
			c.say(at, "is new", opening(before.Closed))
		case old != nil && now == nil:
			c.say(at, "is gone", vanishes|opening(!after.Closed))
			continue
		default:
			c.schemas(at, old, now)
		}
		if was, is := slices.Contains(before.Required, name), slices.Contains(after.Required, name); was != is {
			c.required(at, is)
		}
	}
}

// opening is what it means that something may be there that must not be before, or the
// reverse.
func opening(yes bool) effect {
	if yes {
		return widens
	}
	return narrows
}

func fieldOf(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

func (c *comparison) bounds(field string, before, after map[string]float64) {
	for word, more := range bounds {
		old, was := before[word]
		now, is := after[word]
		switch {
		case was == is && old == now:
		case is && (!was || (now > old) == more):
			c.say(field, fmt.Sprintf("%s is %.0f now", word, now), narrows)
		case is:
			c.say(field, fmt.Sprintf("%s is %.0f now", word, now), widens)
		default:
			c.say(field, "has no "+word+" any more", widens)
		}
	}
}

func (c *comparison) texts(field string, before, after map[string]string) {
	for _, word := range texts {
		old, was := before[word]
		now, is := after[word]
		switch {
		case old == now:
		case word == "default" || was && is:
			c.say(field, fmt.Sprintf("%s was %s, is %s", word, old, now), unclear)
		case is:
			c.say(field, word+" is "+now+" now", narrows)
		default:
			c.say(field, "has no "+word+" any more", widens)
		}
	}
}

func (c *comparison) choices(field string, before, after []*Schema) {
	for i := range max(len(before), len(after)) {
		at := strings.TrimSpace(fmt.Sprintf("%s (choice %d)", field, i+1))
		switch {
		case i < len(before) && i < len(after):
			c.schemas(at, before[i], after[i])
		case len(before) == 0:
			c.say(at, "is a choice now", narrows)
		case len(after) == 0:
			c.say(at, "is no choice any more", widens)
		case i < len(before):
			c.say(at, "is gone", narrows|vanishes)
		default:
			c.say(at, "is new", widens)
		}
	}
}

func (c *comparison) conditions(field string, before, after []Condition) {
	for i := range max(len(before), len(after)) {
		at := strings.TrimSpace(fmt.Sprintf("%s (condition %d)", field, i+1))
		switch {
		case i >= len(after):
			c.say(at, "is gone", widens)
		case i >= len(before):
			c.say(at, "is new", narrows)
		case !reflect.DeepEqual(before[i].If, after[i].If):
			c.say(at, "is of something else", unclear)
		default:
			c.schemas(at, before[i].Then, after[i].Then)
		}
	}
}

// without lists what is in the first and not in the second.
func without(first, second []string) []string {
	return slices.DeleteFunc(slices.Clone(first), func(one string) bool { return slices.Contains(second, one) })
}
