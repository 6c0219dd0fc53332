package simulator_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"settled/wechat/simulator"
)

func TestV2LogTellsNoSecret(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := openV2(t, func(c *simulator.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.HTTP.Transport = hears("fail")
		c.NotifySchedule = []time.Duration{}
	})
	s.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{RefundAtOnce: 1}})
	wrong := s.order("A00002", simulator.APP)
	wrong["sign"] = "0" + s.signature(wrong)
	s.send("/pay/unifiedorder", document(wrong))
	s.post("/pay/orderquery", s.asking("out_trade_no", "A00002"))
	receipt := s.paid("A00001")
	s.attempt()
	s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))
	s.attempt()
	s.wechat.Close()
	for _, want := range []string{"签名错误", "ORDERNOTEXIST", "order paid", "notify given up", "out_refund_no=R1"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("nothing is said of %q", want)
		}
	}
	for _, secret := range []string{s.APIKey, wrong["sign"], receipt.OpenID, "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}
