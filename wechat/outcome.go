package wechat

import (
	"errors"
	"fmt"

	"settled"
)

// The words, in every protocol, for what keeps an outcome unknown besides a lost answer.
const (
	codeUnwritable = "unwritable"  // the request can't be written
	codeOtherOrder = "other_order" // the answer is about another order
)

// codeOf is the code that a call is counted under: WeChat's own or ours, 0 if all is well.
func codeOf(err error) string {
	var refusal *settled.Refusal
	var unknown *settled.Unknown
	switch {
	case errors.As(err, &refusal):
		return refusal.Code
	case errors.As(err, &unknown):
		return unknown.Code
	default:
		return "0"
	}
}

// otherNumber is the outcome of an answer that is about something else than was asked.
func otherNumber(what, asked, told string) error {
	return &settled.Unknown{Code: codeOtherOrder, Err: fmt.Errorf("asked for %s %s, told of %.64q", what, asked, told)}
}

// foreign names what is not ours; empty when it is.
func foreign(what, told, ours string) string {
	if told == ours {
		return ""
	}
	return fmt.Sprintf("%s %.64q is not %s", what, told, ours)
}
