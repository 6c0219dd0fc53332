package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"settled"
	"settled/audit"
)

// auditor is the auditor that runs beside the work.
func (p *process) auditor() *audit.Auditor {
	cfg := p.audits
	cfg.Ledger, cfg.Stream = p.store, outStream{p.bus}
	cfg.Now, cfg.Metrics, cfg.Log = p.store.Now, p.metrics.audit, p.log
	return audit.New(cfg)
}

// watchNotifies watches over what WeChat hears success for.
func (p *process) watchNotifies() *audit.Watch {
	looked := p.metrics.audit.lookedAt.WithLabelValues(string(settled.CheckAcknowledged))
	return &audit.Watch{
		Ledger: p.store, Now: p.store.Now, Log: p.log, After: p.audits.Again,
		LookedAt: func(many int) { looked.Add(float64(many)) },
		Dropped:  func(many int) { p.metrics.audit.dropped.Add(float64(many)) },
	}
}

// auditMetrics is what the audit counts.
type auditMetrics struct {
	breaks, lookedAt *prometheus.CounterVec
	open             *prometheus.GaugeVec
	round, rounded   prometheus.Gauge
	dropped          prometheus.Counter
}

func newAuditMetrics(make promauto.Factory) auditMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		return make.NewGauge(prometheus.GaugeOpts{Name: "settled_audit_" + name, Help: help})
	}
	counter := func(name, help string) *prometheus.CounterVec {
		return make.NewCounterVec(prometheus.CounterOpts{Name: "settled_audit_" + name, Help: help}, []string{"check"})
	}
	m := auditMetrics{
		breaks:   counter("breaks_total", "Breaks of an invariant that were found."),
		lookedAt: counter("looked_at_total", "What was looked at."),
		open: make.NewGaugeVec(prometheus.GaugeOpts{
			Name: "settled_audit_open_breaks", Help: "Breaks that still hold.",
		}, []string{"check"}),
		round:   gauge("last_round_seconds", "How long the last round over all payments took."),
		rounded: gauge("last_round_timestamp_seconds", "When it ended."),
		dropped: make.NewCounter(prometheus.CounterOpts{
			Name: "settled_audit_acknowledged_dropped_total", Help: "Acknowledged notifies that there was no room to look at.",
		}),
	}
	m.AuditOpen(nil) // a check that never broke is there, and is zero
	for _, check := range auditedChecks() {
		m.breaks.WithLabelValues(string(check))
	}
	return m
}

// auditedChecks is every check of the running audit.
func auditedChecks() []settled.Check {
	return append([]settled.Check{settled.CheckAcknowledged}, settled.Checks...)
}

// AuditLookedAt counts what was looked at.
func (m auditMetrics) AuditLookedAt(check settled.Check, many int) {
	m.lookedAt.WithLabelValues(string(check)).Add(float64(many))
}

// AuditBroke counts a break.
func (m auditMetrics) AuditBroke(check settled.Check) { m.breaks.WithLabelValues(string(check)).Inc() }

// AuditOpen shows the breaks that still hold.
func (m auditMetrics) AuditOpen(breaks map[settled.Check]int) {
	for _, check := range auditedChecks() {
		m.open.WithLabelValues(string(check)).Set(float64(breaks[check]))
	}
}

// AuditRound shows when the last round ended, and how long it took.
func (m auditMetrics) AuditRound(ended time.Time, took time.Duration) {
	m.rounded.Set(float64(ended.Unix()))
	m.round.Set(took.Seconds())
}
