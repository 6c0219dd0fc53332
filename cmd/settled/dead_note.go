package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"settled"
	"settled/events"
)

// The rows of the history that say what a person did to a dead letter. They are not
// published.
const (
	deadReplayed = "dead.replayed"
	deadDropped  = "dead.dropped"
)

// deadNote is the body of such a row.
type deadNote struct {
	By      string `json:"by"`
	Letter  uint64 `json:"letter"`
	Subject string `json:"subject"`
	Reason  string `json:"reason"` // why it had died
	At      string `json:"at"`
	Comment string `json:"comment,omitempty"`
	Again   bool   `json:"again,omitempty"` // the same was noted of this letter before
}

// inWords says what a row of the history means, where its type alone does not.
func inWords(e settled.Event) string {
	switch e.Type {
	case deadReplayed, deadDropped:
		return deadInWords(e)
	case settled.ActQuery.Event():
		return actInWords(e, "WeChat is asked now, as %s wanted")
	case settled.ActClose.Event():
		return actInWords(e, "the order is to be closed, as %s wanted")
	case settled.ActSettle.Event():
		return actInWords(e, "a flag was looked into by %s")
	}
	return ""
}

// actInWords says what an operator did.
func actInWords(e settled.Event, did string) string {
	var n struct{ By, Comment, Flag string }
	if err := json.Unmarshal(e.Data, &n); err != nil {
		return ""
	}
	text := fmt.Sprintf(did, n.By)
	if n.Flag != "" {
		text += ": event " + n.Flag
	}
	if n.Comment != "" {
		text += "; comment: " + n.Comment
	}
	return text
}

func deadInWords(e settled.Event) string {
	var n deadNote
	if err := json.Unmarshal(e.Data, &n); err != nil {
		return ""
	}
	did := strings.TrimPrefix(e.Type, events.DeadPrefix)
	if n.Again {
		did += " once more"
	}
	text := fmt.Sprintf("dead letter %d, %s, %s by %s; it had died of: %s", n.Letter, n.Subject, did, n.By, n.Reason)
	if n.Comment != "" {
		text += "; comment: " + n.Comment
	}
	return text
}

// replayable reports whether a worker reads the subject.
func replayable(subject string) bool { return slices.Contains(events.Inputs, subject) }

// name is the owner for people.
func (o owner) name() string {
	switch {
	case o.orderID != "":
		return strings.TrimSpace(o.merchant + " " + o.orderID)
	case o.paymentID != "":
		return "payment " + o.paymentID
	}
	return o.merchant
}
