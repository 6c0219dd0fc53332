package wechat_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled"
	"settled/wechat"
)

// sample reads a published example of the protocol.
func sample(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("legacy", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

func TestNotifyBelievesWhatIsSigned(t *testing.T) {
	t.Parallel()
	want := settled.Trade{
		Paid: true, OrderID: "843254536943809900", TransactionID: "1900000109201306060282555397",
		Amount: settled.Money{Total: 1, Currency: settled.CNY}, PaidAt: time.Date(2013, 6, 5, 17, 53, 31, 0, time.UTC),
		OpenID: "111222", BankType: "0",
	}
	ofPartner, ofApp := want, want
	ofPartner.Foreign = `partner "1900000109" is not 1900000110`
	ofApp.Foreign = `app "wxd930ea5d5a258f4f" is not wxf8b4f85f3a794e77`
	for name, test := range map[string]struct {
		change func(*wechat.LegacyConfig)
		want   settled.Trade
	}{
		"ours":               {func(*wechat.LegacyConfig) {}, want},
		"another merchant's": {func(cfg *wechat.LegacyConfig) { cfg.PartnerID = "1900000110" }, ofPartner},
		"another app's":      {func(cfg *wechat.LegacyConfig) { cfg.AppID = "wxf8b4f85f3a794e77" }, ofApp},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, cut, test.change)
			got, err := b.gateway.Notify(t.Context(), settled.Notify{
				Method: "POST", Query: sample(t, "notify_query.txt"), Body: []byte(sample(t, "notify_body.xml")),
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(settled.News{Trade: &test.want}, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNotifyIsUnverifiedIfAnythingIsWrong(t *testing.T) {
	t.Parallel()
	query, body := sample(t, "notify_query.txt"), sample(t, "notify_body.xml")
	for name, n := range map[string]settled.Notify{
		"nothing":         {},
		"another amount":  {Query: strings.Replace(query, "total_fee=1", "total_fee=2", 1), Body: []byte(body)},
		"another payer":   {Query: query, Body: []byte(strings.Replace(body, "111222", "111223", 1))},
		"no body":         {Query: query},
		"an amount twice": {Query: query + "&total_fee=1", Body: []byte(body)},
		"a DTD":           {Query: query, Body: []byte(`<!DOCTYPE xml []>` + body)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, cut)
			if got, err := b.gateway.Notify(t.Context(), n); !errors.Is(err, settled.ErrUnverified) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAnswerIsTheProtocolsOwnWord(t *testing.T) {
	t.Parallel()
	for acknowledgement, want := range map[settled.Acknowledgement]string{
		settled.Success: "success", settled.Unverified: "fail", settled.Busy: "fail",
	} {
		t.Run(string(acknowledgement), func(t *testing.T) {
			t.Parallel()
			got := open(t, cut).gateway.Answer(acknowledgement)
			if diff := cmp.Diff(settled.Answer{Status: 200, ContentType: "text/plain", Body: []byte(want)}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
