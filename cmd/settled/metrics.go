package main

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"settled"
	"settled/console"
	"settled/wechat"
)

// metrics is everything this process counts. Every promise of the program has a number
// here that would show it broken.
type metrics struct {
	registry *prometheus.Registry

	requests       *prometheus.CounterVec
	requestSeconds *prometheus.HistogramVec
	notifies       *prometheus.CounterVec

	moves     *prometheus.CounterVec
	refunds   *prometheus.CounterVec
	completed *prometheus.HistogramVec
	late      *prometheus.CounterVec
	overtaken *prometheus.CounterVec
	paid      *prometheus.CounterVec
	refunded  *prometheus.CounterVec
	flagged   *prometheus.CounterVec
	rejected  *prometheus.CounterVec
	published prometheus.Counter
	replayed  prometheus.Counter
	losses    *prometheus.CounterVec

	overdue           *prometheus.GaugeVec
	overdueRefunds    *prometheus.GaugeVec
	unpublished       prometheus.Gauge
	oldestUnpublished prometheus.Gauge

	messages    *prometheus.CounterVec
	dead        *prometheus.CounterVec
	deadLetters prometheus.Gauge
	pending     *prometheus.GaugeVec
	inHand      *prometheus.GaugeVec

	calls        *prometheus.CounterVec
	callSeconds  *prometheus.HistogramVec
	hostOpen     *prometheus.GaugeVec
	tokens       *prometheus.CounterVec
	certificates *prometheus.CounterVec
	verified     *prometheus.CounterVec
	reloads      *prometheus.CounterVec
	journalLost  prometheus.Counter

	audit auditMetrics

	waiting waiting // what was measured last, for the operator's page

	commitSeconds *prometheus.HistogramVec
	commitCallers *prometheus.HistogramVec
	spans         *prometheus.CounterVec

	dependencies *prometheus.GaugeVec
}

// seconds are the buckets of every duration: from a commit to a caller's patience.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// waits are the buckets of what takes WeChat's time: from a notify at once to the last query.
var waits = []float64{1, 2, 5, 10, 30, 60, 180, 600, 1800, 3600, 4 * 3600, 24 * 3600}

func newMetrics() *metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	make := promauto.With(registry)
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return make.NewCounterVec(prometheus.CounterOpts{Name: "settled_" + name, Help: help}, labels)
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return make.NewGaugeVec(prometheus.GaugeOpts{Name: "settled_" + name, Help: help}, labels)
	}
	histograms := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return make.NewHistogramVec(prometheus.HistogramOpts{Name: "settled_" + name, Help: help, Buckets: seconds}, labels)
	}
	return &metrics{
		registry: registry,

		requests:       counters("http_requests_total", "HTTP requests answered.", "route", "status"),
		requestSeconds: histograms("http_request_seconds", "How long HTTP requests took.", "route"),
		notifies:       counters("notifies_total", "WeChat's notifies by what WeChat heard.", "merchant", "result"),

		moves:   counters("moves_total", "Moves of payments.", "merchant", "to", "source"),
		refunds: counters("refund_moves_total", "Moves of refunds.", "merchant", "to"),
		completed: make.NewHistogramVec(prometheus.HistogramOpts{
			Name: "settled_completion_seconds", Help: "How long after its customer had paid a payment was completed, by what brought the news.",
			Buckets: waits,
		}, []string{"source"}),
		late:      counters("completed_late_total", "Payments completed after they had been closed or failed.", "merchant"),
		overtaken: counters("notifies_overtaken_total", "Notifies that came after a query had completed their payment.", "merchant"),
		paid:      counters("paid_fen_total", "Money of completed payments, in fen.", "merchant"),
		refunded:  counters("refunded_fen_total", "Money of completed refunds, in fen.", "merchant"),
		flagged:   counters("flagged_total", "Payments flagged for a person.", "merchant", "reason"),
		rejected:  counters("rejected_total", "Requests that were wrong.", "merchant"),
		published: make.NewCounter(prometheus.CounterOpts{Name: "settled_events_published_total", Help: "Events published."}),
		replayed: make.NewCounter(prometheus.CounterOpts{
			Name: "settled_events_replayed_total", Help: "Events published again because their stream had lost them.",
		}),
		losses: counters("stream_losses_total", "How often a stream was found to have lost what it held.", "stream"),

		overdue:        gauges("overdue_seconds", "How long ago the longest waiting payment of a status should have been looked at.", "status"),
		overdueRefunds: gauges("refunds_overdue_seconds", "How long ago the longest waiting refund of a status should have been looked at.", "status"),
		unpublished: make.NewGauge(prometheus.GaugeOpts{
			Name: "settled_events_unpublished", Help: "Events committed and not yet published, counted up to 100000.",
		}),
		oldestUnpublished: make.NewGauge(prometheus.GaugeOpts{
			Name: "settled_events_unpublished_oldest_seconds", Help: "How long the oldest of them has waited.",
		}),

		messages: counters("messages_total", "Messages by what became of them.", "consumer", "result"),
		dead:     counters("dead_total", "Messages that became dead letters.", "subject"),
		deadLetters: make.NewGauge(prometheus.GaugeOpts{
			Name: "settled_dead_letters", Help: "Dead letters that are kept.",
		}),
		pending: gauges("queue_pending", "Messages that a consumer has not been given yet.", "consumer"),
		inHand:  gauges("queue_in_hand", "Messages given out and not yet acknowledged.", "consumer"),

		calls:        counters("wechat_calls_total", "Calls to WeChat.", "merchant", "host", "call", "outcome", "code"),
		callSeconds:  histograms("wechat_call_seconds", "How long calls to WeChat took.", "merchant", "call"),
		hostOpen:     gauges("wechat_host_open", "Whether one of WeChat's hosts fails and is left alone.", "merchant", "host"),
		tokens:       counters("tokens_total", "What happened to access tokens, and to Redis that keeps them.", "event"),
		certificates: counters("certificates_total", "What happened to WeChat's platform certificates.", "event"),
		verified:     counters("verified_total", "Answers and notifies of WeChat's, by the key that verified them.", "merchant", "key", "what"),
		reloads:      counters("reloads_total", "Changes of the configuration that were seen while the program ran.", "result"),

		journalLost: make.NewCounter(prometheus.CounterOpts{
			Name: "settled_journal_lost_total", Help: "Lines of the journal that were not written, for want of room or of PostgreSQL.",
		}),

		audit: newAuditMetrics(make),

		commitSeconds: histograms("commit_seconds", "How long statements took that callers share.", "statement"),
		commitCallers: make.NewHistogramVec(prometheus.HistogramOpts{
			Name: "settled_commit_callers", Help: "How many callers shared a statement.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
		}, []string{"statement"}),
		spans: counters("spans_total", "Spans of traces by what became of them.", "result"),

		dependencies: gauges("dependency_up", "Whether a dependency answered when it was last asked.", "dependency"),
	}
}

// Answered counts an HTTP request.
func (m *metrics) Answered(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.requestSeconds.WithLabelValues(route).Observe(took.Seconds())
}

// Notified counts a notify by what WeChat heard.
func (m *metrics) Notified(merchant, result string) {
	m.notifies.WithLabelValues(merchant, result).Inc()
}

// Moved counts a move.
func (m *metrics) Moved(merchant string, to settled.Status, source settled.Source) {
	m.moves.WithLabelValues(merchant, string(to), string(source)).Inc()
}

// Completed counts a completed payment, its money, and how long it took.
func (m *metrics) Completed(p settled.Payment, source settled.Source, after time.Duration) {
	m.completed.WithLabelValues(string(source)).Observe(after.Seconds())
	m.paid.WithLabelValues(p.Merchant).Add(float64(p.Amount.Total))
	if !p.Status.Open() {
		m.late.WithLabelValues(p.Merchant).Inc()
	}
}

// Overtaken counts a notify that a query was faster than.
func (m *metrics) Overtaken(merchant string) { m.overtaken.WithLabelValues(merchant).Inc() }

// RefundMoved counts a move of a refund, and its money once it is back.
func (m *metrics) RefundMoved(r settled.Refund, to settled.RefundStatus) {
	m.refunds.WithLabelValues(r.Merchant, string(to)).Inc()
	if to == settled.RefundCompleted {
		m.refunded.WithLabelValues(r.Merchant).Add(float64(r.Amount))
	}
}

// Flagged counts a flag.
func (m *metrics) Flagged(merchant string, reason settled.FlagReason) {
	m.flagged.WithLabelValues(merchant, string(reason)).Inc()
}

// Rejected counts a request that was wrong.
func (m *metrics) Rejected(merchant string) { m.rejected.WithLabelValues(merchant).Inc() }

// Published counts events.
func (m *metrics) Published(events int) { m.published.Add(float64(events)) }

// Replayed counts events that were published again after a loss.
func (m *metrics) Replayed(events int) { m.replayed.Add(float64(events)) }

// StreamLost counts a loss.
func (m *metrics) StreamLost(stream string) { m.losses.WithLabelValues(stream).Inc() }

// Census shows what stands where.
func (m *metrics) Census(c settled.Census) {
	for _, status := range settled.Statuses {
		m.overdue.WithLabelValues(string(status)).Set(c.Overdue[status].Seconds())
	}
	for _, status := range settled.RefundStatuses {
		m.overdueRefunds.WithLabelValues(string(status)).Set(c.OverdueRefunds[status].Seconds())
	}
	m.unpublished.Set(float64(c.Unpublished))
	m.oldestUnpublished.Set(c.OldestUnpublished.Seconds())
}

// committed times a shared statement.
func (m *metrics) committed(statement string, callers int, took time.Duration) {
	m.commitSeconds.WithLabelValues(statement).Observe(took.Seconds())
	m.commitCallers.WithLabelValues(statement).Observe(float64(callers))
}

// called counts and times a call to WeChat.
func (m *metrics) called(merchant string, c wechat.Call) {
	m.calls.WithLabelValues(merchant, c.Host, c.Name, c.Outcome, c.Code).Inc()
	m.callSeconds.WithLabelValues(merchant, c.Name).Observe(c.Took.Seconds())
}

// hostChanged shows whether one of WeChat's hosts is left alone.
func (m *metrics) hostChanged(merchant, host string, open bool) {
	value := 0.
	if open {
		value = 1
	}
	m.hostOpen.WithLabelValues(merchant, host).Set(value)
}

// hostsForgotten shows nothing of a merchant's hosts: with new keys they are found anew, and
// whoever found them failing before makes no more calls that could find them well.
func (m *metrics) hostsForgotten(merchant string) {
	m.hostOpen.DeletePartialMatch(prometheus.Labels{"merchant": merchant})
}

// Handled counts a message by what became of it.
func (m *metrics) Handled(consumer, verdict string) {
	m.messages.WithLabelValues(consumer, verdict).Inc()
}

// Died counts a message that became a dead letter.
func (m *metrics) Died(subject string) { m.dead.WithLabelValues(subject).Inc() }

// Waiting shows what a consumer has before it and in hand.
func (m *metrics) Waiting(consumer string, pending uint64, inHand int) {
	m.pending.WithLabelValues(consumer).Set(float64(pending))
	m.inHand.WithLabelValues(consumer).Set(float64(inHand))
	m.waiting.note(console.Queue{Consumer: consumer, Pending: pending, InHand: inHand})
}

// DeadLetters shows how many dead letters are kept.
func (m *metrics) DeadLetters(kept uint64) {
	m.deadLetters.Set(float64(kept))
	m.waiting.noteLetters(int(kept)) //nolint:gosec // no stream holds so many
}
