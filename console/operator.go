package console

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Operator is a person who may sign in.
type Operator struct {
	Name string
	Role Role
	Hash string // of the password, as Hash makes it
}

// Role says what an operator may do.
type Role string

// The roles.
const (
	Viewer Role = "viewer" // sees everything, and does nothing
	Acting Role = "operator"
)

// operators are those who may sign in, by name.
type operators map[string]Operator

func readOperators(list []Operator) (operators, error) {
	known := operators{}
	var problems []error
	for _, o := range list {
		if err := o.check(); err != nil {
			problems = append(problems, fmt.Errorf("operator %q: %w", o.Name, err))
		}
		if _, twice := known[o.Name]; twice {
			problems = append(problems, fmt.Errorf("operator %q: there are two of that name", o.Name))
		}
		known[o.Name] = o
	}
	return known, errors.Join(problems...)
}

func (o Operator) check() error {
	unfit := func(r rune) bool { return !unicode.IsPrint(r) }
	switch _, err := readHash(o.Hash); {
	case o.Name == "" || len(o.Name) > 64 || strings.ContainsFunc(o.Name, unfit):
		return errors.New("a name is 1 to 64 printable bytes")
	case o.Role != Viewer && o.Role != Acting:
		return fmt.Errorf("there is no role %q, only %s and %s", o.Role, Viewer, Acting)
	case err != nil:
		return fmt.Errorf("password: %w", err)
	}
	return nil
}
