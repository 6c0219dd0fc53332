package console

import (
	"context"
	"net/http"
	"sync"
	"time"

	"settled"
)

// paymentBody is everything that is known of one payment.
type paymentBody struct {
	Payment settled.Payment
	Reason  sentence
	Overdue bool
	Now     time.Time

	Flags   []settled.Flag // that wait
	Settled []settled.Flag
	Refunds []settled.Refund
	Letters []Letter
	Line    []happened
	Missing []word // parts that could not be read

	MayQuery, MayClose, Fresh bool
}

// parts are what is read beside the payment itself, all at once.
type parts struct {
	history []settled.Happening
	journal []settled.Entry
	refunds []settled.Refund
	flags   []settled.Flag
	letters []Letter
	missing []word
}

func (c *Console) payment(v *visit) {
	id := v.r.PathValue("id")
	if !isID(id) {
		v.fail(settled.ErrNotFound)
		return
	}
	p, err := read(v.r.Context(), func(ctx context.Context) (settled.Payment, error) { return c.cfg.Ledger.PaymentByID(ctx, id) })
	if err != nil {
		v.fail(err)
		return
	}
	v.page(http.StatusOK, "payment", "title.payment", c.paymentBody(p, c.readParts(v, p)))
}

func (c *Console) readParts(v *visit, p settled.Payment) parts {
	var all parts
	var mu sync.Mutex
	var wait sync.WaitGroup
	ctx := v.r.Context()
	part := func(name word, ask func() error) {
		wait.Go(func() {
			if err := ask(); err != nil {
				c.cfg.Log.WarnContext(ctx, "console part not read", "part", name, "payment_id", p.ID, "error", err)
				mu.Lock()
				defer mu.Unlock()
				all.missing = append(all.missing, name)
			}
		})
	}
	ledger := c.cfg.Ledger
	part("part.history", func() (err error) {
		all.history, err = read(ctx, func(ctx context.Context) ([]settled.Happening, error) { return ledger.History(ctx, p.ID) })
		return err
	})
	part("part.journal", func() (err error) {
		all.journal, err = read(ctx, func(ctx context.Context) ([]settled.Entry, error) { return ledger.Journal(ctx, p.ID) })
		return err
	})
	part("part.refunds", func() (err error) {
		all.refunds, err = read(ctx, func(ctx context.Context) ([]settled.Refund, error) { return ledger.Refunds(ctx, p.ID) })
		return err
	})
	part("part.flags", func() (err error) {
		all.flags, err = read(ctx, func(ctx context.Context) ([]settled.Flag, error) { return ledger.FlagsOf(ctx, p.ID) })
		return err
	})
	part("part.letters", func() (err error) {
		all.letters, err = read(ctx, func(ctx context.Context) ([]Letter, error) {
			return c.cfg.Letters.LettersOf(ctx, p.Merchant, p.OrderID)
		})
		return err
	})
	wait.Wait()
	return all
}

func (c *Console) paymentBody(p settled.Payment, all parts) paymentBody {
	now := c.cfg.Now()
	body := paymentBody{
		Payment: p, Now: now, Refunds: all.refunds, Letters: all.letters, Missing: all.missing,
		Line:     timeline(all.history, all.journal, all.letters),
		MayQuery: p.Status.Open() || p.Status == settled.StatusClosed, MayClose: p.Status.Open(),
	}
	for _, f := range all.flags {
		if f.SettledAt.IsZero() {
			body.Flags = append(body.Flags, f)
		} else {
			body.Settled = append(body.Settled, f)
		}
	}
	s := situation{payment: p, refunds: all.refunds, flags: body.Flags, closing: closing(p), now: now}
	body.Reason, body.Overdue = reason(s), s.overdue()
	return body
}
