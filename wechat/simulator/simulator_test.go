package simulator_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"settled/wechat/simulator"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		edit func(*simulator.Config)
	}{
		{"no clock", func(c *simulator.Config) { c.Now = nil }},
		{"no merchant", func(c *simulator.Config) { c.Merchants = nil }},
		{"a protocol that it does not speak", func(c *simulator.Config) { c.Merchants[0].Protocol = "v4" }},
		{"no app id", func(c *simulator.Config) { c.Merchants[0].AppID = "" }},
		{"no app secret", func(c *simulator.Config) { c.Merchants[0].AppSecret = "" }},
		{"no pay sign key", func(c *simulator.Config) { c.Merchants[0].PaySignKey = "" }},
		{"no partner key", func(c *simulator.Config) { c.Merchants[0].PartnerKey = "" }},
		{"a partner id of nine digits", func(c *simulator.Config) { c.Merchants[0].PartnerID = "190000010" }},
		{"a negative quota", func(c *simulator.Config) { c.Merchants[0].TokenDailyQuota = -1 }},
		{"a refund before it is asked for", func(c *simulator.Config) { c.RefundAfter = -1 }},
		{"one app twice", func(c *simulator.Config) { c.Merchants[1].AppID = c.Merchants[0].AppID }},
		{"one partner twice", func(c *simulator.Config) { c.Merchants[1].PartnerID = c.Merchants[0].PartnerID }},
		{"one name twice", func(c *simulator.Config) { c.Merchants[1].Name = c.Merchants[0].Name }},
		{"APIv2 without an app id", func(c *simulator.Config) { c.Merchants[2].AppID = "" }},
		{"an mch id of seven digits", func(c *simulator.Config) { c.Merchants[2].MchID = "1000010" }},
		{"an api key of 31", func(c *simulator.Config) { c.Merchants[2].APIKey = c.Merchants[2].APIKey[1:] }},
		{"a sign type that is not", func(c *simulator.Config) { c.Merchants[2].SignType = "SHA1" }},
		{"a serial in lowercase", func(c *simulator.Config) { c.Merchants[2].CertificateSerial = "5a1d" }},
		{"one mch id twice", func(c *simulator.Config) { c.Merchants[3].MchID = c.Merchants[2].MchID }},
		{"a token that never lives", func(c *simulator.Config) { c.TokenLife = -1 }},
		{"a negative compression", func(c *simulator.Config) { c.Compress = -1 }},
		{"more errors without a signature than there are", func(c *simulator.Config) { c.UnsignedErrors = 1.1 }},
		{"no randomness", func(c *simulator.Config) { c.Random = strings.NewReader("too short") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := simulator.Config{Merchants: []simulator.Merchant{demo, other, published, careful}, Now: time.Now}
			row.edit(&cfg)
			if s, err := simulator.New(cfg); err == nil {
				s.Close()
				t.Error("taken")
			}
		})
	}
}

func TestNewNeedsLittle(t *testing.T) {
	t.Parallel()
	merchants := []simulator.Merchant{demo}
	s, err := simulator.New(simulator.Config{Merchants: merchants, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if merchants[0] != demo {
		t.Error("the caller's merchants were changed")
	}
}

func TestLogTellsNoSecret(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := open(t, func(c *simulator.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.HTTP.Transport = hears("fail")
		c.NotifySchedule = []time.Duration{}
	})
	s.get("/cgi-bin/token?grant_type=client_credential&appid=" + s.AppID + "&secret=wrong" + s.AppSecret)
	token := s.token()
	s.post("/pay/genprepay?access_token="+token, s.prepayWith(nil, set("appkey", s.PaySignKey)))
	s.post("/pay/genprepay?access_token="+token, s.prepayWith(put("partner", "0"), nil))
	receipt := s.pay(s.order("A1"))
	s.attempt()
	s.wechat.Close()
	for _, want := range []string{"call refused", "order paid", "notify given up"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("nothing is said of %q", want)
		}
	}
	for _, secret := range []string{s.AppSecret, s.PaySignKey, s.PartnerKey, token, receipt.OpenID, "sign="} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}
