package console

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/url"
	"strconv"

	"settled"
)

// mostComment is how many characters of a comment are kept.
const mostComment = 500

func (c *Console) askNow(v *visit) {
	c.actOn(v, settled.Act{Kind: settled.ActQuery, PaymentID: v.r.PathValue("id")}, "told.query")
}

func (c *Console) closeOrder(v *visit) {
	c.actOn(v, settled.Act{Kind: settled.ActClose, PaymentID: v.r.PathValue("id")}, "told.close")
}

func (c *Console) actOn(v *visit, a settled.Act, done word) {
	if !isID(a.PaymentID) {
		v.fail(settled.ErrNotFound)
		return
	}
	a.Comment = clean(v.r.PostFormValue("comment"), mostComment)
	c.act(v, a, done, paymentPath(a.PaymentID))
}

func (c *Console) settleFlag(v *visit) {
	a := settled.Act{
		Kind: settled.ActSettle, EventID: v.r.PathValue("id"), PaymentID: v.r.PostFormValue("payment"),
		Comment: clean(v.r.PostFormValue("comment"), mostComment),
	}
	if !isID(a.EventID) || a.PaymentID != "" && !isID(a.PaymentID) {
		v.fail(settled.ErrNotFound)
		return
	}
	back := within(v.r.PostFormValue("back"))
	if a.Comment == "" {
		v.tellNext("told.comment_missing")
		v.redirect(back)
		return
	}
	c.act(v, a, "told.settle", back)
}

// act does what an operator wants, notes it in the log, and says on the next page what came
// of it.
func (c *Console) act(v *visit, a settled.Act, told word, back string) {
	a.By, a.At = v.operator.Name, c.cfg.Now()
	// What is begun is ended, though the browser may have gone.
	done, err := read(context.WithoutCancel(v.r.Context()), func(ctx context.Context) (bool, error) { return c.cfg.Ledger.Act(ctx, a) })
	switch {
	case errors.Is(err, settled.ErrNotFound):
		v.fail(err)
		return
	case err != nil && away(err):
		told = "told.postgres"
	case err != nil:
		told = "told.failed"
	case !done:
		told = "told.nothing"
	}
	c.note(v, string(a.Kind), a.PaymentID, done, err)
	v.tellNext(told)
	v.redirect(back)
}

func (c *Console) note(v *visit, act, paymentID string, done bool, err error) {
	log := c.cfg.Log.With("operator", v.operator.Name, "address", origin(v.r.RemoteAddr), "act", act, "payment_id", paymentID)
	if err != nil {
		log.WarnContext(v.r.Context(), "operator act failed", "error", err)
		return
	}
	log.InfoContext(v.r.Context(), "operator acted", "done", done)
}

// replay publishes a dead letter again, if what it would lead to is still what the operator
// has seen.
func (c *Console) replay(v *visit) {
	sequence, ok := sequenceOf(v.r.PathValue("sequence"))
	if !ok {
		v.fail(settled.ErrNotFound)
		return
	}
	page := letterPath(sequence)
	comment := clean(v.r.PostFormValue("comment"), mostComment)
	if comment == "" {
		v.tellNext("told.comment_missing")
		v.redirect(page)
		return
	}
	back := Prefix + "letters"
	if to := v.r.PostFormValue("payment"); isID(to) {
		back = paymentPath(to)
	}
	seen, err := c.dryRun(v, sequence)
	if err == nil && subtle.ConstantTimeCompare([]byte(seen.Proof), []byte(v.r.PostFormValue("seen"))) != 1 {
		v.tellNext("told.letter_changed")
		v.redirect(page)
		return
	}
	if err == nil {
		_, err = read(context.WithoutCancel(v.r.Context()), func(ctx context.Context) (struct{}, error) {
			return struct{}{}, c.cfg.Letters.Replay(ctx, sequence, v.operator.Name, comment)
		})
	}
	c.note(v, "replay", "", err == nil, err)
	v.tellNext(replayTold(err))
	v.redirect(back)
}

func replayTold(err error) word {
	switch {
	case err == nil:
		return "told.replay"
	case errors.Is(err, settled.ErrNotFound):
		return "told.letter_gone"
	case away(err):
		return "told.nats"
	default:
		return "told.failed"
	}
}

func paymentPath(id string) string { return Prefix + "payments/" + url.PathEscape(id) }

func letterPath(sequence uint64) string {
	return Prefix + "letters/" + strconv.FormatUint(sequence, 10)
}

func sequenceOf(text string) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return n, err == nil && n > 0
}

// isID reports whether a text has the form of our ids, RFC 9562 in lower case.
func isID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, r := range text {
		switch i {
		case 8, 13, 18, 23:
			if r != '-' {
				return false
			}
		default:
			if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
				return false
			}
		}
	}
	return true
}
