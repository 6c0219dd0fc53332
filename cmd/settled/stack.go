package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// stack remembers how to undo what was started. Each birth registers its death; close
// walks backwards and names every step that failed.
type stack struct {
	mu    sync.Mutex
	steps []step
}

type step struct {
	name string
	stop func(ctx context.Context) error
}

// push registers the end of what has just been started.
func (s *stack) push(name string, stop func(ctx context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, step{name, stop})
}

// close undoes everything, last things first; the second time it does nothing.
func (s *stack) close(ctx context.Context, log *slog.Logger) error {
	s.mu.Lock()
	steps := s.steps
	s.steps = nil
	s.mu.Unlock()
	var failed []error
	for _, step := range slices.Backward(steps) {
		if err := step.stop(ctx); err != nil {
			failed = append(failed, fmt.Errorf("stop %s: %w", step.name, err))
		}
		log.DebugContext(ctx, "stopped", "part", step.name)
	}
	return stands(errors.Join(failed...))
}
