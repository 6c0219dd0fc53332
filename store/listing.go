package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"settled"
)

// Payments reads a page of payments, the latest beginnings first. No index was made for every
// way to ask, because each costs every move; docs/decisions/0016-the-page-reads-what-is-there.md
// says which statement serves which.
func (s *Store) Payments(ctx context.Context, l settled.Listing) (settled.Page[settled.Payment], error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	page, err := s.paymentPage(ctx, l)
	if err != nil {
		return settled.Page[settled.Payment]{}, fmt.Errorf("list payments: %w", translate(err))
	}
	return page, nil
}

func (s *Store) paymentPage(ctx context.Context, l settled.Listing) (page settled.Page[settled.Payment], err error) {
	if !storable(l.Merchant) || l.Status != "" && !slices.Contains(settled.Statuses, l.Status) {
		return page, nil
	}
	statement, err := s.paymentList(ctx, l)
	if err != nil {
		return page, err
	}
	from, to := between(l.From, l.To)
	ids, next, err := turn(l.Size, l.After, s.candidates(ctx, statement, from, to, l.Merchant, string(l.Status)))
	if err != nil {
		return page, err
	}
	page.Next = next
	page.Items, err = s.paymentsByID(ctx, ids)
	return page, err
}

// between are the times as bounds for a statement.
func between(from, to time.Time) (first, end string) {
	first, end = "-infinity", "infinity"
	if !from.IsZero() {
		first = timeText(from)
	}
	if !to.IsZero() {
		end = timeText(to)
	}
	return first, end
}

// paymentList is the statement that serves best.
func (s *Store) paymentList(ctx context.Context, l settled.Listing) (string, error) {
	switch {
	case l.Status == settled.StatusClosed || l.Status == settled.StatusFailed:
		return endedPayments, nil
	case l.Status.Open():
		few, err := s.fewOpen(ctx, l.Status, l.Merchant)
		if err != nil || few {
			return openPayments, err
		}
	}
	if l.Merchant != "" {
		return recordedOfMerchant, nil
	}
	return recordedPayments, nil
}

// fewOpen reports whether all payments of an open state can be looked through for a page. If
// not, they are many among the latest.
func (s *Store) fewOpen(ctx context.Context, status settled.Status, merchant string) (few bool, err error) {
	err = s.db.GetContext(ctx, &few, `
		select count(*) <= $3 from (
			select from payments where status = $1 and due_at is not null and ($2 = '' or merchant = $2) limit $3 + 1
		) o`, string(status), merchant, pageBudget)
	return few, err
}

// The statements that find payments: $1 and $2 are the place to go on from, $3 how many, $4 and
// $5 from when and until when they began, $6 the merchant and $7 the status, empty for all.
const (
	// began is a beginning in its place. The row comparison alone would not bound an index.
	began = `type = 'payment.recorded' and at >= $4::timestamptz and at < $5::timestamptz
		and at <= $1::timestamptz and (at, payment_id) < ($1::timestamptz, $2::uuid)`

	recorded = `
		select e.at, e.payment_id as id, $6 in ('', e.merchant) and $7 in ('', p.status) as meant
		from (
			select at, payment_id, merchant from events where ` + began

	recordedPayments = recorded + `
			order by at desc, payment_id desc limit $3
		) e join payments p on p.id = e.payment_id order by e.at desc, e.payment_id desc`

	recordedOfMerchant = recorded + ` and merchant = $6
			order by at desc, payment_id desc limit $3
		) e join payments p on p.id = e.payment_id order by e.at desc, e.payment_id desc`

	// created is a payment in its place.
	created = `created_at >= $4::timestamptz and created_at < $5::timestamptz
		and created_at <= $1::timestamptz and (created_at, id) < ($1::timestamptz, $2::uuid)`

	openPayments = `
		select created_at as at, id, true as meant
		from payments where status = $7 and due_at is not null and ($6 = '' or merchant = $6) and ` + created + `
		order by created_at desc, id desc limit $3`

	// endedPayments takes the latest of each merchant, jumping from one to the next.
	endedPayments = `
		with recursive shops as (
			(select merchant from payments where status in ('closed', 'failed') and status = $7 order by merchant limit 1)
			union all
			select n.merchant from shops s cross join lateral (
				select merchant from payments
				where status in ('closed', 'failed') and status = $7 and merchant > s.merchant order by merchant limit 1
			) n
		)
		select o.created_at as at, o.id, true as meant
		from shops s cross join lateral (
			select created_at, id from payments
			where status in ('closed', 'failed') and status = $7 and merchant = s.merchant and ` + created + `
			order by created_at desc, id desc limit $3
		) o where $6 in ('', s.merchant) order by o.created_at desc, o.id desc limit $3`
)

// paymentsByID reads payments in the order of their ids.
func (s *Store) paymentsByID(ctx context.Context, ids []string) ([]settled.Payment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []paymentRow
	err := s.db.SelectContext(ctx, &rows, `
		select `+paymentColumns+`
		from unnest($1::uuid[]) with ordinality as k(id, place) join payments p on p.id = k.id order by k.place`, pq.Array(ids))
	if err != nil {
		return nil, err
	}
	return payments(rows)
}

// RefundList reads a page of refunds, the latest first: the latest of each merchant and
// state, jumping from one to the next.
func (s *Store) RefundList(ctx context.Context, l settled.RefundListing) (settled.Page[settled.Refund], error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	page, err := s.refundPage(ctx, l)
	if err != nil {
		return settled.Page[settled.Refund]{}, fmt.Errorf("list refunds: %w", translate(err))
	}
	return page, nil
}

func (s *Store) refundPage(ctx context.Context, l settled.RefundListing) (page settled.Page[settled.Refund], err error) {
	if !storable(l.Merchant) || l.Status != "" && !slices.Contains(settled.RefundStatuses, l.Status) {
		return page, nil
	}
	ids, next, err := turn(l.Size, l.After, s.candidates(ctx, `
		with recursive shelves as (
			(select merchant, status from refunds order by merchant, status limit 1)
			union all
			select n.merchant, n.status from shelves s cross join lateral (
				select merchant, status from refunds
				where (merchant, status) > (s.merchant, s.status) order by merchant, status limit 1
			) n
		)
		select o.created_at as at, o.id, true as meant
		from shelves s cross join lateral (
			select created_at, id from refunds
			where merchant = s.merchant and status = s.status
				and created_at <= $1::timestamptz and (created_at, id) < ($1::timestamptz, $2::uuid)
			order by created_at desc, id desc limit $3
		) o where $4 in ('', s.merchant) and $5 in ('', s.status)
		order by o.created_at desc, o.id desc limit $3`, l.Merchant, string(l.Status)))
	if err != nil || len(ids) == 0 {
		return page, err
	}
	var rows []refundRow
	err = s.db.SelectContext(ctx, &rows, `
		select `+refundColumns+`
		from unnest($1::uuid[]) with ordinality as k(id, place) join refunds r on r.id = k.id order by k.place`, pq.Array(ids))
	page.Items, page.Next = refunds(rows), next
	return page, err
}
