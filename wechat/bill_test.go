package wechat_test

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/wechat"
)

var billDay = settled.BillDayOf(time.Date(2026, 11, 27, 12, 0, 0, 0, settled.China))

// theBill is a bill as WeChat delivers it, of a merchant and an app.
func theBill(t *testing.T, mchID, app string) string {
	t.Helper()
	text, err := os.ReadFile("bill/testdata/all.csv")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("1900007291", mchID, "wxd678efh567hg6787", app).Replace(string(text))
}

// rowsOf is what a gateway hands over.
func rowsOf(t *testing.T, bills settled.Bills) (rows []string, err error) {
	t.Helper()
	err = bills.Bill(t.Context(), billDay, func(r settled.BillRow) error {
		rows = append(rows, fmt.Sprint(r.At.In(settled.China).Format(time.DateTime), " ", r.Own, " ", r.OrderID, " ", r.Amount, " ", r.RefundID, r.Strange))
		return nil
	})
	return rows, err
}

var billRows = []string{
	"2026-11-27 00:00:03 true tea-0001 19.99 CNY ",
	"2026-11-27 08:30:00 true tea|0002*A 0.01 CNY ",
	"2026-11-27 09:00:00 true tea-0003 100.00 CNY ",
	"2026-11-27 23:59:59 true tea-0001 5.00 CNY tea-0001-R1",
}

// writes answers with a text, whoever asks.
func writes(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestV2BillIsReadRowByRow(t *testing.T) {
	t.Parallel()
	b := openV2(t, writes(theBill(t, v2MchID, v2AppID)))
	rows, err := rowsOf(t, b.gateway)
	if diff := cmp.Diff(billRows, rows); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	asked := v2Read(t, b.got()[0].Body)
	if b.got()[0].Path != "/pay/downloadbill" || asked["bill_date"] != "20261127" || asked["bill_type"] != "ALL" || asked["tar_type"] != "" {
		t.Errorf("asked %s %v", b.got()[0].Path, asked)
	}
}

func TestRowsOfAnotherAppAreNotOurs(t *testing.T) {
	t.Parallel()
	rows, err := rowsOf(t, openV2(t, writes(theBill(t, v2MchID, "wxanother"))).gateway)
	if err != nil || len(rows) != 4 || !strings.Contains(rows[0], " false ") {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestV2BillThatIsNotThere(t *testing.T) {
	t.Parallel()
	whole := theBill(t, v2MchID, v2AppID)
	for name, row := range map[string]struct{ answer, code string }{
		"no trade":            {v2XML("xml", map[string]string{"return_code": "FAIL", "return_msg": "No Bill Exist", "error_code": "20002"}), ""},
		"not yet":             {v2XML("xml", map[string]string{"return_code": "FAIL", "return_msg": "Bill Creating"}), "Bill Creating"},
		"busy":                {v2Fail("SYSTEMERROR"), "return_code"},
		"a wrong signature":   {v2Fail("SIGN ERROR"), "return_code"},
		"a page":              {"<html><p>hello", "unreadable"},
		"cut":                 {whole[:len(whole)-20], "unreadable"},
		"nothing":             {"", "unreadable"},
		"compressed":          {"\x1f\x8b\x08\x00", "unreadable"},
		"another merchant's":  {theBill(t, "10000101", v2AppID), "other_order"},
		"not as many as told": {strings.Replace(whole, "`4.0,", "`5.0,", 1), "unreadable"},
	} {
		rows, err := rowsOf(t, openV2(t, writes(row.answer)).gateway)
		var unknown *settled.Unknown
		switch {
		case row.code == "" && err != nil, row.code != "" && (!errors.As(err, &unknown) || unknown.Code != row.code), len(rows) > 0:
			t.Errorf("%s: %v, %v, want %q", name, rows, err, row.code)
		case errors.Is(err, settled.ErrBillPending) != (name == "not yet"):
			t.Errorf("%s: pending: %v", name, err)
		}
	}
}

// A bill that one host cuts comes from the other, and nothing of the first is handed over.
func TestABillComesFromTheBackup(t *testing.T) {
	t.Parallel()
	whole := theBill(t, v2MchID, v2AppID)
	b := openV2(t, writes(whole[:len(whole)/2]), withBackup(t, writes(whole)))
	rows, err := rowsOf(t, b.gateway)
	if diff := cmp.Diff(billRows, rows); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

// A bill may be far longer than any other answer.
func TestABillMayBeLong(t *testing.T) {
	t.Parallel()
	lines := strings.SplitAfter(theBill(t, v2MchID, v2AppID), "\r\n")
	const many = 20_000
	long := lines[0] + strings.Repeat(lines[2], many) + lines[5] + fmt.Sprintf("`%d.0,`200.00,`0.00,`0.00,`0.00,`200.00,`0.00\r\n", many)
	rows, err := rowsOf(t, openV2(t, writes(long)).gateway)
	if err != nil || len(rows) != many {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestTheReadersOwnErrorEndsTheBill(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	b := openV2(t, writes(theBill(t, v2MchID, v2AppID)))
	if err := b.gateway.Bill(t.Context(), billDay, func(settled.BillRow) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// billPlace is the answer that says where a bill lies.
func billPlace(host, text string) string {
	return fmt.Sprintf(`{"hash_type":"SHA1","hash_value":"%x","download_url":"%s/v3/billdownload/file?token=a%%2Fb"}`, sha1.Sum([]byte(text)), host)
}

// openV3Bill is a gateway whose WeChat has a bill; place writes the first answer.
func openV3Bill(t *testing.T, file string, place func(host string) v3Answer) *v3Bundle {
	t.Helper()
	var b *v3Bundle
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.requests = append(b.requests, v3Request{r.Method, r.RequestURI, "", r.Host, r.Header.Get("Wechatpay-Serial"), r.Header})
		b.mu.Unlock()
		answer := v3Answer{status: 200, body: file}
		if strings.HasPrefix(r.RequestURI, "/v3/bill/tradebill") {
			answer = place("http://" + r.Host)
		}
		answer.write(t, w, b.now())
	}))
	t.Cleanup(server.Close)
	b = openV3(t, func(cfg *wechat.V3Config) { cfg.Endpoint = server.URL })
	return b
}

func TestV3BillIsReadRowByRow(t *testing.T) {
	t.Parallel()
	text := theBill(t, v3MchID, appID)
	b := openV3Bill(t, text, func(host string) v3Answer { return signed(billPlace(host, text)) })
	rows, err := rowsOf(t, b.gateway)
	if diff := cmp.Diff(billRows, rows); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	var asked []string
	for _, r := range b.got() {
		checkSigned(t, r)
		asked = append(asked, r.Method+" "+r.URI)
	}
	if diff := cmp.Diff([]string{
		"GET /v3/bill/tradebill?bill_date=2026-11-27&bill_type=ALL", "GET /v3/billdownload/file?token=a%2Fb",
	}, asked); diff != "" {
		t.Error(diff)
	}
}

func TestV3BillThatIsNotThere(t *testing.T) {
	t.Parallel()
	text := theBill(t, v3MchID, appID)
	for name, row := range map[string]struct {
		place func(host string) v3Answer
		file  string
		code  string
	}{
		"no trade":            {place: func(string) v3Answer { return refused(400, "NO_STATEMENT_EXIST") }},
		"not yet":             {place: func(string) v3Answer { return refused(400, "STATEMENT_CREATING") }, code: "STATEMENT_CREATING"},
		"too often":           {place: func(string) v3Answer { return refused(429, "FREQUENCY_LIMITED") }, code: "FREQUENCY_LIMITED"},
		"not allowed":         {place: func(string) v3Answer { return refused(403, "NO_AUTH") }, code: "NO_AUTH"},
		"not there":           {place: func(string) v3Answer { return refused(404, "RESOURCE_NOT_EXISTS") }, code: "RESOURCE_NOT_EXISTS"},
		"an unsigned address": {place: func(host string) v3Answer { return v3Answer{status: 200, body: billPlace(host, text)} }, code: "unverified"},
		"somewhere else":      {place: func(string) v3Answer { return signed(billPlace("https://wechat.example.com", text)) }, code: "unreadable"},
		"another path": {place: func(host string) v3Answer {
			return signed(`{"hash_type":"SHA1","hash_value":"` + strings.Repeat("0", 40) + `","download_url":"` + host + `/v3/pay"}`)
		}, code: "unreadable"},
		"another hash":   {place: func(host string) v3Answer { return signed(strings.Replace(billPlace(host, text), "SHA1", "MD5", 1)) }, code: "unreadable"},
		"no address":     {place: func(string) v3Answer { return signed(`{}`) }, code: "unreadable"},
		"another file":   {place: func(host string) v3Answer { return signed(billPlace(host, text)) }, file: strings.Replace(text, "19.99", "19.98", 2), code: "unverified"},
		"no bill at all": {place: func(host string) v3Answer { return signed(billPlace(host, "hello")) }, file: "hello", code: "unreadable"},
	} {
		b := openV3Bill(t, row.file, row.place)
		rows, err := rowsOf(t, b.gateway)
		var unknown *settled.Unknown
		switch {
		case row.code == "" && err != nil, row.code != "" && (!errors.As(err, &unknown) || unknown.Code != row.code), len(rows) > 0:
			t.Errorf("%s: %v, %v, want %q", name, rows, err, row.code)
		case errors.Is(err, settled.ErrBillPending) != (name == "not yet"):
			t.Errorf("%s: pending: %v", name, err)
		}
	}
}
