package simulator_test

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

// nextMorning is after the opening, when the bill of that day is there.
const nextMorning = 22 * time.Hour

// billColumns are those of the document, type ALL.
const billColumns = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类," +
	"应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"

// readBill takes a bill apart: its rows by the names of their columns, and its last line.
func readBill(t testing.TB, text string) (rows []fields, totals string) {
	t.Helper()
	marked, found := strings.CutPrefix(text, "\ufeff")
	lines := strings.Split(strings.TrimSuffix(marked, "\r\n"), "\r\n")
	if !found || lines[0] != billColumns || len(lines) < 3 {
		t.Fatalf("no bill: %q", text)
	}
	names := strings.Split(billColumns, ",")
	for _, line := range lines[1 : len(lines)-2] {
		values := strings.Split(strings.TrimPrefix(line, "`"), ",`")
		row := fields{}
		for i, value := range values {
			row[names[i]] = value
		}
		rows = append(rows, row)
	}
	return rows, lines[len(lines)-1]
}

// told is what counts of a row.
func told(row fields) string {
	return strings.Join([]string{
		row["交易时间"], row["商户号"], row["微信订单号"], row["商户订单号"], row["交易状态"], row["订单金额"], row["商户退款单号"], row["申请退款金额"], row["退款状态"],
	}, " ")
}

// download asks for a bill of APIv2 and returns what comes.
func (s v2shop) download(day string) string {
	s.t.Helper()
	call := s.asking("bill_date", day)
	call["bill_type"] = "ALL"
	call["sign"] = s.signature(call)
	return s.do(http.MethodPost, "/pay/downloadbill", []byte(document(call))).Body.String()
}

func TestV2BillIsWhatWasBooked(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	if got := readDocument(t, s.download("20140508"))["return_msg"]; got != "Bill Creating" {
		t.Errorf("on the day itself: %q", got)
	}
	receipt := s.paid("A00001")
	s.place(s.order("A00002", simulator.APP)) // nobody pays it
	s.clock.advance(nextMorning)
	rows, totals := readBill(t, s.download("20140508"))
	if want := "2014-05-08 12:00:00 10000100 " + receipt.TransactionID + " A00001 SUCCESS 19.99 0 0.00 "; len(rows) != 1 || told(rows[0]) != want {
		t.Errorf("got %v, want %q", rows, want)
	}
	if want := "`1.0,`19.99,`0.00,`0.00,`0.00000,`19.99,`0.00"; totals != want {
		t.Errorf("totals %s, want %s", totals, want)
	}
	for day, want := range map[string]string{
		"20140507": "No Bill Exist", "20140509": "Bill Creating", "20140510": "invalid bill_date", "20140101": "invalid bill_date",
	} {
		if got := readDocument(t, s.download(day))["return_msg"]; got != want {
			t.Errorf("%s: %q, want %q", day, got, want)
		}
	}
	if got := readDocument(t, s.as(careful).download("20140508"))["return_msg"]; got != "No Bill Exist" {
		t.Errorf("another merchant is told %q", got)
	}
}

func TestV2BillIsRefused(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	for name, change := range map[string]func(call fields){
		"a wrong signature":  func(call fields) { call["sign"] = strings.Repeat("0", 32) },
		"a day with dashes":  func(call fields) { call["bill_date"] = "2014-05-08"; call["sign"] = s.signature(call) },
		"no type":            func(call fields) { delete(call, "bill_type"); call["sign"] = s.signature(call) },
		"another type":       func(call fields) { call["bill_type"] = "REFUND"; call["sign"] = s.signature(call) },
		"something compress": func(call fields) { call["tar_type"] = "GZIP"; call["sign"] = s.signature(call) },
	} {
		call := s.asking("bill_date", "20140507")
		call["bill_type"] = "ALL"
		call["sign"] = s.signature(call)
		change(call)
		answer := readDocument(t, s.do(http.MethodPost, "/pay/downloadbill", []byte(document(call))).Body.String())
		if answer["return_code"] != "FAIL" || answer["return_msg"] == "No Bill Exist" {
			t.Errorf("%s: %v", name, answer)
		}
	}
}

// file downloads what lies at an address.
func (s v3shop) file(address string) (status int, header http.Header, text string) {
	s.t.Helper()
	recorder := httptest.NewRecorder()
	s.wechat.ServeHTTP(recorder, s.request(http.MethodGet, strings.TrimPrefix(address, "http://example.com"), ""))
	return recorder.Code, recorder.Header(), recorder.Body.String()
}

func TestV3BillIsWhatWasBooked(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	receipt := s.paid("A00001")
	s.clock.advance(time.Hour)
	if a := s.post("/v3/refund/domestic/refunds", s.refundOf("A00001", "A00001-R1", 500)); a.status != http.StatusOK {
		t.Fatal(a.text)
	}
	if got := s.get("/v3/bill/tradebill?bill_date=2014-05-08&bill_type=ALL"); got.status != 400 || got.body["code"] != "STATEMENT_CREATING" {
		t.Errorf("on the day itself: %d %s", got.status, got.text)
	}
	s.clock.advance(nextMorning)
	place := s.get("/v3/bill/tradebill?bill_date=2014-05-08&bill_type=ALL")
	address, _ := place.body["download_url"].(string)
	status, header, text := s.file(address)
	if status != http.StatusOK || header.Get("Wechatpay-Signature") != "" {
		t.Errorf("the file comes with %d and %v", status, header)
	}
	if sum := fmt.Sprintf("%x", sha1.Sum([]byte(text))); place.body["hash_type"] != "SHA1" || place.body["hash_value"] != sum {
		t.Errorf("%s is not the hash %s", place.text, sum)
	}
	rows, totals := readBill(t, text)
	var all []string
	for _, row := range rows {
		state := row["退款状态"]
		row["退款状态"] = "" // ends when it ends
		if all = append(all, told(row)); row["交易状态"] == "REFUND" && state != "PROCESSING" && state != "SUCCESS" {
			t.Errorf("the refund is %q", state)
		}
	}
	if diff := cmp.Diff([]string{
		"2014-05-08 12:00:00 1900007291 " + receipt.TransactionID + " A00001 SUCCESS 19.99 0 0.00 ",
		"2014-05-08 13:00:00 1900007291 " + receipt.TransactionID + " A00001 REFUND 0.00 A00001-R1 5.00 ",
	}, all); diff != "" {
		t.Error(diff)
	}
	if want := "`2.0,`19.99,`5.00,`0.00,`0.00000,`19.99,`5.00"; totals != want {
		t.Errorf("totals %s, want %s", totals, want)
	}
	if status, _, text := s.as(certified()).file(address); status != http.StatusNotFound {
		t.Errorf("another merchant gets %d %s", status, text)
	}
	s.clock.advance(6 * time.Minute)
	if status, _, text := s.file(address); status != http.StatusNotFound {
		t.Errorf("too late, and still %d %s", status, text)
	}
}

func TestV3BillIsRefused(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	for query, want := range map[string]string{
		"bill_date=2014-05-07&bill_type=ALL":               "NO_STATEMENT_EXIST",
		"bill_date=2014-05-09&bill_type=ALL":               "PARAM_ERROR",
		"bill_date=2014-01-01&bill_type=ALL":               "PARAM_ERROR",
		"bill_date=20140507&bill_type=ALL":                 "PARAM_ERROR",
		"bill_date=2014-05-07&bill_type=SUCCESS":           "PARAM_ERROR",
		"bill_date=2014-05-07":                             "PARAM_ERROR",
		"bill_date=2014-05-07&bill_type=ALL&tar_type=GZIP": "PARAM_ERROR",
	} {
		if got := s.get("/v3/bill/tradebill?" + query); got.status != 400 || got.body["code"] != want {
			t.Errorf("%s: %d %s, want %s", query, got.status, got.text, want)
		}
	}
	unsigned := s.request(http.MethodGet, "/v3/billdownload/file?token=x", "")
	unsigned.Header.Del("Authorization")
	if got := s.send(unsigned); got.status != http.StatusUnauthorized {
		t.Errorf("without a signature: %d %s", got.status, got.text)
	}
}

func TestABillThatIsWrong(t *testing.T) {
	t.Parallel()
	s := openV2(t, func(c *simulator.Config) { c.BillAfter = -24 * time.Hour })
	s.paid("A00001")
	s.paid("A00002")
	for _, faults := range []simulator.GatewaySwitches{{BillWrongAmount: 1}, {BillMisses: 1}} {
		if err := s.wechat.SwitchOrder("A00002", simulator.Switches{Gateway: faults}); err != nil {
			t.Fatal(err)
		}
		rows, totals := readBill(t, s.download("20140508"))
		switch {
		case faults.BillMisses == 1 && (len(rows) != 1 || !strings.HasPrefix(totals, "`1.0,`19.99")):
			t.Errorf("a row is not missing: %v, %s", rows, totals)
		case faults.BillWrongAmount == 1 && (len(rows) != 2 || !strings.HasPrefix(totals, "`2.0,`39.99")):
			t.Errorf("no amount is wrong: %v, %s", rows, totals)
		}
	}
}
