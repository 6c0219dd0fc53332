package simulator_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"settled/wechat/simulator"
)

// BenchmarkPayment is one order placed, paid, and its notify heard over a socket, with the
// shop's half of the work in it.
func BenchmarkPayment(b *testing.B) {
	ingress := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "success")
	}))
	defer ingress.Close()
	heard := make(chan struct{}, 1<<16)
	s := open(b, func(c *simulator.Config) {
		c.HTTP = nil
		c.OnNotify = func(simulator.NotifyAttempt) { heard <- struct{}{} }
	})
	path := "/pay/genprepay?access_token=" + s.token()
	var number atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			order := s.order(fmt.Sprint(number.Add(1)))
			order["notify_url"] = ingress.URL
			answer := s.post(path, s.sign(s.prepayBody(s.pack(order))))
			id, _ := answer["prepayid"].(string)
			if _, err := s.wechat.Pay(b.Context(), s.client(id)); err != nil {
				b.Error(err)
			}
			<-heard
		}
	})
	b.StopTimer()
	if stats := s.wechat.Stats(); stats.NotifiesAcknowledged != stats.Orders || stats.ChargedTwice != 0 {
		b.Errorf("stats are %+v", stats)
	}
}
