package main

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"time"

	"settled"
	"settled/events"
	"settled/events/bus"
	"settled/wechat"
)

// deadLetters is what work on dead letters needs of the bus.
type deadLetters interface {
	DeadLetters(ctx context.Context, which bus.Letters) iter.Seq2[bus.DeadLetter, error]
	DeadLetter(ctx context.Context, sequence uint64) (bus.DeadLetter, error)
	ReplayDead(ctx context.Context, letter bus.DeadLetter) error
	DropDead(ctx context.Context, sequence uint64) error
}

// deadLedger is what it needs of PostgreSQL.
type deadLedger interface {
	Payment(ctx context.Context, merchant, orderID string) (settled.Payment, error)
	PaymentByID(ctx context.Context, id string) (settled.Payment, error)
	Tell(ctx context.Context, e settled.Event) (told bool, err error)
	History(ctx context.Context, paymentID string) ([]settled.Happening, error)
	ToldOfOrder(ctx context.Context, types []string, merchant, orderID string) ([]settled.Happening, error)
	Refunds(ctx context.Context, paymentID string) ([]settled.Refund, error)
}

// owner is whose a letter is, as far as it says: nobody has verified it.
type owner struct{ merchant, orderID, paymentID string }

// finder finds out whose a letter is.
type finder struct {
	merchants map[string]*wechat.Switch
	ledger    deadLedger
}

// owner reads the letter alone.
func (f *finder) owner(ctx context.Context, letter bus.DeadLetter) owner {
	var said struct {
		Merchant  string `json:"merchant"`
		OrderID   string `json:"order_id"`
		PaymentID string `json:"payment_id"`
	}
	_ = json.Unmarshal(letter.Data, &said) // what can be read of it is read
	o := owner{said.Merchant, said.OrderID, said.PaymentID}
	if o.merchant == "" {
		_, o.merchant, _ = strings.Cut(headerOf(letter, events.HeaderSource), "settled/")
	}
	if o.orderID == "" {
		o.orderID = headerOf(letter, events.HeaderSubject)
	}
	if o.orderID == "" && letter.Subject == events.NotifyReceived {
		o.orderID = f.orderOfNotify(ctx, letter.Data)
	}
	return o
}

// orderOfNotify asks the merchant's protocol which order a notify tells of; "" if it does
// not verify.
func (f *finder) orderOfNotify(ctx context.Context, data []byte) string {
	merchant, notify, err := notifyOf(data)
	gateway, ok := f.merchants[merchant]
	if err != nil || !ok {
		return ""
	}
	news, err := gateway.Notify(ctx, notify)
	switch {
	case err != nil:
		return ""
	case news.Trade != nil:
		return news.Trade.OrderID
	case news.Repayment != nil:
		return news.Repayment.OrderID
	}
	return ""
}

func headerOf(letter bus.DeadLetter, name string) string {
	return events.Message{Header: letter.Header}.Value(name)
}

// payment is the payment that the letter belongs to; found is false if there is none.
func (f *finder) payment(ctx context.Context, o owner) (p settled.Payment, found bool, err error) {
	if o.paymentID != "" {
		p, err = f.ledger.PaymentByID(ctx, o.paymentID)
	} else {
		p, err = f.ledger.Payment(ctx, o.merchant, o.orderID)
	}
	if errors.Is(err, settled.ErrNotFound) {
		return settled.Payment{}, false, nil
	}
	return p, err == nil, err
}

// letterFilter says which letters are meant; what is empty excludes none.
type letterFilter struct {
	subject, merchant, orderID, reason string
	since, until                       time.Time
}

// admits reports whether a letter of this owner is meant. The stream has looked at its
// subject, and at since.
func (f letterFilter) admits(letter bus.DeadLetter, o owner) bool {
	switch {
	case f.merchant != "" && f.merchant != o.merchant,
		f.orderID != "" && f.orderID != o.orderID,
		!strings.Contains(letter.Reason, f.reason),
		letter.At.Before(f.since),
		!f.until.IsZero() && !letter.At.Before(f.until):
		return false
	}
	return true
}

// found is a letter that is meant, with its owner.
type found struct {
	bus.DeadLetter
	owner owner
}

// chosen are the letters that are meant: those of these numbers or, without any, those that
// the filter admits.
type chosen struct {
	letters deadLetters
	find    *finder
	numbers []uint64
	filter  letterFilter
	limit   int // 0 for none
}

// all goes through the letters, the oldest first, and keeps none in memory. A number of
// which there is no letter is bus.ErrNoLetter, and the others follow.
func (c chosen) all(ctx context.Context) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		given := 0
		for letter, err := range c.read(ctx) {
			o := owner{}
			if err == nil {
				if o, err = c.ownerOf(ctx, letter); err == nil && !c.filter.admits(letter, o) {
					continue
				}
			}
			if !yield(found{letter, o}, err) {
				return
			}
			if given++; given == c.limit {
				return
			}
		}
	}
}

func (c chosen) read(ctx context.Context) iter.Seq2[bus.DeadLetter, error] {
	if len(c.numbers) == 0 {
		return c.letters.DeadLetters(ctx, bus.Letters{Subject: c.filter.subject, Since: c.filter.since})
	}
	return func(yield func(bus.DeadLetter, error) bool) {
		for _, number := range c.numbers {
			letter, err := c.letters.DeadLetter(ctx, number)
			if err != nil {
				letter.Sequence = number
			}
			if !yield(letter, err) {
				return
			}
		}
	}
}

// ownerOf asks PostgreSQL only if the filter can't do without: letters are listed while it
// is away, too.
func (c chosen) ownerOf(ctx context.Context, letter bus.DeadLetter) (owner, error) {
	o := c.find.owner(ctx, letter)
	if o.paymentID == "" || o.orderID != "" || c.filter.merchant+c.filter.orderID == "" {
		return o, nil
	}
	p, known, err := c.find.payment(ctx, o)
	if known {
		o.merchant, o.orderID = p.Merchant, p.OrderID
	}
	return o, err
}
