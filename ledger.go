package settled

import "time"

// Recorded is what became of a request to record a payment.
type Recorded struct {
	Payment Payment // as it stands in the database
	Created bool    // this call made it; otherwise the order was there before
}

// Delay says that a payment was looked at and did not move.
type Delay struct {
	PaymentID string
	Status    Status    // as it was seen; a payment that moved meanwhile is left alone
	DueAt     time.Time // when to look again; zero for never
	Attempts  int       // how often in a row it has led to nothing
	Trouble   string    // why; empty if nothing is wrong
}

// Claim asks for payments whose time has come. Of each merchant half of them are those that
// wait longest and half those whose time came last, so that neither waits for the other
// behind a backlog.
type Claim struct {
	Status    Status
	Merchants []string // only theirs
	Each      int      // at most so many of each merchant
	// Lease is how long the payments belong to whoever claimed them, unless they move or
	// are delayed before: the time that a crash costs.
	Lease time.Duration
}

// Census is what stands where, for the people who watch.
type Census struct {
	// Overdue is how long ago the longest waiting payment of each state should have been
	// looked at; nothing if none is late.
	Overdue map[Status]time.Duration
	// OverdueRefunds is the same for refunds.
	OverdueRefunds map[RefundStatus]time.Duration
	// Unpublished is how many events wait to be published (counted up to 100,000), and
	// OldestUnpublished how long the first of them has waited.
	Unpublished       int
	OldestUnpublished time.Duration
}
