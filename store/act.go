package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"settled"
)

// actNote is the body of the row that an act leaves in the history.
type actNote struct {
	By      string `json:"by"`
	At      string `json:"at"` // by the clock of the page
	Comment string `json:"comment,omitempty"`
	Flag    string `json:"flag,omitempty"` // the event that told of it
}

const (
	// actBy and actComment bound what an operator says, in bytes.
	actBy, actComment = 128, 1000
	// eventRow is what every act writes: who counted the version has the row of its payment.
	eventRow = `
		insert into events (id, payment_id, version, type, merchant, order_id, at, data, private)
		select $2::uuid, a.id, a.version, $3, a.merchant, a.order_id, now(), $4::json, true from acted a
		returning id`
)

// acts are the statements of the acts: $1 is the payment or the flag, and acted what the act
// was done to. Of two at once the second waits for the row, and then finds nothing to do.
var acts = map[settled.ActKind]string{
	// Whoever claims what is due asks WeChat, or sends the prepay request again. A closed
	// payment has only so many questions; this is none of them.
	settled.ActQuery: `
		with acted as (
			update payments set due_at = clock_timestamp(), version = version + 1, updated_at = now(),
				attempts = case when status = 'closed' then greatest(attempts - 1, 0) else attempts end
			where id = $1::uuid and status in ('requested', 'prepared', 'closed')
				and (due_at is null or due_at > clock_timestamp())
			returning id, version, merchant, order_id
		)` + eventRow,

	settled.ActClose: `
		with acted as (
			update payments set close_asked = true, due_at = clock_timestamp(), version = version + 1, updated_at = now()
			where id = $1::uuid and status in ('requested', 'prepared') and not close_asked
			returning id, version, merchant, order_id
		)` + eventRow,

	settled.ActSettle: `
		with settled as (
			insert into flags_settled (event_id, settled_by, comment, settled_at)
			select id, $5, $6, now() from events
			where id = $1::uuid and type = '` + typeFlagged + `' and ($7 = '' or payment_id = nullif($7, '')::uuid)
			on conflict (event_id) do nothing
			returning event_id
		), counted as (
			update payments p set version = p.version + 1, updated_at = now()
			from settled s join events e on e.id = s.event_id where p.id = e.payment_id
			returning p.id, p.version
		), acted as (
			select c.id, c.version, e.merchant, e.order_id
			from settled s join events e on e.id = s.event_id left join counted c on c.id = e.payment_id
		)` + eventRow,
}

// Act does what an operator wants and writes it into the history, in one statement. done is
// false if there was nothing to do. It fails with settled.ErrNotFound if there is no such
// payment or flag.
//
// With settled.ErrUnavailable nobody knows whether it was done. The operator asks again:
// what was done is found.
func (s *Store) Act(ctx context.Context, a settled.Act) (done bool, err error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	if done, err = s.act(ctx, a); err != nil {
		return false, fmt.Errorf("act %.16q on payment %.64q: %w", a.Kind, a.PaymentID, translate(err))
	}
	return done, nil
}

func (s *Store) act(ctx context.Context, a settled.Act) (done bool, err error) {
	statement, ok := acts[a.Kind]
	if !ok {
		return false, fmt.Errorf("there is no such act: %w", settled.ErrNotFound)
	}
	subject := a.PaymentID
	if a.Kind == settled.ActSettle {
		subject = a.EventID
	}
	if subject, err = paymentUUID(subject); err != nil {
		return false, err
	}
	arguments, err := s.actArguments(a, subject)
	if err != nil {
		return false, err
	}
	var ids []string
	err = retry(ctx, func() error {
		ids = nil
		return s.db.SelectContext(ctx, &ids, statement, arguments...)
	})
	if err != nil || len(ids) > 0 {
		return len(ids) > 0, err
	}
	return false, s.actable(ctx, a.Kind, subject)
}

func (s *Store) actArguments(a settled.Act, subject string) ([]any, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make an event id: %w", err)
	}
	if a.At.IsZero() {
		a.At = s.Now()
	}
	note := actNote{By: clip(a.By, actBy), At: a.At.UTC().Format(time.RFC3339Nano), Comment: clip(a.Comment, actComment)}
	if a.Kind == settled.ActSettle {
		note.Flag = subject
	}
	data, err := json.Marshal(note)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", a.Kind.Event(), err)
	}
	arguments := []any{subject, id.String(), a.Kind.Event(), string(data)}
	if a.Kind == settled.ActSettle {
		arguments = append(arguments, note.By, note.Comment, idOrNone(a.PaymentID))
	}
	return arguments, nil
}

// actable fails with settled.ErrNotFound if there is nothing that could be acted on.
func (s *Store) actable(ctx context.Context, kind settled.ActKind, subject string) error {
	statement := `select from payments where id = $1::uuid`
	if kind == settled.ActSettle {
		statement = `select from events where id = $1::uuid and type = '` + typeFlagged + `'`
	}
	var there bool
	if err := s.db.GetContext(ctx, &there, `select exists (`+statement+`)`, subject); err != nil {
		return err
	}
	if !there {
		return settled.ErrNotFound
	}
	return nil
}
