package life

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"settled/bench/shop"
	"settled/events"
	"settled/events/bus"
)

// checks are what must be as many as there are payments. The round's orders are looked for by
// their numbers: others may stand beside them.
var checks = []struct{ what, query string }{
	{"payments completed", "select count(*) from payments where merchant = $1 and order_id between $2 and $3 and status = 'completed' and version = 3 and not late"},
	{"transactions", "select count(distinct transaction_id) from payments where merchant = $1 and order_id between $2 and $3"},
	{"rows of the history by three", `select count(*) / 3 from events e join payments p on p.id = e.payment_id
		where p.merchant = $1 and p.order_id between $2 and $3`},
}

// check makes sure that each payment was completed once, and that nobody was told more.
func (l *life) check(ctx context.Context, want int) error {
	for _, check := range checks {
		var n int
		if err := l.DB.QueryRowContext(ctx, check.query, l.merchant, shop.Order(1), shop.Order(want)).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", check.what, err)
		}
		if n != want {
			return fmt.Errorf("%d %s, not %d", n, check.what, want)
		}
	}
	stream, err := l.Stream.Stream(ctx, l.StreamName(bus.Out))
	if err != nil {
		return fmt.Errorf("find the stream of outputs: %w", err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return fmt.Errorf("count events: %w", err)
	}
	told := info.State.Subjects
	prepared, completed := told[l.Prefix()+events.PaymentPrepared], told[l.Prefix()+events.PaymentCompleted]
	if prepared != uint64(want) || completed != uint64(want) || info.State.Msgs != 2*uint64(want) { //nolint:gosec // counts
		return fmt.Errorf("of %d payments %d events tell that they are prepared and %d that they are completed, among %d", want, prepared, completed, info.State.Msgs)
	}
	books, err := shop.Books(ctx, l.wechat)
	if err == nil && (books.Paid != int64(want) || books.ChargedTwice+books.OtherContent+books.NotifiesAbandoned > 0) {
		err = fmt.Errorf("WeChat's books do not have %d payments: %+v", want, books)
	}
	return err
}
