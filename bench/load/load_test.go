package load

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// A contestant that answers wrongly is not asked for the rest.
func TestAWrongAnswerEndsTheRun(t *testing.T) {
	t.Parallel()
	const clients, wrongAt = 4, 10
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == wrongAt {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	report := Task{URL: server.URL, Clients: clients, Status: http.StatusOK}.post(t.Context(), make([]Request, 10_000))
	if !strings.Contains(report.Wrong, "503") {
		t.Errorf("the wrong answer is %q", report.Wrong)
	}
	// Whoever had begun to ask by then is answered.
	if n := asked.Load(); n > wrongAt+1000 {
		t.Errorf("%d were asked", n)
	}
}

func TestRightAnswersAreMeasured(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("success")) }))
	defer server.Close()
	report := Task{URL: server.URL, Clients: 4, Status: http.StatusOK, Holds: "success"}.post(t.Context(), make([]Request, 100))
	if report.Wrong != "" || report.Took <= 0 || report.P50 <= 0 || report.P99 < report.P50 {
		t.Errorf("%+v", report)
	}
}
