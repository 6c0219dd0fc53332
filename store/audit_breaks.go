package store

import (
	"context"
	"fmt"
	"time"

	"settled"
)

// Suspect keeps breaks that have been seen, to be looked at again after a while. One that
// is kept already stays as it is.
func (s *Store) Suspect(ctx context.Context, suspects []settled.Suspect, again time.Duration) error {
	var c columns
	for _, b := range suspects {
		c.row(b.ID, string(b.Check), b.Merchant, b.OrderID, b.RefundID, b.Detail, string(b.Subject.Kind), b.Subject.Name)
	}
	if len(suspects) == 0 {
		return nil
	}
	_, err := s.db.ExecContext(ctx, `
		insert into audit_breaks (id, check_name, merchant, order_id, refund_id, detail, kind, subject, look_at)
		select distinct on (b.id) b.*, now() + make_interval(secs => $9::float8)
		from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
			as b(id, check_name, merchant, order_id, refund_id, detail, kind, subject)
		order by b.id
		on conflict (id) do nothing`, append(c.arguments(), again.Seconds())...)
	if err != nil {
		return fmt.Errorf("keep suspected breaks: %w", translate(err))
	}
	return nil
}

// Suspects reads at most so many breaks whose time to be looked at again has come.
func (s *Store) Suspects(ctx context.Context, most int) ([]settled.Suspect, error) {
	var rows []struct {
		ID       string    `db:"id"`
		Check    string    `db:"check_name"`
		Merchant string    `db:"merchant"`
		OrderID  string    `db:"order_id"`
		RefundID string    `db:"refund_id"`
		Detail   string    `db:"detail"`
		Kind     string    `db:"kind"`
		Subject  string    `db:"subject"`
		FoundAt  time.Time `db:"found_at"`
		Told     bool      `db:"told"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		select id, check_name, merchant, order_id, refund_id, detail, kind, subject, found_at, told
		from audit_breaks where look_at <= now() order by told, look_at limit $1`, most)
	if err != nil {
		return nil, fmt.Errorf("read suspected breaks: %w", translate(err))
	}
	suspects := make([]settled.Suspect, len(rows))
	for i, row := range rows {
		suspects[i] = settled.Suspect{ID: row.ID, FoundAt: row.FoundAt, Told: row.Told, Break: settled.Break{
			Check: settled.Check(row.Check), Merchant: row.Merchant, OrderID: row.OrderID, RefundID: row.RefundID, Detail: row.Detail,
			Subject: settled.AuditSubject{Kind: settled.SubjectKind(row.Kind), Name: row.Subject},
		}}
	}
	return suspects, nil
}

// Holds notes that a break holds and was told of, and when to look again; first is true
// for the one caller who noted it first.
func (s *Store) Holds(ctx context.Context, id string, again time.Duration) (first bool, err error) {
	err = s.db.GetContext(ctx, &first, `
		with held as (select id, told from audit_breaks where id = $1::uuid for update), noted as (
			update audit_breaks b set told = true, look_at = now() + make_interval(secs => $2::float8) from held h where b.id = h.id
		)
		select exists (select from held where not told)`, id, again.Seconds())
	if err != nil {
		return false, fmt.Errorf("note break %s: %w", id, translate(err))
	}
	return first, nil
}

// Mended forgets a break that holds no longer.
func (s *Store) Mended(ctx context.Context, id string) error {
	if _, err := s.db.ExecContext(ctx, `delete from audit_breaks where id = $1::uuid`, id); err != nil {
		return fmt.Errorf("forget break %s: %w", id, translate(err))
	}
	return nil
}

// OpenBreaks counts the breaks that have been told of and still hold.
func (s *Store) OpenBreaks(ctx context.Context) (map[settled.Check]int, error) {
	var rows []struct {
		Check settled.Check `db:"check_name"`
		Count int           `db:"count"`
	}
	err := s.db.SelectContext(ctx, &rows, `select check_name, count(*) as count from audit_breaks where told group by check_name`)
	if err != nil {
		return nil, fmt.Errorf("count open breaks: %w", translate(err))
	}
	open := map[settled.Check]int{}
	for _, row := range rows {
		open[row.Check] = row.Count
	}
	return open, nil
}
