package wechat

import (
	"context"
	"fmt"
	"net/http"

	"settled"
	"settled/wechat/v2"
)

// Notify reads a notify of a payment, which it verifies by its signature, or of a refund,
// which nothing but our key to its encryption speaks for.
func (g *V2) Notify(_ context.Context, n settled.Notify) (settled.News, error) {
	read := g.readPayment
	if v2.OfRefund(n.Body) {
		read = g.readRepayment
	}
	news, err := read(n.Body)
	if err != nil {
		return settled.News{}, fmt.Errorf("%w: %w", settled.ErrUnverified, err)
	}
	return news, nil
}

func (g *V2) readPayment(body []byte) (settled.News, error) {
	told, err := g.credentials.ReadNotify(body)
	if err != nil {
		return settled.News{}, err
	}
	trade := g.trade(told)
	return settled.News{Trade: &trade}, nil
}

func (g *V2) readRepayment(body []byte) (settled.News, error) {
	told, err := g.credentials.ReadRefundNotify(body)
	if err != nil {
		return settled.News{}, err
	}
	repayment := g.repaymentOf(told)
	repayment.Unproven = true
	return settled.News{Repayment: &repayment}, nil
}

// v2Failures are what WeChat is told of what is not success.
var v2Failures = map[settled.Acknowledgement]string{
	settled.Unverified: "not verified",
	settled.Busy:       "try again",
}

// Answer is success, to the letter, or a failure that makes WeChat send the notify again.
func (g *V2) Answer(a settled.Acknowledgement) settled.Answer {
	body := v2.Success
	if a != settled.Success {
		body = v2.Failure(v2Failures[a])
	}
	return settled.Answer{Status: http.StatusOK, ContentType: "text/xml", Body: []byte(body)}
}
