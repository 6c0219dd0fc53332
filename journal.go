package settled

import "time"

// Entry is one line of the journal: something that was said between WeChat and us about an
// order, for the people who look into it later. The journal explains and proves nothing: it is
// written beside the work, some of it may be lost with a machine, and old lines are forgotten.
type Entry struct {
	At        time.Time
	PaymentID string // empty where only the order is known
	Merchant  string
	OrderID   string
	Kind      EntryKind
	Name      string // of a call, WeChat's own word such as unifiedorder; of a notify, payment or refund
	Host      string // of a call: main or backup
	Outcome   string // of a call, as Outcome; of a notify, the Acknowledgement that WeChat heard
	Code      string // WeChat's code or ours; empty if all was well
	RequestID string // names WeChat's answer for WeChat's support; may be empty
	Took      time.Duration
}

// EntryKind says who began to speak.
type EntryKind string

// The kinds of entries.
const (
	EntryCall   EntryKind = "call"   // we asked WeChat
	EntryNotify EntryKind = "notify" // WeChat told us
)
