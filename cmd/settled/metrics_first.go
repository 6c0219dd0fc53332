package main

import (
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"settled"
	"settled/events"
	"settled/events/bus"
	"settled/store/hints"
	"settled/telemetry"
	"settled/workers"
)

// first shows every number that somebody is woken by, before there is anything to count: a
// counter that begins with its first trouble has not grown, in Prometheus' eyes.
func (p *process) first() {
	m := p.metrics
	for merchant := range p.cfg.Merchants {
		for _, result := range []settled.Acknowledgement{settled.Success, settled.Unverified, settled.Busy} {
			m.notifies.WithLabelValues(merchant, string(result))
		}
		for _, to := range settled.Statuses[1:] {
			if to != settled.StatusCompleted {
				m.moves.WithLabelValues(merchant, string(to), "")
			}
		}
		for _, source := range []settled.Source{settled.FromNotify, settled.FromQuery} {
			m.moves.WithLabelValues(merchant, string(settled.StatusCompleted), string(source))
		}
		for _, to := range settled.RefundStatuses[1:] {
			m.refunds.WithLabelValues(merchant, string(to))
		}
		for _, reason := range settled.FlagReasons {
			m.flagged.WithLabelValues(merchant, string(reason))
		}
		for _, counter := range []*prometheus.CounterVec{m.late, m.overtaken, m.paid, m.refunded, m.rejected} {
			counter.WithLabelValues(merchant)
		}
	}
	m.rejected.WithLabelValues(workers.UnknownMerchant)
	for _, source := range []settled.Source{settled.FromNotify, settled.FromQuery} {
		m.completed.WithLabelValues(string(source))
	}
	for _, stream := range []string{bus.Orders, bus.Notify, bus.Out, bus.Dead} {
		m.losses.WithLabelValues(strings.ReplaceAll(p.cfg.NATS.Prefix, ".", "_") + stream)
	}
	for _, subject := range events.Inputs {
		m.dead.WithLabelValues(subject)
	}
	for _, event := range []string{hints.Fetched, hints.FetchFailed, hints.QuotaExhausted} {
		m.tokens.WithLabelValues(event)
		m.certificates.WithLabelValues(event)
	}
	for _, event := range []string{hints.RedisLost, hints.RedisBack} {
		m.tokens.WithLabelValues(event)
	}
	for _, result := range []string{"replaced", "refused"} {
		m.reloads.WithLabelValues(result)
	}
	for _, result := range []string{telemetry.Sent, telemetry.Failed, telemetry.Dropped} {
		m.spans.WithLabelValues(result)
	}
}

// register shows what is read when somebody asks: which program this is, and its connections
// to PostgreSQL.
func (m *metrics) register(connections func() (inUse, idle int, waited time.Duration)) {
	make := promauto.With(m.registry)
	make.NewGaugeVec(prometheus.GaugeOpts{Name: "settled_build_info", Help: "Which program this is; always 1."}, []string{"version", "go"}).
		WithLabelValues(version, runtime.Version()).Set(1)
	for state, count := range map[string]func() int{
		"in_use": func() int { inUse, _, _ := connections(); return inUse },
		"idle":   func() int { _, idle, _ := connections(); return idle },
	} {
		make.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "settled_postgres_connections", Help: "Connections to PostgreSQL.", ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return float64(count()) })
	}
	make.NewCounterFunc(prometheus.CounterOpts{
		Name: "settled_postgres_wait_seconds_total", Help: "How long callers waited for a connection to PostgreSQL, all together.",
	}, func() float64 { _, _, waited := connections(); return waited.Seconds() })
}
