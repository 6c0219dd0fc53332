package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/wechat"
)

// keyed is a gateway that is known by its key, and verifies nothing but what bears it.
type keyed struct {
	settled.Gateway
	key     string
	entered chan struct{}
	leave   chan struct{}
}

func (k *keyed) Notify(n settled.Notify) (settled.News, error) {
	if n.Query != k.key {
		return settled.News{}, fmt.Errorf("%w: by %s", settled.ErrUnverified, k.key)
	}
	return settled.News{Type: "read by " + k.key}, nil
}

func (k *keyed) Answer(settled.Acknowledgement) settled.Answer {
	return settled.Answer{Status: http.StatusOK, ContentType: k.key}
}

func (k *keyed) PrepayRequest(settled.Payment) ([]byte, error) { return []byte(k.key), nil }

func (k *keyed) Prepay(context.Context, settled.Payment) (settled.Prepared, error) {
	k.entered <- struct{}{}
	<-k.leave
	return settled.Prepared{PrepayID: k.key}, nil
}

func (k *keyed) Query(context.Context, settled.Payment) (settled.Trade, error) {
	return settled.Trade{OrderID: k.key}, nil
}
func (k *keyed) Close(context.Context, settled.Payment) error       { return errors.New(k.key) }
func (k *keyed) Acknowledge(context.Context, settled.Payment) error { return errors.New(k.key) }
func (k *keyed) Acknowledges() bool                                 { return k.key == "b" }

func (k *keyed) RefundRequest(settled.Payment, settled.Refund) ([]byte, error) {
	return []byte(k.key), nil
}

func (k *keyed) Refund(context.Context, settled.Refund) (settled.Repayment, error) {
	return settled.Repayment{RefundID: k.key}, nil
}

func (k *keyed) QueryRefund(context.Context, settled.Refund) (settled.Repayment, error) {
	return settled.Repayment{RefundID: k.key}, nil
}

func TestASwitchHandsEverythingToTheCurrentGateway(t *testing.T) {
	t.Parallel()
	s := wechat.NewSwitch(&keyed{key: "a"})
	s.Replace(&keyed{key: "b", entered: make(chan struct{}, 1), leave: closed()}, true)
	ctx, p, r := t.Context(), settled.Payment{}, settled.Refund{}
	written, _ := s.PrepayRequest(p)
	prepared, _ := s.Prepay(ctx, p)
	trade, _ := s.Query(ctx, p)
	refundWritten, _ := s.RefundRequest(p, r)
	refunded, _ := s.Refund(ctx, r)
	told, _ := s.QueryRefund(ctx, r)
	for what, by := range map[string]string{
		"PrepayRequest": string(written), "Prepay": prepared.PrepayID, "Query": trade.OrderID,
		"Close": s.Close(ctx, p).Error(), "Acknowledge": s.Acknowledge(ctx, p).Error(),
		"RefundRequest": string(refundWritten), "Refund": refunded.RefundID, "QueryRefund": told.RefundID,
		"Answer": s.Answer(settled.Success).ContentType,
	} {
		if by != "b" {
			t.Errorf("%s was called on %s", what, by)
		}
	}
	if !s.Acknowledges() {
		t.Error("Acknowledges was called on a")
	}
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestACallEndsOnTheGatewayOnWhichItBegan(t *testing.T) {
	t.Parallel()
	before := &keyed{key: "a", entered: make(chan struct{}), leave: make(chan struct{})}
	s := wechat.NewSwitch(before)
	prepared := make(chan settled.Prepared)
	go func() {
		p, _ := s.Prepay(t.Context(), settled.Payment{})
		prepared <- p
	}()
	<-before.entered
	s.Replace(&keyed{key: "b"}, false)
	if body, _ := s.PrepayRequest(settled.Payment{}); string(body) != "b" {
		t.Errorf("written by %s", body)
	}
	close(before.leave)
	if p := <-prepared; p.PrepayID != "a" {
		t.Errorf("prepared by %s", p.PrepayID)
	}
}

func TestNotifiesAreVerifiedByTheGatewaysThatWereKept(t *testing.T) {
	t.Parallel()
	s := wechat.NewSwitch(&keyed{key: "a"})
	for _, next := range []struct {
		key  string
		keep bool
	}{{"b", true}, {"c", false}, {"d", true}, {"e", true}, {"f", true}, {"g", true}} {
		s.Replace(&keyed{key: next.key}, next.keep)
	}
	var verify []string
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		news, err := s.Notify(settled.Notify{Query: key})
		switch {
		case err == nil:
			verify = append(verify, news.Type)
		case !errors.Is(err, settled.ErrUnverified) || err.Error() != "not verified: by g" || news != settled.News{}:
			t.Errorf("%s: got %v, %v", key, news, err)
		}
	}
	// b was not kept; a was the fifth.
	want := []string{"read by c", "read by d", "read by e", "read by f", "read by g"}
	if diff := cmp.Diff(want, verify); diff != "" {
		t.Error(diff)
	}
}

func TestKeysAreReplacedWhileNotifiesComeIn(t *testing.T) {
	t.Parallel()
	s := wechat.NewSwitch(&keyed{key: "a"})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 200 {
				if _, err := s.Notify(settled.Notify{Query: "a"}); err != nil {
					t.Error(err)
				}
			}
		})
		wait.Go(func() { s.Replace(&keyed{key: "b"}, true) })
	}
	wait.Wait()
}
