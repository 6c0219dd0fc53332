package failpoint

import "slices"

// Process is a kind of process that a point is reached in.
type Process string

// The processes of settled, as an operator splits them.
const (
	Ingress Process = "ingress"
	Worker  Process = "worker"
	Relay   Process = "relay"
)

// Way is a way to die.
type Way string

// The ways to die. A panic may be caught, and then the process goes on without what it had
// in hand; a process that hangs is stopped as it stands, and may awake much later.
const (
	Kill  Way = "kill"
	Panic Way = "panic"
	Hang  Way = "hang"
)

// Ways lists every way to die.
var Ways = []Way{Kill, Panic, Hang}

// The environment of a process that is to die. What it does when it comes to the point is
// written to the file that ReportVariable names, before it does it.
const (
	Variable       = "SETTLED_FAILPOINT"
	ReportVariable = "SETTLED_FAILPOINT_REPORT"
	AheadVariable  = "SETTLED_CLOCK_AHEAD" // a duration: how wrong the process's clock is
)

// Point is a place at which a process may be made to die.
type Point struct {
	Name    string
	Process Process
	Meaning string // what has happened, and what has not
}

// deed is something that is done between two points.
type deed struct {
	name    string
	process Process
	doing   string
}

// deeds are all that is done, from intake to publish.
var deeds = []deed{
	{"publish.payment", Ingress, "the stream takes a payment.requested"},
	{"publish.returned", Ingress, "the stream takes a payment.returned"},
	{"publish.notify", Ingress, "the stream takes a notify.received"},
	{"publish.refund", Ingress, "the stream takes a refund.requested"},
	{"answer.payment", Ingress, "an order system hears what became of its payment"},
	{"answer.refund", Ingress, "an order system hears what became of its refund"},
	{"answer.notify", Ingress, "WeChat hears the answer to its notify"},

	{"commit.record", Worker, "a payment is recorded"},
	{"commit.prepared", Worker, "a payment has its prepay id"},
	{"commit.paid", Worker, "a payment is completed"},
	{"commit.closed", Worker, "a payment is closed"},
	{"commit.refused", Worker, "a payment has failed"},
	{"commit.delay", Worker, "a payment is put off"},
	{"commit.learn_payer", Worker, "a completed payment learns who paid"},
	{"commit.acknowledged", Worker, "a payment's goods are known to be delivered"},
	{"commit.record_refund", Worker, "a refund is recorded"},
	{"commit.refund_accepted", Worker, "a refund is accepted"},
	{"commit.refund_refunded", Worker, "a refund is completed"},
	{"commit.refund_refused", Worker, "a refund has failed"},
	{"commit.delay_refund", Worker, "a refund is put off"},
	{"commit.tell", Worker, "an event that moves nothing is recorded"},
	{"commit.repeat", Worker, "an event is put into the outbox once more"},

	{"gateway.prepay", Worker, "WeChat answers a prepay"},
	{"gateway.query", Worker, "WeChat answers what it knows of an order"},
	{"gateway.close", Worker, "WeChat answers a close"},
	{"gateway.deliver", Worker, "WeChat answers a delivernotify"},
	{"gateway.refund", Worker, "WeChat answers a refund"},
	{"gateway.query_refund", Worker, "WeChat answers what it knows of a refund"},

	{"reply.recorded", Worker, "the ingress hears that a request is recorded"},
	{"reply.committed", Worker, "the ingress hears that a notify is committed"},
	{"reply.told", Worker, "the ingress hears the event that answers a request"},

	{"ack.prepare.done", Worker, "the stream hears that a payment.requested is done"},
	{"ack.finalize.done", Worker, "the stream hears that a notify.received is done"},
	{"ack.reconcile.done", Worker, "the stream hears that a payment.returned is done"},
	{"ack.reconcile.later", Worker, "the stream hears that a payment.returned is too early"},
	{"ack.reconcile.dead", Worker, "the stream hears that a payment.returned is a dead letter"},
	{"ack.refund.done", Worker, "the stream hears that a refund.requested is done"},
}

// moments are points that stand by themselves.
var moments = []Point{
	{"lease.payments", Worker, "payments that are due are leased to this process, and nothing is done with them"},
	{"lease.refunds", Worker, "refunds that are due are leased to this process, and nothing is done with them"},
	{"relay.read", Relay, "the events of the outbox are read, and none is published"},
	{"relay.published", Relay, "they are published, and the outbox still has them"},
	{"relay.committed", Relay, "they are published, and the outbox has them no more"},
}

// Points lists every point, in the order of a payment's life.
func Points() []Point {
	var points []Point
	for _, d := range deeds {
		points = append(points,
			Point{d.name + ".before", d.process, "just before " + d.doing},
			Point{d.name + ".after", d.process, "just after " + d.doing})
	}
	return slices.Concat(points, moments)
}
