package wechat

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"settled"
	v3 "settled/wechat/v3"
)

// notifyPatience bounds how long a notify waits for platform certificates that are not at
// hand. WeChat waits for its answer for five seconds.
const notifyPatience = 3 * time.Second

// Notify verifies a notify by its signature, decrypts it and reads it.
func (g *V3) Notify(ctx context.Context, n settled.Notify) (settled.News, error) {
	news, err := g.readNotify(ctx, n)
	if err != nil {
		return settled.News{}, fmt.Errorf("%w: %w", settled.ErrUnverified, err)
	}
	return news, nil
}

func (g *V3) readNotify(ctx context.Context, n settled.Notify) (settled.News, error) {
	ctx, cancel := context.WithTimeout(ctx, notifyPatience)
	defer cancel()
	at := n.ReceivedAt
	if at.IsZero() {
		at = g.now()
	}
	keyID, err := g.keys.verify(ctx, func(ring v3.Keyring) (string, error) { return ring.Verify(n.Header, n.Body, at) })
	if err != nil {
		return settled.News{}, err
	}
	g.verified(keyID, "notify")
	envelope, err := v3.ReadEnvelope(n.Body)
	if err != nil {
		return settled.News{}, err
	}
	told, err := envelope.Open(g.credentials.APIV3Key)
	if err != nil {
		return settled.News{}, err
	}
	return g.news(envelope.Type, told), nil
}

func (g *V3) news(kind string, told v3.Notify) settled.News {
	news := settled.News{Type: kind}
	if told.Trade != nil {
		trade := g.trade(*told.Trade)
		news.Trade = &trade
	}
	if told.Repayment != nil {
		repayment := repaymentOfV3(*told.Repayment)
		repayment.Foreign = foreign("merchant", told.Repayment.MchID, g.credentials.MchID)
		news.Repayment = &repayment
	}
	return news
}

// failures are the statuses of what is not success, with what WeChat is told.
var failures = map[settled.Acknowledgement]struct {
	status  int
	message string
}{
	settled.Unverified: {http.StatusUnauthorized, "not verified"},
	settled.Busy:       {http.StatusServiceUnavailable, "try again"},
}

// Answer is an empty 204, or a failure that makes WeChat send the notify again.
func (g *V3) Answer(a settled.Acknowledgement) settled.Answer {
	if a == settled.Success {
		return settled.Answer{Status: v3.SuccessStatus}
	}
	failure := failures[a]
	return settled.Answer{
		Status: cmp.Or(failure.status, http.StatusServiceUnavailable), ContentType: "application/json", Body: v3.Failure(failure.message),
	}
}
