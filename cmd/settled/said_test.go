package main

import (
	"context"
	"encoding/json"
	"strings"
)

// said is the log of a command that runs.
type said struct{ written }

// line returns the first line with a message.
func (s *said) line(message string) (fields map[string]any) {
	for line := range strings.Lines(s.String()) {
		fields = map[string]any{}
		if err := json.Unmarshal([]byte(line), &fields); err == nil && fields["msg"] == message {
			return fields
		}
	}
	return nil
}

// begins runs a command until the test ends, and returns what it says once it works.
func (w *world) begins(arguments ...string) *said {
	w.t.Helper()
	return w.goesAs("settled works", arguments...)
}

// goesAs runs a command until the test ends, and returns what it says once it says message.
func (w *world) goesAs(message string, arguments ...string) *said {
	w.t.Helper()
	log, ended := &said{}, make(chan int, 1)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	go func() { ended <- run(ctx, arguments, streams{in: strings.NewReader(""), out: log, err: log}) }()
	w.t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitDone {
			w.t.Errorf("settled %s: exit %d\n%s", arguments[0], code, log)
		}
	})
	w.until(arguments[0]+" says "+message, func() bool { return log.line(message) != nil || len(ended) > 0 })
	return log
}
