package workers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled"
	"settled/events"
)

// aged reports whether what WeChat gave for a prepay request can't be used any more,
// although the payment still can.
func (w *Workers) aged(p settled.Payment) bool {
	now := w.cfg.Now()
	return p.Status == settled.StatusPrepared && !p.CloseAsked && now.Before(p.ExpiresAt) &&
		!now.Before(p.PreparedAt.Add(p.TradeType.PrepayLife()))
}

// renew gets another prepay id for an order that is requested again after its first one
// has grown old: the same bytes are sent, and WeChat takes them for the same order.
func (w *Workers) renew(ctx context.Context, m events.Message, p settled.Payment) error {
	prepared, err := w.cfg.Merchants[p.Merchant].Gateway.Prepay(ctx, p)
	var refusal *settled.Refusal
	switch {
	case err == nil:
		return w.renewed(ctx, m, p, prepared)
	case errors.As(err, &refusal):
		// WeChat will not give another: it was paid or closed, and the query says which.
		if err := w.look(ctx, p); err != nil {
			return err
		}
		if p, err = w.cfg.Ledger.PaymentByID(ctx, p.ID); err != nil {
			return err
		}
		return w.tellAgain(ctx, m, p)
	case m.Attempt < 4:
		return events.Later(fmt.Errorf("renew prepay id: %w", err), time.Duration(m.Attempt)*2*time.Second)
	default:
		return w.tellAgain(ctx, m, p)
	}
}

// errLivesOn stops a renewal: the payment has what WeChat gave, because the old one lives
// on, or because another worker renewed it at the same moment.
var errLivesOn = errors.New("the prepay id lives on")

func (w *Workers) renewed(ctx context.Context, m events.Message, p settled.Payment, prepared settled.Prepared) error {
	seen, told, err := w.apply(ctx, p, settled.FactRenewed, func(p settled.Payment) (settled.Move, error) {
		if prepared.PrepayID == p.Prepared.PrepayID && prepared.CodeURL == p.Prepared.CodeURL && prepared.H5URL == p.Prepared.H5URL {
			return settled.Move{}, errLivesOn
		}
		return w.renewedMove(p, prepared)
	})
	switch {
	case err != nil && !errors.Is(err, errLivesOn):
		return err
	case told == nil:
		return w.tellAgain(ctx, m, seen)
	default:
		w.reply(ctx, m, told.Type, told.Data)
		return nil
	}
}
