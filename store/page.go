package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"settled"
)

const (
	// pageSize is how much a page has unless somebody asks for more or less, pageMost what it
	// has at most.
	pageSize, pageMost = 50, 200
	// pageBudget is how many rows are looked through for one page at most. What is rarer than
	// that among them fills a page later.
	pageBudget = 20_000
)

// place is a place in a list, the latest first: everything after it is older, or as old and
// of a lower id.
type place struct {
	At time.Time `db:"at"`
	ID string    `db:"id"`
}

// text names the place for a client.
func (p place) text() string {
	return base64.RawURLEncoding.EncodeToString([]byte(timeText(p.At) + " " + p.ID))
}

// bounds are the place for a statement; the zero one comes before all.
func (p place) bounds() (at, id string) {
	if p.ID == "" {
		return "infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff"
	}
	return timeText(p.At), p.ID
}

// readPlace reads what text has named. It fails with settled.ErrNotFound for anything else.
func readPlace(text string) (place, error) {
	if text == "" {
		return place{}, nil
	}
	name, err := base64.RawURLEncoding.DecodeString(text)
	cut := strings.LastIndexByte(string(name), ' ')
	if err != nil || cut < 0 {
		return place{}, fmt.Errorf("no place in a list: %w", settled.ErrNotFound)
	}
	at, err := time.Parse("2006-01-02 15:04:05.999999Z07:00", string(name[:cut]))
	id, noID := uuid.Parse(string(name[cut+1:]))
	if err != nil || noID != nil || at.Year() < 1 || at.Year() > 9999 {
		return place{}, fmt.Errorf("no place in a list: %w", settled.ErrNotFound)
	}
	return place{at, id.String()}, nil
}

// candidate is a row that a list has come to.
type candidate struct {
	place
	Meant bool `db:"meant"` // it is what was asked for
}

// turn reads candidates from a place on, in larger and larger steps, until a page is full or
// its budget is used up.
func turn(size int, after string, read func(from place, most int) ([]candidate, error)) (ids []string, next string, err error) {
	from, err := readPlace(after)
	if err != nil {
		return nil, "", err
	}
	if size = min(size, pageMost); size <= 0 {
		size = pageSize
	}
	step := size + 1
	for looked := 0; looked < pageBudget; step = min(4*step, pageBudget-looked) {
		rows, err := read(from, step)
		if err != nil {
			return nil, "", translate(err)
		}
		for _, row := range rows {
			if row.Meant && len(ids) == size {
				return ids, from.text(), nil
			}
			if from = row.place; row.Meant {
				ids = append(ids, row.ID)
			}
		}
		if looked += len(rows); len(rows) < step {
			return ids, "", nil
		}
	}
	return ids, from.text(), nil
}

// candidates reads what a list comes to from a place on: of its statement $1 and $2 are the
// place, and $3 is how many rows.
func (s *Store) candidates(ctx context.Context, statement string, arguments ...any) func(from place, most int) ([]candidate, error) {
	return func(from place, most int) (rows []candidate, err error) {
		at, id := from.bounds()
		err = s.db.SelectContext(ctx, &rows, statement, append([]any{at, id, most}, arguments...)...)
		return rows, err
	}
}
