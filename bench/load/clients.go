package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"settled/bench/rig"
)

// Play is the clients' process: it writes its report and then waits to be ended.
func Play(ctx context.Context, task []byte) error {
	var t Task
	if err := json.Unmarshal(task, &t); err != nil {
		return fmt.Errorf("read the task: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(t.Folder, requestsFile))
	if err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	var requests []Request
	if err := json.Unmarshal(text, &requests); err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	if err := rig.Tell(t.Folder, t.post(ctx, requests)); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// post posts all requests, unless an answer is wrong: nobody wants to wait for the rest then.
// At a rate, a request's time is counted from when it was to begin: one that no client was
// free for has waited, too.
func (t Task) post(ctx context.Context, requests []Request) (report Report) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	client := &http.Client{
		Timeout:   20 * time.Second,
		Transport: &http.Transport{MaxIdleConns: t.Clients, MaxIdleConnsPerHost: t.Clients},
	}
	took := make([]time.Duration, len(requests))
	var next atomic.Int64
	var clients sync.WaitGroup
	began := time.Now()
	for range t.Clients {
		clients.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(requests) || ctx.Err() != nil {
					return
				}
				start := time.Now()
				if t.Rate > 0 {
					start = began.Add(time.Duration(float64(i) / t.Rate * float64(time.Second)))
					time.Sleep(time.Until(start))
				}
				if err := t.one(ctx, client, requests[i]); err != nil {
					fail(fmt.Errorf("answer %d of %d: %w", i+1, len(requests), err)) // the first one stays
				}
				took[i] = time.Since(start)
			}
		})
	}
	clients.Wait()
	report.Took = time.Since(began)
	if err := context.Cause(ctx); err != nil {
		report.Wrong = err.Error()
	}
	if len(took) > 0 {
		slices.Sort(took)
		report.P50, report.P99 = took[len(took)/2], took[len(took)*99/100]
	}
	return report
}

// one posts a request; an answer that is not right is an error.
func (t Task) one(ctx context.Context, client *http.Client, r Request) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return err
	}
	for name, values := range r.Header {
		request.Header[name] = values
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was read to its end
	said, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != t.Status || !strings.Contains(string(said), t.Holds)) {
		err = fmt.Errorf("%d %.200s", answer.StatusCode, said)
	}
	return err
}
