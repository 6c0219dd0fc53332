package simulator_test

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settled/wechat/simulator"
)

func TestPay(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	receipt := s.pay(s.order("A1"))
	want := simulator.Receipt{
		AppID: s.AppID, OutTradeNo: "A1", TotalFee: 1999, PaidAt: opening,
		TransactionID: receipt.TransactionID, OpenID: receipt.OpenID,
	}
	if receipt != want {
		t.Errorf("receipt is %+v, want %+v", receipt, want)
	}
	if !regexp.MustCompile(`^190000010920140508[0-9]{10}$`).MatchString(receipt.TransactionID) {
		t.Errorf("transaction id is %q", receipt.TransactionID)
	}
	if !regexp.MustCompile(`^o[0-9A-Za-z_-]{27}$`).MatchString(receipt.OpenID) {
		t.Errorf("openid is %q", receipt.OpenID)
	}
	if o := s.look("A1"); o.State != simulator.Paid || o.Charges != 1 || o.TransactionID != receipt.TransactionID {
		t.Errorf("order is %+v", o)
	}
}

func TestPayIsDeclinedForItsClient(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		edit   func(map[string]string)
		resign bool
		want   string
	}{
		{"with no field", func(c map[string]string) { clear(c) }, false, "the prepay id is unknown"},
		{"with a prepay id that nobody gave", put("prepayid", "11010000001405080000000000000000"), true, "the prepay id is unknown"},
		{"without noncestr", drop("noncestr"), true, fieldsMustBe("appid package partnerid prepayid sign timestamp")},
		{"with appkey", put("appkey", demo.PaySignKey), false, fieldsMustBe("appid appkey noncestr package partnerid prepayid sign timestamp")},
		{"by another app", put("appid", other.AppID), true, "the prepay id is not this app's"},
		{"with another partner", put("partnerid", other.PartnerID), true, "the prepay id is not this partner's"},
		{"with the literal in other letters", put("package", "Sign=WXpay"), true, "package must be Sign=WXPay"},
		{"with an empty noncestr", put("noncestr", ""), true, "noncestr must have 1 to 32 bytes"},
		{"with milliseconds", put("timestamp", "1399514976000"), true, "timestamp must be Unix time in seconds"},
		{"with another time than was signed", put("timestamp", "1399514977"), false, "not match signature"},
		{"with a wrong sign", put("sign", "0"), false, "not match signature"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			client := s.client(s.prepay(s.order("A1")))
			row.edit(client)
			if row.resign {
				values := maps.Clone(client)
				delete(values, "sign")
				values["appkey"] = s.PaySignKey
				client["sign"] = s.sha1(values)
			}
			_, err := s.wechat.Pay(t.Context(), client)
			declined(t, err, row.want)
			if o := s.look("A1"); o.Charges != 0 || o.State != simulator.Unpaid {
				t.Errorf("order is %+v", o)
			}
		})
	}
}

func TestPayIsDeclinedForItsOrder(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		edit    func(map[string]string)
		then    func(s *shop, client map[string]string)
		want    string
		charges int
	}{
		{"when it is paid", nil, func(s *shop, client map[string]string) {
			if _, err := s.wechat.Pay(s.t.Context(), client); err != nil {
				s.t.Error(err)
			}
		}, "the order is paid already", 1},
		{"when the prepay id has lived", nil, func(s *shop, _ map[string]string) { s.clock.advance(2 * time.Hour) },
			"the prepay id has expired", 0},
		{"when time_expire has passed", put("time_expire", "20140508123000"),
			func(s *shop, _ map[string]string) { s.clock.advance(30 * time.Minute) }, "time_expire has passed", 0},
		{"when another prepay id has taken its place", nil, func(s *shop, _ map[string]string) {
			s.clock.advance(2 * time.Hour)
			s.prepay(s.order("A1"))
		}, "the prepay id is unknown", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			order := s.order("A1")
			if row.edit != nil {
				row.edit(order)
			}
			client := s.client(s.prepay(order))
			row.then(s, client)
			_, err := s.wechat.Pay(t.Context(), client)
			declined(t, err, row.want)
			if o := s.look("A1"); o.Charges != row.charges {
				t.Errorf("charged %d times, want %d", o.Charges, row.charges)
			}
		})
	}
}

func TestPayInTimeIsTaken(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	order := s.order("A1")
	order["time_expire"] = "20140508123000"
	client := s.client(s.prepay(order))
	s.clock.advance(30*time.Minute - time.Second)
	if _, err := s.wechat.Pay(t.Context(), client); err != nil {
		t.Error(err)
	}
}

func TestExpiredOrderIsShownAsSuch(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	order := s.order("A1")
	order["time_expire"] = "20140508123000"
	s.prepay(order)
	s.clock.advance(30 * time.Minute)
	if got := s.look("A1").State; got != simulator.Expired {
		t.Errorf("state is %s", got)
	}
}

func TestOrderIsPaidOnceHoweverManyPay(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	client := s.client(s.prepay(s.order("A1")))
	var paid atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := s.wechat.Pay(t.Context(), client); err == nil {
				paid.Add(1)
			}
		})
	}
	group.Wait()
	if paid.Load() != 1 || s.look("A1").Charges != 1 {
		t.Errorf("%d paid, charged %d times", paid.Load(), s.look("A1").Charges)
	}
	if stats := s.wechat.Stats(); stats.Paid != 1 || stats.ChargedTwice != 0 {
		t.Errorf("stats are %+v", stats)
	}
}

func TestPrepayGivesOneIDHoweverManyAsk(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	path, body := "/pay/genprepay?access_token="+s.token(), s.prepayWith(nil, nil)
	ids := make(chan any, 50)
	var group sync.WaitGroup
	for range cap(ids) {
		group.Go(func() { ids <- s.post(path, body)["prepayid"] })
	}
	group.Wait()
	first := <-ids
	for range cap(ids) - 1 {
		if id := <-ids; id != first || id == nil {
			t.Errorf("one got %v, another %v", first, id)
		}
	}
}

func TestPayOrder(t *testing.T) {
	t.Parallel()
	for _, merchant := range []string{"", demo.Name, demo.AppID, demo.PartnerID} {
		t.Run("of "+merchant, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.prepay(s.order("A1"))
			if _, err := s.wechat.PayOrder(t.Context(), merchant, "A1"); err != nil {
				t.Error(err)
			}
		})
	}
	for _, merchant := range []string{"nobody", other.Name} {
		t.Run("not of "+merchant, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.prepay(s.order("A1"))
			if _, err := s.wechat.PayOrder(t.Context(), merchant, "A1"); !errors.Is(err, simulator.ErrUnknownOrder) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestCustomerWhoIsGonePaysNothing(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	client := s.client(s.prepay(s.order("A1")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.wechat.Pay(ctx, client); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if s.look("A1").Charges != 0 {
		t.Error("charged")
	}
}

func declined(t *testing.T, err error, want string) {
	t.Helper()
	var d *simulator.Declined
	if !errors.As(err, &d) {
		t.Fatalf("error is %v, want it declined", err)
	}
	if d.Reason != want {
		t.Errorf("declined because %q, want %q", d.Reason, want)
	}
}

func fieldsMustBe(given string) string {
	return "the fields must be [appid noncestr package partnerid prepayid sign timestamp], are [" + given + "]"
}
