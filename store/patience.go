package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"settled"
)

// patience bounds every read for people: who looks at a page asks again, and must not hold
// a connection that the work needs.
const patience = 3 * time.Second

func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, patience)
}

// paymentUUID reads the id of a payment. It fails with settled.ErrNotFound for what is no
// id at all.
func paymentUUID(text string) (string, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return "", fmt.Errorf("%.64q is no id: %w", text, settled.ErrNotFound)
	}
	return id.String(), nil
}
