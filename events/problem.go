package events

import "strings"

// Problem names a field and what is wrong with it. Field is the path in the body
// (amount.total), empty for the body as a whole.
type Problem struct {
	Field string `json:"field"`
	Issue string `json:"issue"`
}

// Problems is everything that is wrong with a message: the message can be read, but it
// breaks the rules. It is never empty when it is returned as an error.
type Problems []Problem

// Error lists the problems in one line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = strings.TrimPrefix(problem.Field+": "+problem.Issue, ": ")
	}
	return strings.Join(lines, "; ")
}

func (p *Problems) add(field, issue string) { *p = append(*p, Problem{field, issue}) }

// err makes an error of the problems, nil when there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
