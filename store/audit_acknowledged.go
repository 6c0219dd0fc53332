package store

import (
	"context"
	"fmt"

	"settled"
)

// typeFlagged is the event that a notify may have ended in besides a move, if it was not
// ignored.
const typeFlagged = "payment.flagged"

// CommittedNotifies tells, for each notify in order, whether what it says is committed:
// money that has moved has moved the row or is flagged, a hint has found its row, and
// anything else has been noted.
func (s *Store) CommittedNotifies(ctx context.Context, notifies []settled.Acknowledged) (committed []bool, err error) {
	var c columns
	for _, n := range notifies {
		unknown := settled.EventID(typeFlagged, n.Merchant, n.OrderID, string(settled.UnknownOrder), n.TransactionID)
		if n.RefundID != "" {
			unknown = settled.EventID(typeFlagged, n.Merchant, n.OrderID, string(settled.UnknownRefund), n.RefundID)
		}
		c.row(n.Merchant, n.OrderID, n.RefundID, n.TransactionID, boolText(n.Final), timeText(n.At), unknown)
	}
	if len(notifies) == 0 {
		return nil, nil
	}
	err = s.db.SelectContext(ctx, &committed, `
		select case
			when a.order_id = '' and a.refund_id = '' then exists (
				select from events e where e.type = '`+settled.EventNotifyIgnored+`' and e.merchant = a.merchant
					and e.at > nullif(a.at, '')::timestamptz - interval '1 hour')
			when exists (select from events e where e.id = a.unknown) then true
			when a.refund_id <> '' then exists (
				select from refunds r where r.merchant = a.merchant and r.refund_id = a.refund_id
				and (not a.final or r.status = 'completed' or exists (
					select from events e where e.payment_id = r.payment_id and e.type = '`+typeFlagged+`')))
			else exists (
				select from payments p where p.merchant = a.merchant and p.order_id = a.order_id
				and (not a.final or p.status = 'completed' and p.transaction_id = a.transaction_id or exists (
					select from events e where e.payment_id = p.id and e.type = '`+typeFlagged+`')))
			end
		from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::uuid[])
			with ordinality as a(merchant, order_id, refund_id, transaction_id, final, at, unknown, place)
		order by a.place`, c.arguments()...)
	if err != nil {
		return nil, fmt.Errorf("look for acknowledged notifies: %w", translate(err))
	}
	return committed, nil
}
