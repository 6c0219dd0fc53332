package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"settled"
)

const (
	// journalRoom is how many lines wait to be written; what comes beyond it is lost.
	journalRoom = 16384
	// journalBatch is how many lines one statement writes.
	journalBatch = 1024
	// journalPause is how long lines gather before they are written: nobody waits for them.
	journalPause = 250 * time.Millisecond
	// journalPatience bounds a statement, and so how long a store that is closed still writes.
	journalPatience = 5 * time.Second
	// journalShown is how many lines of one payment are read.
	journalShown = 1000
	// journalText bounds each text of a line, in bytes.
	journalText = 128
)

// journal takes lines from whoever has them and writes them when there is time.
type journal struct {
	lines  chan settled.Entry
	lost   func(lines int)
	write  func(ctx context.Context, lines []settled.Entry) error
	closed chan struct{} // says that no other line comes
	done   chan struct{}
	once   sync.Once
}

// newJournal begins to write. lost hears how many lines were not written.
func newJournal(write func(ctx context.Context, lines []settled.Entry) error, lost func(lines int)) *journal {
	j := &journal{
		lines: make(chan settled.Entry, journalRoom), lost: lost, write: write,
		closed: make(chan struct{}), done: make(chan struct{}),
	}
	go j.run()
	return j
}

// note takes a line if there is room.
func (j *journal) note(e settled.Entry) {
	select {
	case j.lines <- e:
	default:
		j.lost(1)
	}
}

// run writes until the journal is closed, and then what is left.
func (j *journal) run() {
	defer close(j.done)
	defer j.giveUp()
	for open := true; open; {
		select {
		case first := <-j.lines:
			open = j.gather()
			j.writeAll(first)
		case <-j.closed:
			j.writeAll()
			return
		}
	}
}

// gather lets more lines come, and reports whether others may come later.
func (j *journal) gather() (open bool) {
	timer := time.NewTimer(journalPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-j.closed:
		return false
	}
}

// writeAll writes a line and those that wait behind it, until a statement fails: whether its
// lines were written is unknown, and none is worth a second try.
func (j *journal) writeAll(lines ...settled.Entry) {
	for lines = j.take(lines); len(lines) > 0; lines = j.take(nil) {
		ctx, cancel := context.WithTimeout(context.Background(), journalPatience)
		err := j.write(ctx, lines)
		cancel()
		if err != nil {
			j.lost(len(lines))
			return
		}
	}
}

// take adds the lines that wait, as many as one statement writes.
func (j *journal) take(lines []settled.Entry) []settled.Entry {
	for len(lines) < journalBatch {
		select {
		case e := <-j.lines:
			lines = append(lines, e)
		default:
			return lines
		}
	}
	return lines
}

// giveUp counts what was never written.
func (j *journal) giveUp() {
	if left := len(j.lines); left > 0 {
		j.lost(left)
	}
}

// close writes what is left, and ends.
func (j *journal) close() {
	j.once.Do(func() { close(j.closed) })
	<-j.done
}

// Note keeps a line of the journal for later, if there is room for it, and returns at once.
// What comes after Close is lost in silence.
func (s *Store) Note(e settled.Entry) {
	if s.journal != nil {
		s.journal.note(e)
	}
}

// writeJournal writes lines in one statement whose commit waits for no disk. A line that
// names an order alone, because a notify knows no more, gets the payment's id.
func (s *Store) writeJournal(ctx context.Context, lines []settled.Entry) error {
	var c columns
	for _, e := range lines {
		c.row(timeText(e.At), idOrNone(e.PaymentID), line(e.Merchant), line(e.OrderID), string(e.Kind), line(e.Name), line(e.Host),
			line(e.Outcome), line(e.Code), line(e.RequestID), fenText(e.Took.Microseconds()))
	}
	statement, err := s.statements.prepared(ctx, writeLines) //nolint:sqlclosecheck // it is kept as long as the store
	if err != nil {
		return err
	}
	_, err = statement.ExecContext(ctx, c.arguments()...)
	return err
}

// writeLines takes many lines. set_config holds until its own statement is committed.
const writeLines = `
	with unhurried as (select set_config('synchronous_commit', 'off', true) as done)
	insert into journal (at, payment_id, merchant, order_id, kind, name, host, outcome, code, request_id, took_us)
	select coalesce(nullif(l.at, '')::timestamptz, now()),
		coalesce(nullif(l.payment_id, '')::uuid, (
			select p.id from payments p where l.order_id <> '' and p.merchant = l.merchant and p.order_id = l.order_id)),
		l.merchant, l.order_id, l.kind, l.name, l.host, l.outcome, l.code, l.request_id, l.took_us
	from unnest((select $1::text[]), $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
		$8::text[], $9::text[], $10::text[], $11::bigint[])
	as l(at, payment_id, merchant, order_id, kind, name, host, outcome, code, request_id, took_us), unhurried`

// idOrNone is the id, or nothing if it is none.
func idOrNone(text string) string {
	id, err := uuid.Parse(text)
	if err != nil {
		return ""
	}
	return id.String()
}

// line makes of any text one that PostgreSQL can hold, and a short one.
func line(text string) string { return clip(text, journalText) }

// clip bounds a text from anywhere to most bytes, and takes out of it what PostgreSQL can't
// hold.
func clip(text string, most int) string {
	text = strings.ToValidUTF8(text[:min(len(text), most)], "")
	return strings.ReplaceAll(text, "\x00", "")
}

// Journal reads what was said about a payment, first things first: the latest thousand
// lines of it.
func (s *Store) Journal(ctx context.Context, paymentID string) ([]settled.Entry, error) {
	id, err := paymentUUID(paymentID)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	ctx, cancel := patient(ctx)
	defer cancel()
	var rows []entryRow
	err = s.db.SelectContext(ctx, &rows, `
		select l.id, l.at, l.payment_id, l.merchant, l.order_id, l.kind, l.name, l.host, l.outcome, l.code, l.request_id, l.took_us
		from (
			select id, at, payment_id, merchant, order_id, kind, name, host, outcome, code, request_id, took_us
			from journal where payment_id = $1::uuid order by at desc, id desc limit $2
		) l order by l.at, l.id`, id, journalShown)
	if err != nil {
		return nil, fmt.Errorf("read journal of payment %s: %w", id, translate(err))
	}
	entries := make([]settled.Entry, len(rows))
	for i, row := range rows {
		entries[i] = row.entry()
	}
	return entries, nil
}

type entryRow struct {
	ID        int64          `db:"id"`
	At        time.Time      `db:"at"`
	PaymentID sql.NullString `db:"payment_id"`
	Merchant  string         `db:"merchant"`
	OrderID   string         `db:"order_id"`
	Kind      string         `db:"kind"`
	Name      string         `db:"name"`
	Host      string         `db:"host"`
	Outcome   string         `db:"outcome"`
	Code      string         `db:"code"`
	RequestID string         `db:"request_id"`
	TookUS    int64          `db:"took_us"`
}

func (r entryRow) entry() settled.Entry {
	return settled.Entry{
		At: r.At, PaymentID: r.PaymentID.String, Merchant: r.Merchant, OrderID: r.OrderID, Kind: settled.EntryKind(r.Kind),
		Name: r.Name, Host: r.Host, Outcome: r.Outcome, Code: r.Code, RequestID: r.RequestID,
		Took: time.Duration(r.TookUS) * time.Microsecond,
	}
}

// ForgetJournal deletes at most so many lines that are older than age, and says how many it
// has. Several may do so at once. It goes line by line of WeChat's, where the oldest stand first.
func (s *Store) ForgetJournal(ctx context.Context, age time.Duration, most int) (int, error) {
	result, err := s.db.ExecContext(ctx, `
		with recursive lines as (`+journalLines+`), old as (
			select o.ctid from lines l cross join lateral (
				select j.ctid from journal j
				where j.merchant = l.merchant and j.host = l.host and j.at < now() - make_interval(secs => $1::float8)
				order by j.at limit $2
				for update skip locked
			) o limit $2
		), unhurried as (select set_config('synchronous_commit', 'off', true) as done)
		delete from journal where ctid = any(array(select old.ctid from old, unhurried))`, age.Seconds(), most)
	if err != nil {
		return 0, fmt.Errorf("delete old lines of the journal: %w", translate(err))
	}
	deleted, err := result.RowsAffected()
	return int(deleted), err
}

// journalLines jumps from one merchant's line to the next; notifies come on a line without
// a host.
const journalLines = `
	(select merchant, host from journal order by merchant, host limit 1)
	union all
	select n.merchant, n.host from lines l cross join lateral (
		select j.merchant, j.host from journal j
		where (j.merchant, j.host) > (l.merchant, l.host) order by j.merchant, j.host limit 1
	) n`
