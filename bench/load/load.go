package load

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"settled/bench/rig"
)

// Role is the name of the clients' process.
const Role = "load"

// Request is one that is posted, and what its answer must hold.
type Request struct {
	Path   string              `json:"path"`
	Header map[string][]string `json:"header"`
	Body   []byte              `json:"body"`
}

// Task says who is asked, and how hard.
type Task struct {
	URL     string
	Clients int
	Rate    float64 // requests begun in a second; 0: each client asks again as soon as it was answered
	Status  int     // of a right answer
	Holds   string  // what its body holds
	Folder  string  // with the file below, and for the report
}

const requestsFile = "requests.json"

// Report is how it went.
type Report struct {
	Took, P50, P99 time.Duration
	Wrong          string // the first answer that was; nothing was asked after it
}

// Measure has the requests posted as Start does, and measures who answers them: the
// processes with their servers.
func Measure(ctx context.Context, r *rig.Round, processes []*rig.Process, task Task, requests []Request) (rig.Measure, error) {
	before, err := r.Usage(ctx, processes...)
	if err != nil {
		return rig.Measure{}, err
	}
	went, err := Start(ctx, r, task, requests)
	if err != nil {
		return rig.Measure{}, err
	}
	after, err := r.Usage(ctx, processes...)
	if err != nil {
		return rig.Measure{}, err
	}
	return rig.Measure{
		Operations: len(requests), Took: went.Took, P50: went.P50, P99: went.P99,
		Extra: map[string]float64{}, Cost: after.Since(before, len(requests)),
	}, nil
}

// Start has the requests posted by a process of the round, and waits for the last answer.
// Every answer has to be right. The clients' own process is not among those of usage.
func Start(ctx context.Context, r *rig.Round, task Task, requests []Request) (report Report, err error) {
	if task.Folder, err = r.NewFolder(Role); err != nil {
		return report, err
	}
	text, err := json.Marshal(requests)
	if err != nil {
		return report, fmt.Errorf("write requests: %w", err)
	}
	if err := os.WriteFile(filepath.Join(task.Folder, requestsFile), text, 0o600); err != nil {
		return report, fmt.Errorf("write requests: %w", err)
	}
	process, err := r.Play(Role, task)
	if err != nil {
		return report, err
	}
	if err := process.Hear(ctx, task.Folder, &report); err != nil {
		return report, err
	}
	if report.Wrong != "" {
		return report, fmt.Errorf("a wrong answer: %s", report.Wrong)
	}
	return report, nil
}
