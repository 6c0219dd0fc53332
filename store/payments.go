package store

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"settled"
)

// orderKey names a payment as the shop does.
type orderKey struct {
	merchant string
	orderID  string
}

// String makes a key of the pair; neither part may contain U+0000.
func (k orderKey) String() string { return k.merchant + "\x00" + k.orderID }

// Payment reads the payment of an order. It fails with settled.ErrNotFound.
func (s *Store) Payment(ctx context.Context, merchant, orderID string) (settled.Payment, error) {
	var p *settled.Payment
	err := settled.ErrNotFound
	if storable(merchant) && storable(orderID) {
		p, err = s.lookups.Do(ctx, orderKey{merchant, orderID})
	}
	if err == nil && p == nil {
		err = settled.ErrNotFound
	}
	if err != nil {
		return settled.Payment{}, fmt.Errorf("read payment %s/%s: %w", merchant, orderID, translate(err))
	}
	return *p, nil
}

// storable reports whether PostgreSQL could hold a text at all. What it can't hold is not
// there, and asking for it is no failure of PostgreSQL's.
func storable(text string) bool {
	return utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// stored is a name as PostgreSQL can hold it: a request is wrong for what stands in its
// names, too, and whoever made it has to be told.
func stored(name string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "\uFFFD")
}

// paymentsByOrder reads many; a payment that is not there is nil.
func (s *Store) paymentsByOrder(ctx context.Context, keys []orderKey) ([]*settled.Payment, error) {
	var c columns
	for _, k := range keys {
		c.row(k.merchant, k.orderID)
	}
	var rows []paymentRow
	err := s.statements.query(ctx, &rows, `
		select `+paymentColumns+`
		from unnest((select $1::text[]), $2::text[]) as k(merchant, order_id)
		join payments p on p.merchant = k.merchant and p.order_id = k.order_id`, c.arguments()...)
	if err != nil {
		return nil, translate(err)
	}
	found, err := payments(rows)
	if err != nil {
		return nil, err
	}
	byKey := make(map[orderKey]*settled.Payment, len(found))
	for i, p := range found {
		byKey[orderKey{p.Merchant, p.OrderID}] = &found[i]
	}
	all := make([]*settled.Payment, len(keys))
	for i, k := range keys {
		all[i] = byKey[k]
	}
	return all, nil
}

// PaymentByID reads a payment by its id. It fails with settled.ErrNotFound, also for what
// is no id at all.
func (s *Store) PaymentByID(ctx context.Context, id string) (settled.Payment, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return settled.Payment{}, fmt.Errorf("read payment: %w", settled.ErrNotFound)
	}
	var row paymentRow
	err = s.db.GetContext(ctx, &row, `select `+paymentColumns+` from payments p where p.id = $1::uuid`, parsed.String())
	if err != nil {
		return settled.Payment{}, fmt.Errorf("read payment %s: %w", id, translate(err))
	}
	return row.payment()
}
