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
	broken  error            // of every notify, if there is one
	asked   func(key string) // hears of every notify; may be nil
	entered chan<- struct{}  // hears of every prepay; may be nil
	leave   <-chan struct{}  // lets prepays end
}

func (k *keyed) Notify(_ context.Context, n settled.Notify) (settled.News, error) {
	if k.asked != nil {
		k.asked(k.key)
	}
	if k.broken != nil {
		return settled.News{}, k.broken
	}
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
	if k.entered != nil {
		k.entered <- struct{}{}
		<-k.leave
	}
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
	s.Replace(&keyed{key: "b"}, true)
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

func TestACallEndsOnTheGatewayOnWhichItBegan(t *testing.T) {
	t.Parallel()
	entered, leave, prepared := make(chan struct{}), make(chan struct{}), make(chan settled.Prepared)
	s := wechat.NewSwitch(&keyed{key: "a", entered: entered, leave: leave})
	go func() {
		p, _ := s.Prepay(t.Context(), settled.Payment{})
		prepared <- p
	}()
	<-entered
	s.Replace(&keyed{key: "b"}, false)
	if body, _ := s.PrepayRequest(settled.Payment{}); string(body) != "b" {
		t.Errorf("written by %s", body)
	}
	close(leave)
	if p := <-prepared; p.PrepayID != "a" {
		t.Errorf("prepared by %s", p.PrepayID)
	}
}

// verifies lists whose notifies a switch takes, of a to g.
func verifies(t *testing.T, s *wechat.Switch) (by string) {
	t.Helper()
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		news, err := s.Notify(t.Context(), settled.Notify{Query: key})
		switch {
		case err == nil && news.Type == "read by "+key:
			by += key
		case !errors.Is(err, settled.ErrUnverified) || news != settled.News{}:
			t.Errorf("%s: got %v, %v", key, news, err)
		}
	}
	return by
}

func TestFormerKeysVerifyAsLongAsTheyAreKept(t *testing.T) {
	t.Parallel()
	s := wechat.NewSwitch(&keyed{key: "b"}, &keyed{key: "a"})
	for _, step := range []struct {
		what string
		do   func()
		want string
	}{
		{"from the beginning", func() {}, "ab"},
		{"kept", func() { s.Replace(&keyed{key: "c"}, true) }, "abc"},
		{"named and kept", func() { s.Replace(&keyed{key: "e"}, true, &keyed{key: "d"}) }, "abcde"},
		{"not kept", func() { s.Replace(&keyed{key: "f"}, false) }, "f"},
		{"named alone", func() { s.Replace(&keyed{key: "g"}, false, &keyed{key: "a"}) }, "ag"},
	} {
		step.do()
		if got := verifies(t, s); got != step.want {
			t.Errorf("%s: %s verify, want %s", step.what, got, step.want)
		}
	}
}

func TestFormerKeysAreBounded(t *testing.T) {
	t.Parallel()
	s := wechat.NewSwitch(&keyed{key: "a"})
	for _, key := range []string{"b", "c", "d", "e", "f", "g"} {
		s.Replace(&keyed{key: key}, true)
	}
	if got, want := verifies(t, s), "cdefg"; got != want {
		t.Errorf("%s verify, want the present and the last four: %s", got, want)
	}
	var named []settled.Notifies
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		named = append(named, &keyed{key: key})
	}
	s.Replace(&keyed{key: "g"}, true, named...)
	if got, want := verifies(t, s), "abcdefg"; got != want {
		t.Errorf("%s verify, want all that were named: %s", got, want)
	}
}

func TestANotifyIsShownToTheNewestKeysFirst(t *testing.T) {
	t.Parallel()
	elsewhere := errors.New("something else went wrong")
	for name, test := range map[string]struct {
		query  string
		broken error // of the newest
		asked  []string
		heard  []bool // from a former key
		err    error
	}{
		"the newest verifies":     {"c", nil, []string{"c"}, []bool{false}, nil},
		"a former one verifies":   {"a", nil, []string{"c", "b", "a"}, []bool{true}, nil},
		"nobody verifies":         {"x", nil, []string{"c", "b", "a"}, nil, settled.ErrUnverified},
		"the newest fails anyhow": {"a", elsewhere, []string{"c"}, nil, elsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			var heard []bool
			ask := func(key string) { asked = append(asked, key) }
			s := wechat.NewSwitch(&keyed{key: "a", asked: ask})
			s.Verified = func(former bool) { heard = append(heard, former) }
			s.Replace(&keyed{key: "b", asked: ask}, true)
			s.Replace(&keyed{key: "c", asked: ask, broken: test.broken}, true)
			_, err := s.Notify(t.Context(), settled.Notify{Query: test.query})
			if !errors.Is(err, test.err) {
				t.Errorf("got %v", err)
			}
			if test.query == "x" && err.Error() != "not verified: by c" {
				t.Errorf("the reason is not the newest's: %v", err)
			}
			if diff := cmp.Diff(test.asked, asked); diff != "" {
				t.Errorf("asked: %s", diff)
			}
			if diff := cmp.Diff(test.heard, heard); diff != "" {
				t.Errorf("heard: %s", diff)
			}
		})
	}
}

func TestKeysAreReplacedWhileNotifiesComeIn(t *testing.T) {
	t.Parallel()
	s := wechat.NewSwitch(&keyed{key: "a"})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 200 {
				if _, err := s.Notify(t.Context(), settled.Notify{Query: "a"}); err != nil {
					t.Error(err)
				}
			}
		})
		wait.Go(func() { s.Replace(&keyed{key: "b"}, true) })
	}
	wait.Wait()
	if got := verifies(t, s); got != "ab" {
		t.Errorf("%s verify", got)
	}
}

func TestTheKeysOfASwitchAreItsOwn(t *testing.T) {
	t.Parallel()
	former := []settled.Notifies{&keyed{key: "a"}}
	s := wechat.NewSwitch(&keyed{key: "b"}, former...)
	former[0] = &keyed{key: "c"}
	if got := verifies(t, s); got != "ab" {
		t.Errorf("%s verify", got)
	}
}
