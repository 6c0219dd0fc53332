package settled

import "time"

// Overview is the state of the whole house, as the people who run it see it. All of it is
// read from PostgreSQL, so that it is the same whichever process shows it.
type Overview struct {
	At       time.Time
	Open     map[Status]int // payments that are open, by state; counted up to CountLimit
	Flagged  int            // flags that wait for a person, among the latest CountLimit flags
	Rates    []Rate         // of the last minutes, the latest last; a process that has just begun to look has counted few
	Steps    []Step
	Census   Census
	Oldest   *Payment // the one that should have been looked at the longest ago; nil if none is late
	Lines    []Line
	Notifies NotifyHealth
	Audit    AuditHealth
}

// CountLimit is up to where an overview counts: whatever is more is shown as that many and more.
const CountLimit = 100_000

// Rate is what happened within one minute.
type Rate struct {
	Minute                       time.Time
	Requested, Completed, Closed int
}

// Step is how long one step of a payment's life took lately, over at most the latest 1000.
type Step struct {
	Name     string // prepare (requested to prepared), or complete (WeChat's paid_at to completed)
	Count    int
	P50, P99 time.Duration
}

// Line is what was heard on a merchant's line to one of WeChat's hosts in the last ten minutes,
// over at most the latest 5000 calls of it.
type Line struct {
	Merchant, Host     string
	Calls, Failed      int
	P50, P99           time.Duration
	LastFailure        time.Time
	LastFailureCode    string
	LastFailureOutcome string
}

// NotifyHealth says how the payments of the last hour were found paid, over at most the latest
// 5000 of them.
type NotifyHealth struct {
	OnTime int // by a notify within a minute of the payment
	Late   int // by a notify that came later
	Never  int // by a query, because no notify had come
}

// AuditHealth is what the auditor that runs beside the work has found.
type AuditHealth struct {
	Breaks int // that hold and were told
}
