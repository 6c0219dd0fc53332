package workers

import "context"

// Audit is the work of the pool that holds what is published and what is committed
// against each other.
type Audit interface {
	Run(ctx context.Context) error
}

// audit is that pool.
func (w *Workers) audit(ctx context.Context) error {
	if w.cfg.Audit == nil {
		return nil
	}
	return w.cfg.Audit.Run(ctx)
}
