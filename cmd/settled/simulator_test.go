package main

import (
	"slices"
	"testing"
	"time"

	"settled/cmd/settled/config"
	"settled/wechat/simulator"
)

func TestSimulatorKnowsTheConfiguredMerchants(t *testing.T) {
	t.Parallel()
	got, err := simulated(&config.Config{Merchants: map[string]config.Merchant{
		"xml": {AppID: "wx2", V2: &config.V2{
			MchID: "1900000309", APIKey: config.NewSecret("0123456789abcdef0123456789abcdef"), SignType: "HMAC-SHA256",
		}},
		"classic": {AppID: "wx1", Legacy: &config.Legacy{
			AppSecret: config.NewSecret("a"), PaySignKey: config.NewSecret("b"), PartnerKey: config.NewSecret("c"),
			PartnerID: "1900000109", TokenDailyQuota: 7,
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []simulator.Merchant{
		{
			Name: "classic", Protocol: simulator.Legacy, AppID: "wx1", AppSecret: "a", PaySignKey: "b", PartnerKey: "c",
			PartnerID: "1900000109", TokenDailyQuota: 7,
		},
		{
			Name: "xml", Protocol: simulator.V2, AppID: "wx2", MchID: "1900000309",
			APIKey: "0123456789abcdef0123456789abcdef", SignType: simulator.HMACSHA256,
		},
	}
	if !slices.Equal(got, want) {
		t.Errorf("merchants are %+v, want %+v", got, want)
	}
}

func TestSimulatorKnowsTheDocumentedMerchants(t *testing.T) {
	t.Parallel()
	wechat, err := simulator.New(simulator.Config{Merchants: documentedMerchants, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	wechat.Close()
}
