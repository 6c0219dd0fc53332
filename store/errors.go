package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"settled"
)

// unavailableClasses are the SQLSTATE classes, and single codes, that say nothing about
// the statement and everything about the server.
var unavailableClasses = []string{
	"08",    // connection exception
	"53",    // insufficient resources
	"57",    // operator intervention: shutdown, cancelled, starting up
	"58",    // system error
	"25P03", // idle in transaction too long
	"25006", // read-only transaction: a standby answers
	"55P03", // a lock could not be had in time
	"40",    // serialization, deadlock: after the retries
	"3D000", // the database does not exist (yet)
	"28",    // not let in (yet)
}

// translate is the one edge between PostgreSQL's errors and ours.
func translate(err error) error {
	if err == nil || errors.Is(err, settled.ErrUnavailable) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return settled.ErrNotFound
	}
	var pqErr *pq.Error
	if errors.As(err, &pqErr) {
		for _, class := range unavailableClasses {
			if strings.HasPrefix(string(pqErr.Code), class) {
				return fmt.Errorf("%w: %w", settled.ErrUnavailable, err)
			}
		}
		if pqErr.Constraint == "payment_refunding" {
			return fmt.Errorf("%w: %w", settled.ErrTooMuch, err)
		}
		return err
	}
	var netErr net.Error
	if errors.As(err, &netErr) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", settled.ErrUnavailable, err)
	}
	return err
}

// spoils reports whether a shared statement may have failed because of one of its rows.
func spoils(err error) bool { return !errors.Is(err, settled.ErrUnavailable) }

// clashed reports whether the statement lost against another one and was rolled back: it
// may be run again at once. Two that tell the same event at the same moment clash too;
// the second run finds it told.
func clashed(err error) bool {
	var pqErr *pq.Error
	if !errors.As(err, &pqErr) {
		return false
	}
	return pqErr.Code == pqerror.TRSerializationFailure || pqErr.Code == pqerror.TRDeadlockDetected ||
		pqErr.Code == pqerror.UniqueViolation && strings.HasPrefix(pqErr.Constraint, "events_")
}

// retry runs f again, a few times and after a random pause, as long as it loses against
// other transactions.
func retry(ctx context.Context, f func() error) error {
	const tries = 4
	var err error
	for try := range tries {
		if err = f(); !clashed(err) {
			break
		}
		pause := time.Duration(rand.Int64N(int64(20*time.Millisecond) << try)) //nolint:gosec // a pause needs no secrecy
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return translate(err)
		}
	}
	return translate(err)
}
