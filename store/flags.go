package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"settled"
)

// flagColumns are what a flag is read with.
const flagColumns = `e.id, e.payment_id, e.merchant, e.order_id, e.data, e.at,
	f.settled_at, coalesce(f.settled_by, '') as settled_by, coalesce(f.comment, '') as comment`

// whetherSettled finds what an operator has said to each flag by itself, and does not read
// what they have ever said.
const whetherSettled = `left join lateral (
	select settled_at, settled_by, comment from flags_settled where event_id = e.id limit 1
) f on true`

type flagRow struct {
	ID        string         `db:"id"`
	PaymentID sql.NullString `db:"payment_id"`
	Merchant  string         `db:"merchant"`
	OrderID   string         `db:"order_id"`
	Data      []byte         `db:"data"`
	At        time.Time      `db:"at"`
	SettledAt sql.NullTime   `db:"settled_at"`
	SettledBy string         `db:"settled_by"`
	Comment   string         `db:"comment"`
}

func (r flagRow) flag() settled.Flag {
	var told struct {
		Reason string `json:"reason"`
		Detail string `json:"detail"`
	}
	_ = json.Unmarshal(r.Data, &told) // what can be read of it is shown
	return settled.Flag{
		EventID: r.ID, PaymentID: r.PaymentID.String, Merchant: r.Merchant, OrderID: r.OrderID,
		Reason: settled.FlagReason(told.Reason), Detail: told.Detail, At: r.At,
		SettledAt: r.SettledAt.Time, SettledBy: r.SettledBy, Comment: r.Comment,
	}
}

func flags(rows []flagRow) []settled.Flag {
	found := make([]settled.Flag, len(rows))
	for i, row := range rows {
		found[i] = row.flag()
	}
	return found
}

// Flags reads a page of flags, the latest first. Flags are rare: all of them are looked
// through.
func (s *Store) Flags(ctx context.Context, l settled.FlagListing) (settled.Page[settled.Flag], error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	page, err := s.flagPage(ctx, l)
	if err != nil {
		return settled.Page[settled.Flag]{}, fmt.Errorf("list flags: %w", translate(err))
	}
	return page, nil
}

func (s *Store) flagPage(ctx context.Context, l settled.FlagListing) (page settled.Page[settled.Flag], err error) {
	if !storable(l.Merchant) {
		return page, nil
	}
	ids, next, err := turn(l.Size, l.After, s.candidates(ctx, `
		select e.at, e.id, $4 in ('', e.merchant) and $5 = (f.settled_at is not null) as meant
		from (
			select at, id, merchant from events
			where type = '`+typeFlagged+`' and at <= $1::timestamptz and (at, id) < ($1::timestamptz, $2::uuid)
			order by at desc, id desc limit $3
		) e `+whetherSettled+` order by e.at desc, e.id desc`, l.Merchant, l.Settled))
	if err != nil || len(ids) == 0 {
		page.Next = next
		return page, err
	}
	var rows []flagRow
	err = s.db.SelectContext(ctx, &rows, `
		select `+flagColumns+`
		from unnest($1::uuid[]) with ordinality as k(id, place) join events e on e.id = k.id `+whetherSettled+`
		order by k.place`, pq.Array(ids))
	page.Items, page.Next = flags(rows), next
	return page, err
}

// FlagsOf reads the flags of a payment, first things first.
func (s *Store) FlagsOf(ctx context.Context, paymentID string) ([]settled.Flag, error) {
	id, err := paymentUUID(paymentID)
	if err != nil {
		return nil, fmt.Errorf("read flags: %w", err)
	}
	ctx, cancel := patient(ctx)
	defer cancel()
	var rows []flagRow
	err = s.db.SelectContext(ctx, &rows, `
		select `+flagColumns+`
		from events e `+whetherSettled+`
		where e.payment_id = $1::uuid and e.type = '`+typeFlagged+`' order by e.version`, id)
	if err != nil {
		return nil, fmt.Errorf("read flags of payment %s: %w", id, translate(err))
	}
	return flags(rows), nil
}
