package workers

import (
	"context"
	"fmt"

	"settled"
)

// apply moves a payment by a fact. make writes the move for the payment as it was seen;
// when somebody else has moved it meanwhile, it is read again and everything is decided
// anew. It returns the payment as it was last seen, and the event if this call moved it.
func (w *Workers) apply(ctx context.Context, p settled.Payment, fact settled.Fact,
	makeMove func(settled.Payment) (settled.Move, error),
) (seen settled.Payment, told *settled.Event, err error) {
	const tries = 5
	for range tries {
		to, leads := settled.Next(p.Status, fact)
		if !leads {
			return p, nil, nil
		}
		m, err := makeMove(p)
		if err != nil {
			return p, nil, err
		}
		m.From, m.To = p.Status, to
		moved, err := w.cfg.Ledger.Move(ctx, m)
		if err != nil {
			return p, nil, err
		}
		if moved {
			w.cfg.Metrics.Moved(p.Merchant, to, m.Source)
			return p, &m.Event, nil
		}
		if p, err = w.cfg.Ledger.PaymentByID(ctx, p.ID); err != nil {
			return p, nil, err
		}
	}
	return p, nil, fmt.Errorf("apply %s to payment %s: others were faster %d times", fact, p.ID, tries)
}

// delay looks at a payment again at a later time; trouble says what went wrong, nil if
// nothing did.
func (w *Workers) delay(ctx context.Context, d settled.Delay, trouble error) error {
	if trouble != nil {
		d.Trouble = clip(trouble.Error(), 300)
	}
	_, err := w.cfg.Ledger.Delay(ctx, d)
	return err
}

// clip bounds a text to most bytes, at the border of a character.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xC0 == 0x80 {
		most--
	}
	return text[:most]
}
