package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"settled"
	"settled/events"
)

// Where the house keeps what is watched, and the papers that explain it.
const (
	alertsFile    = "../../deploy/prometheus/alerts.yaml"
	alertTests    = "../../deploy/prometheus/alerts_test.yaml"
	dashboardFile = "../../deploy/grafana/settled.json"
	runbook       = "../../docs/runbook.md"
	operating     = "../../docs/operating.md"
)

func readText(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// described lists every metric that the program has, as operating.md writes it: the name
// and its labels.
func described(t *testing.T) []string {
	t.Helper()
	m := newMetrics()
	m.register(func() (int, int, time.Duration) { return 0, 0, 0 })
	descriptions := make(chan *prometheus.Desc)
	go func() {
		m.registry.Describe(descriptions)
		close(descriptions)
	}()
	form := regexp.MustCompile(`fqName: "(settled_[a-z_]+)", .*constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}`)
	found := map[string]bool{}
	for d := range descriptions {
		if parts := form.FindStringSubmatch(d.String()); parts != nil {
			name, _, _ := strings.Cut(parts[2], "=")
			found[withLabels(parts[1], strings.Trim(name+","+parts[3], ","))] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func withLabels(name, labels string) string {
	if labels == "" {
		return name
	}
	return name + "{" + labels + "}"
}

func TestEveryMetricIsExplained(t *testing.T) {
	t.Parallel()
	explained := map[string]bool{}
	for line := range strings.Lines(readText(t, operating)) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		for _, code := range regexp.MustCompile("`(settled_[^`]+)`").FindAllStringSubmatch(first, -1) {
			if strings.HasPrefix(line, "| `settled_") {
				explained[code[1]] = true
			}
		}
	}
	if diff := cmp.Diff(described(t), slices.Sorted(maps.Keys(explained))); diff != "" {
		t.Errorf("what to watch, in operating.md (-exported +explained):\n%s", diff)
	}
}

// rule is one of Prometheus' rules.
type rule struct {
	Record, Alert, Expr string
	Labels              struct{ Severity string }
	Annotations         struct {
		Summary string
		Runbook string `yaml:"runbook_url"`
	}
}

func rules(t *testing.T) (alerts []rule, recorded map[string]bool, expressions []string) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(readText(t, alertsFile)), &file); err != nil {
		t.Fatal(err)
	}
	recorded = map[string]bool{}
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			expressions = append(expressions, r.Expr)
			if r.Record != "" {
				recorded[r.Record] = true
			} else {
				alerts = append(alerts, r)
			}
		}
	}
	return alerts, recorded, expressions
}

// queries are the dashboard's.
func queries(t *testing.T) []string {
	t.Helper()
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(readText(t, dashboardFile)), &dashboard); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

func TestEveryAlertHasItsEntry(t *testing.T) {
	t.Parallel()
	alerts, _, _ := rules(t)
	entries := map[string]string{} // by heading
	for _, part := range strings.Split(readText(t, runbook), "\n### ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		entries[name], _, _ = strings.Cut(text, "\n## ")
	}
	tests := readText(t, alertTests)
	for _, a := range alerts {
		entry, there := entries[a.Alert]
		delete(entries, a.Alert)
		if !there || a.Annotations.Runbook != "docs/runbook.md#"+strings.ToLower(a.Alert) {
			t.Errorf("%s names %q; has an entry: %v", a.Alert, a.Annotations.Runbook, there)
		}
		for _, part := range []string{"**Means:**", "**Customers:**", "**Look:**", "**Do:**"} {
			if strings.Count(entry, part) != 1 {
				t.Errorf("the entry of %s does not say once what it %s", a.Alert, part)
			}
		}
		if a.Annotations.Summary == "" || a.Labels.Severity != "page" && a.Labels.Severity != "ticket" {
			t.Errorf("%s has the summary %q and the severity %q", a.Alert, a.Annotations.Summary, a.Labels.Severity)
		}
		if !strings.Contains(tests, `alertname="`+a.Alert+`"`) {
			t.Errorf("no test lets %s fire", a.Alert)
		}
	}
	for name := range entries {
		t.Errorf("the runbook has an entry for %s, and there is no such alert", name)
	}
}

var metricName = regexp.MustCompile(`\b(?:settled|process|go)_[a-z0-9_]+|\bsettled:[a-z0-9_:]+`)

// What the dashboard and the rules ask for is there in a shop that has only just begun to
// work: no name is wrong, and no alert waits for its first trouble to be counted from.
func TestWhatIsWatchedIsExported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	for n, way := range []string{"classic", "shop2", "shop3"} {
		id := fmt.Sprintf("watched%d", n)
		w.call(http.MethodPost, "/v1/payments", orderOf(way, "APP", id), bearer...)
		w.pays(w.expect(events.PaymentPrepared, id))
		w.expect(events.PaymentCompleted, id)
	}
	w.publish(events.RefundRequested, refund("shop2", "watched1", "watched1-1", 500, 1999))
	w.expectRefund(events.RefundCompleted, "watched1-1")
	exported := map[string]bool{}
	w.until("everything was measured once", func() bool {
		for series := range w.metrics() {
			name, _, _ := strings.Cut(series, "{")
			exported[name] = true
		}
		return exported["settled_overdue_seconds"] && exported["settled_queue_pending"] && exported["settled_dependency_up"] &&
			exported["settled_wechat_calls_total"]
	})
	_, recorded, expressions := rules(t)
	asked := slices.Concat(expressions, queries(t))
	if len(asked) < 50 {
		t.Fatalf("only %d queries were found", len(asked))
	}
	for _, expression := range asked {
		for _, name := range metricName.FindAllString(expression, -1) {
			// A host is told of only once it has failed.
			if !exported[name] && !recorded[name] && name != "settled_wechat_host_open" {
				t.Errorf("%s is not there: %s", name, expression)
			}
		}
	}
	for series, want := range map[string]string{
		`settled_paid_fen_total{merchant="shop2"}`:          "1999",
		`settled_refunded_fen_total{merchant="shop2"}`:      "500",
		`settled_completion_seconds_count{source="notify"}`: "3",
	} {
		w.until(series+" is "+want, func() bool { return w.metric(series) == want })
	}
}

// Each of these is a promise: what would show it broken is there before it is.
func TestEachPromiseHasItsNumber(t *testing.T) {
	t.Parallel()
	alerts, _, _ := rules(t)
	for promise, number := range map[string]string{
		"one payment.completed for an order":       "settled_audit_open_breaks",
		"what was paid is completed":               "settled_overdue_seconds",
		"what disagrees is flagged":                "settled_flagged_total",
		"success is said for what is committed":    "settled_audit_open_breaks",
		"what is committed is published":           "settled_events_unpublished_oldest_seconds",
		"a lost store is made good":                "settled_stream_losses_total",
		"nothing is dropped in silence":            "settled_dead_total",
		"notifies are answered in time":            "settled:http_request_seconds:p99_5m",
		"a notify that never comes is made up for": "settled:completions_by_query:ratio1h",
	} {
		if !slices.ContainsFunc(alerts, func(a rule) bool { return strings.Contains(a.Expr, number) }) {
			t.Errorf("no alert would tell that %q is broken", promise)
		}
	}
	if !slices.Contains(settled.Checks, settled.Check("told_once")) {
		t.Error("the audit does not look for a second payment.completed")
	}
}
