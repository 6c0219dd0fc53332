package events

// The subjects, without the configured prefix. They are also the ce-type of what
// settled publishes.
const (
	PaymentRequested = "payment.requested"
	PaymentReturned  = "payment.returned"
	RefundRequested  = "refund.requested"
	NotifyReceived   = "notify.received"

	PaymentPrepared  = "payment.prepared"
	PaymentCompleted = "payment.completed"
	PaymentClosed    = "payment.closed"
	PaymentFailed    = "payment.failed"
	PaymentRejected  = "payment.rejected"
	PaymentFlagged   = "payment.flagged"

	RefundAccepted  = "refund.accepted"
	RefundCompleted = "refund.completed"
	RefundFailed    = "refund.failed"
	RefundRejected  = "refund.rejected"

	AuditBroken = "audit.broken"

	// DeadPrefix stands before the subject of a message that nobody could process.
	DeadPrefix = "dead."
)

// Inputs lists what comes in; Outputs what settled tells.
var (
	Inputs  = []string{PaymentRequested, PaymentReturned, RefundRequested, NotifyReceived}
	Outputs = []string{
		PaymentPrepared, PaymentCompleted, PaymentClosed, PaymentFailed, PaymentRejected, PaymentFlagged,
		RefundAccepted, RefundCompleted, RefundFailed, RefundRejected, AuditBroken,
	}
)
