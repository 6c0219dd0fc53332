package bus

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// ErrDenied: this NATS user may not make or change streams. Workers do, and who may not
// waits for them.
var ErrDenied = errors.New("this nats user may not make or change the stream; a worker does, so start one")

// denials are the subjects that the server has refused to take a message on. It says so
// beside the request, which then only runs out of time.
type denials struct {
	mu       sync.Mutex
	subjects map[string]bool
}

// deniedKept bounds what is remembered.
const deniedKept = 100

func (d *denials) note(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	_, quoted, _ := strings.Cut(err.Error(), `"`)
	subject, _, _ := strings.Cut(quoted, `"`)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.subjects == nil || len(d.subjects) >= deniedKept {
		d.subjects = map[string]bool{}
	}
	d.subjects[subject] = true
}

// explain says why a request on the subject failed, if it was refused.
func (d *denials) explain(subject string, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil || !d.subjects[subject] {
		return err
	}
	delete(d.subjects, subject) // another refusal will be noted again
	return fmt.Errorf("%w: %w", ErrDenied, err)
}
