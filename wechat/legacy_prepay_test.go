package wechat_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/wechat"
)

func TestPrepayRequestIsMadeOfThePaymentAlone(t *testing.T) {
	t.Parallel()
	b := open(t, answer(`{}`))
	body, err := b.gateway.PrepayRequest(payment())
	if err != nil {
		t.Fatal(err)
	}
	var request map[string]any
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	parameters, err := url.ParseQuery(request["package"].(string))
	if err != nil {
		t.Fatal(err)
	}
	delete(request, "package")
	delete(request, "app_signature") // held against the published examples where it is made
	parameters.Del("sign")
	wantRequest := map[string]any{
		"appid": appID, "traceid": "20140508000017", "noncestr": nonce, "timestamp": float64(1399514976), "sign_method": "sha1",
	}
	if diff := cmp.Diff(wantRequest, request); diff != "" {
		t.Error(diff)
	}
	wantParameters := url.Values{
		"bank_type": {"WX"}, "body": {"One pot of tea"}, "attach": {"cart 77"}, "fee_type": {"1"}, "input_charset": {"UTF-8"},
		"notify_url": {"https://pay.example.com/notify/classic"}, "out_trade_no": {"20140508000017"}, "partner": {partnerID},
		"spbill_create_ip": {"203.0.113.7"}, "time_start": {"20140508100936"}, "time_expire": {"20140508103936"}, "total_fee": {"1999"},
	}
	if diff := cmp.Diff(wantParameters, parameters); diff != "" {
		t.Error(diff)
	}
	if len(b.got()) != 0 {
		t.Error("it made a call")
	}
}

func TestPrepayRequestOfAPaymentThatIsJustBeingMadeStartsNow(t *testing.T) {
	t.Parallel()
	b := open(t, answer(`{}`))
	created, err := b.gateway.PrepayRequest(payment())
	if err != nil {
		t.Fatal(err)
	}
	p := payment()
	p.CreatedAt = time.Time{}
	unborn, err := b.gateway.PrepayRequest(p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(created), string(unborn)); diff != "" {
		t.Error(diff)
	}
}

func TestPrepaySendsWhatIsStoredAndSignsTheAnswerForTheApp(t *testing.T) {
	t.Parallel()
	b := open(t, answer(`{"prepayid":"1101000000140429eb40476f8896f4c9","errcode":0,"errmsg":"Success"}`))
	got, err := b.gateway.Prepay(t.Context(), payment())
	if err != nil {
		t.Fatal(err)
	}
	want := settled.Prepared{PrepayID: "1101000000140429eb40476f8896f4c9", Client: map[string]string{
		"appid": appID, "partnerid": partnerID, "prepayid": "1101000000140429eb40476f8896f4c9",
		"package": "Sign=WXPay", "noncestr": nonce, "timestamp": "1399514976",
		"sign": got.Client["sign"], // held against the published examples where it is made
	}}
	if diff := cmp.Diff(want, got); diff != "" || len(got.Client["sign"]) != 40 {
		t.Error(diff)
	}
	wantRequests := []received{{"POST", "/pay/genprepay", "access_token=token-1", `{"stored":"as it is & was"}`}}
	if diff := cmp.Diff(wantRequests, b.got()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"genprepay done 0"}, b.observed); diff != "" {
		t.Error(diff)
	}
}

func TestPrepayFailsForGoodOnlyByWeChatsOwnWord(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		want   error
	}{
		"a number used before":  {`{"errcode":201,"errmsg":"duplicate"}`, &settled.Refusal{Code: "201", Message: "duplicate"}},
		"a code of later years": {`{"errcode":89999,"errmsg":"no"}`, &settled.Refusal{Code: "89999", Message: "no"}},
		"a long word":           {`{"errcode":201,"errmsg":"` + strings.Repeat("错", 1000) + `"}`, &settled.Refusal{Code: "201", Message: strings.Repeat("错", 85)}},
		"busy":                  {`{"errcode":-1,"errmsg":"system error"}`, &settled.Unknown{Code: "-1"}},
		"too often":             {`{"errcode":45011,"errmsg":"slower"}`, &settled.Unknown{Code: "45011", After: time.Minute}},
		"the day's quota":       {`{"errcode":45009,"errmsg":"quota"}`, &settled.Unknown{Code: "45009", After: 10 * time.Minute}},
		"a wrong key":           {`{"errcode":268500741,"errmsg":"not match signature"}`, &settled.Refusal{Code: "268500741", Message: "not match signature"}},
		"no prepayid":           {`{"errcode":0,"errmsg":"ok"}`, &settled.Unknown{Code: "unreadable"}},
		"HTML":                  {`<html>`, &settled.Unknown{Code: "unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, answer(test.answer))
			got, err := b.gateway.Prepay(t.Context(), payment())
			wantFailure(t, err, test.want)
			if diff := cmp.Diff(settled.Prepared{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPrepayDrawsItsNonceBeforeItCalls(t *testing.T) {
	t.Parallel()
	b := open(t, answer(`{}`), func(cfg *wechat.LegacyConfig) { cfg.Random = dry{} })
	_, err := b.gateway.Prepay(t.Context(), payment())
	wantFailure(t, err, &settled.Unknown{Code: "unwritable"})
	if _, err := b.gateway.PrepayRequest(payment()); err == nil {
		t.Error("wrote a request without a nonce")
	}
	if len(b.got()) != 0 {
		t.Error("it made a call")
	}
}

// dry is randomness that has run out.
type dry struct{}

func (dry) Read([]byte) (int, error) { return 0, errors.New("dry") }

// wantFailure compares a gateway's error with a *settled.Refusal, or with the code and the
// pause of a *settled.Unknown.
func wantFailure(t *testing.T, got, want error) {
	t.Helper()
	var refusal *settled.Refusal
	var unknown, wantUnknown *settled.Unknown
	switch {
	case errors.As(want, &wantUnknown):
		if !errors.As(got, &unknown) || unknown.Code != wantUnknown.Code || unknown.After != wantUnknown.After {
			t.Errorf("got %v, want unknown: %s after %s", got, wantUnknown.Code, wantUnknown.After)
		}
		if !errors.Is(got, settled.ErrUnknown) || errors.As(got, &refusal) {
			t.Errorf("%v is not plainly an unknown outcome", got)
		}
	case !errors.As(got, &refusal) || errors.Is(got, settled.ErrUnknown):
		t.Errorf("got %v, want %v", got, want)
	default:
		if diff := cmp.Diff(want, error(refusal)); diff != "" {
			t.Error(diff)
		}
	}
}
