package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// NotifyAttempt is one notify that was sent, and what came of it.
type NotifyAttempt struct {
	Merchant    string // its name
	OutTradeNo  string
	OutRefundNo string        // "" for a notify of a payment
	Attempt     int           // 1 for the first sending of this notify
	Wrong       string        // what a switch made wrong with it: amount, signature, partner, probe; "" for nothing
	Status      int           // 0 if there was no answer
	Body        string        // the answer, at most 4 KiB of it
	Heard       bool          // the answer was the protocol's success
	Err         error         // why there was no answer
	Took        time.Duration // from sending to answer
}

// maxAnswer bounds how much of an answer is read.
const maxAnswer = 4 << 10

// notifyClient keeps a connection for each sender, follows no redirect, and adds no
// header that WeChat doesn't send.
func notifyClient(senders int) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConnsPerHost: senders,
			IdleConnTimeout:     30 * time.Second,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send sends a notify once and sees to it that it is repeated, if it has to be.
func (n *notifier) send(d *dispatch) {
	if d.attempts > 0 && d.news.heard().over() {
		return // a copy of it was heard
	}
	d.attempts++
	attempt := n.attempt(d)
	if n.ctx.Err() != nil {
		return // cut short by close: nobody knows
	}
	n.record(d, attempt)
	if n.s.cfg.OnNotify != nil {
		n.s.cfg.OnNotify(attempt)
	}
	n.release()
	if attempt.Heard || len(d.pauses) == 0 {
		return
	}
	pause := d.pauses[0]
	d.pauses = d.pauses[1:]
	n.later(d, pause)
}

func (n *notifier) record(d *dispatch, attempt NotifyAttempt) {
	n.s.tally.sent.Add(1)
	if d.news.heard().answered(attempt.Heard) {
		n.s.tally.acknowledged.Add(1)
	}
	last := !attempt.Heard && len(d.pauses) == 0 && !d.copied
	if last && d.news.heard().abandon() {
		n.s.tally.abandoned.Add(1)
		n.s.cfg.Log.WarnContext(n.ctx, "notify given up",
			slog.String("out_trade_no", attempt.OutTradeNo), slog.String("out_refund_no", attempt.OutRefundNo), slog.Int("attempts", attempt.Attempt))
	}
}

func (n *notifier) attempt(d *dispatch) NotifyAttempt {
	a, number, refund := d.news.about()
	faults := n.s.switches.of(number).Notify
	told := lies{
		amount:    n.s.dice.chance(faults.WrongAmount),
		signature: n.s.dice.chance(faults.WrongSignature),
		partner:   n.s.dice.chance(faults.ForeignPartner),
		probe:     a.Protocol == V3 && n.s.dice.chance(faults.Probe),
	}
	attempt := NotifyAttempt{
		Merchant:    a.Name,
		OutTradeNo:  number,
		OutRefundNo: refund,
		Attempt:     d.attempts,
		Wrong:       told.String(),
	}
	begun := n.s.cfg.Now()
	attempt.Status, attempt.Body, attempt.Err = n.post(d.news, told)
	attempt.Took = n.s.cfg.Now().Sub(begun)
	attempt.Heard = attempt.Err == nil && a.protocol.heard(attempt.Status, []byte(attempt.Body))
	return attempt
}

func (n *notifier) post(about news, told lies) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(n.ctx, n.s.cfg.NotifyTimeout)
	defer cancel()
	_, number, _ := about.about()
	request, err := about.spell(ctx, told)
	if err != nil {
		return 0, "", fmt.Errorf("spell notify of order %s: %w", number, withoutURL(err))
	}
	response, err := n.client.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("send notify of order %s: %w", number, withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return 0, "", fmt.Errorf("read answer to notify of order %s: %w", number, err)
	}
	return response.StatusCode, string(answer), nil
}

// withoutURL takes the URL out of an error, because its query tells of the payment.
func withoutURL(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}

// String lists what is wrong; "" for nothing.
func (l lies) String() string {
	var wrong []string
	for _, lie := range []struct {
		told  bool
		about string
	}{{l.amount, "amount"}, {l.signature, "signature"}, {l.partner, "partner"}, {l.probe, "probe"}} {
		if lie.told {
			wrong = append(wrong, lie.about)
		}
	}
	return strings.Join(wrong, ",")
}
