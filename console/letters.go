package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"settled"
)

// lettersBody is a page of the dead letters.
type lettersBody struct {
	Items       []Letter
	Next, First string
	Away        bool // NATS does not answer
}

func (c *Console) letters(v *visit) {
	before, _ := sequenceOf(v.asked("after")) // whatever is no number asks for the latest
	type found struct {
		letters []Letter
		next    uint64
	}
	f, err := read(v.r.Context(), func(ctx context.Context) (found, error) {
		letters, next, err := c.cfg.Letters.Letters(ctx, before, pageSize)
		return found{letters, next}, err
	})
	if err != nil {
		c.lettersFail(v, err)
		return
	}
	after := ""
	if f.next > 0 {
		after = strconv.FormatUint(f.next, 10)
	}
	next, first := neighbours(v.r.URL, after)
	v.page(http.StatusOK, "letters", "title.letters", lettersBody{Items: f.letters, Next: next, First: first})
}

// lettersFail tells NATS from everything else that may be wrong.
func (c *Console) lettersFail(v *visit, err error) {
	if away(err) && !errors.Is(err, settled.ErrNotFound) {
		v.problem(http.StatusServiceUnavailable, "problem.nats")
		return
	}
	v.fail(err)
}

// dry is a letter with what a replay of it would lead to, and a proof that this was shown.
type dry struct {
	Letter Letter
	Would  string
	Proof  string
	// PaymentID is where to go back to; empty: to the list.
	PaymentID string
}

func (c *Console) dryRun(v *visit, sequence uint64) (dry, error) {
	return read(v.r.Context(), func(ctx context.Context) (dry, error) {
		letter, would, err := c.cfg.Letters.Would(ctx, sequence)
		d := dry{Letter: letter, Would: would}
		if v.signedIn {
			d.Proof = proof(v.operator, "dry run", v.session.id+" "+strconv.FormatUint(sequence, 10)+" "+would)
		}
		return d, err
	})
}

func (c *Console) letter(v *visit) {
	sequence, ok := sequenceOf(v.r.PathValue("sequence"))
	if !ok {
		v.fail(settled.ErrNotFound)
		return
	}
	d, err := c.dryRun(v, sequence)
	if err != nil {
		c.lettersFail(v, err)
		return
	}
	if from := v.asked("payment"); isID(from) {
		d.PaymentID = from
	}
	v.page(http.StatusOK, "letter", "title.letter", d)
}
