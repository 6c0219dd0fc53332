package bill_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/bill"
)

func fixture(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// read is the whole bill.
func read(text string) (rows []bill.Row, total bill.Totals, err error) {
	total, err = bill.Read(strings.NewReader(text), func(r bill.Row) error {
		rows = append(rows, r)
		return nil
	})
	return rows, total, err
}

// at is a time of the bills, by Beijing's clock.
func at(hour, minute, second int) time.Time {
	return time.Date(2026, 11, 27, hour, minute, second, 0, time.FixedZone("GMT+8", 8*60*60))
}

const (
	app, merchant   = "wxd678efh567hg6787", "1900007291"
	first           = "4200000215202611270000000001"
	second          = "4200000215202611270000000002"
	third           = "4200000215202611270000000003"
	wechatsRefundID = "50000408942026112700000000001"
)

func TestABillIsReadByTheNamesOfItsColumns(t *testing.T) {
	t.Parallel()
	rows, total, err := read(fixture(t, "all.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := []bill.Row{
		{At: at(0, 0, 3), AppID: app, MchID: merchant, TransactionID: first, OrderID: "tea-0001", State: bill.Paid, Currency: "CNY", Amount: 1999},
		{At: at(8, 30, 0), AppID: app, MchID: merchant, TransactionID: second, OrderID: "tea|0002*A", State: bill.Paid, Currency: "CNY", Amount: 1},
		{At: at(9, 0, 0), AppID: app, MchID: merchant, TransactionID: third, OrderID: "tea-0003", State: bill.Paid, Currency: "CNY", Amount: 10000},
		{
			At: at(23, 59, 59), AppID: app, MchID: merchant, TransactionID: first, OrderID: "tea-0001", State: bill.Refunded, Currency: "CNY",
			RefundID: "tea-0001-R1", WechatRefundID: wechatsRefundID, Refund: 500, RefundState: "PROCESSING",
		},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if want := (bill.Totals{Rows: 4, Amount: 12000, Refund: 500}); total != want {
		t.Errorf("totals %+v, want %+v", total, want)
	}
}

func TestAnOlderBillSaysTheSame(t *testing.T) {
	t.Parallel()
	rows, total, err := read(fixture(t, "older.csv"))
	if err != nil || len(rows) != 2 || rows[0].Amount != 1999 || rows[1].Refund != 500 || rows[1].RefundState != "SUCCESS" {
		t.Errorf("%+v, %v", rows, err)
	}
	if want := (bill.Totals{Rows: 2, Amount: 1999, Refund: 500}); total != want {
		t.Errorf("totals %+v, want %+v", total, want)
	}
}

// What the documents leave open makes no difference.
func TestWhatMayDifferMakesNoDifference(t *testing.T) {
	t.Parallel()
	text := fixture(t, "all.csv")
	want, _, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")), "\r\n")
	for name, other := range map[string]string{
		"no byte order mark":   strings.TrimPrefix(text, "\ufeff"),
		"lines that end in LF": strings.ReplaceAll(text, "\r\n", "\n"),
		"no end of the last":   strings.TrimSuffix(text, "\r\n"),
		"empty lines":          strings.ReplaceAll(text, "\r\n", "\r\n\r\n"),
		"back-ticked names":    strings.Replace(text, lines[0], "`"+strings.ReplaceAll(lines[0], ",", ",`"), 1),
		"a count without .0":   strings.Replace(text, "`4.0,", "`4,", 1),
		"another column":       withColumn(lines, "新的一列", "x"),
	} {
		rows, _, err := read(other)
		if diff := cmp.Diff(want, rows); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

// withColumn puts a column before all others.
func withColumn(lines []string, name, value string) string {
	changed := []string{name + "," + lines[0]}
	for _, line := range lines[1:5] {
		changed = append(changed, "`"+value+","+line)
	}
	return strings.Join(append(changed, lines[5:]...), "\r\n")
}

func TestRowsWithoutBackTicksAreRead(t *testing.T) {
	t.Parallel()
	rows, _, err := read(strings.ReplaceAll(fixture(t, "older.csv"), "`", ""))
	if err != nil || len(rows) != 2 || rows[0].OrderID != "tea-0001" {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestWhatIsNoWholeBillIsRefused(t *testing.T) {
	t.Parallel()
	text := fixture(t, "all.csv")
	end := strings.Index(text, "总交易单数")
	for name, row := range map[string]struct{ text, says string }{
		"nothing":                 {"", "nothing in it"},
		"a byte order mark alone": {"\ufeff", "nothing in it"},
		"a page":                  {"<html></html>", "no column"},
		"a column less":           {strings.Replace(text, "商户订单号", "商户单号", 1), "商户订单号"},
		"cut within a row":        {text[:end/2], ""},
		"cut before the totals":   {text[:end], "before the totals"},
		"cut within the totals":   {text[:strings.LastIndex(text, "`4.0")], "before the totals"},
		"more behind":             {text + "`1,`2\r\n", "behind the totals"},
		"a row less":              {strings.Replace(text, text[strings.Index(text, "`2026-11-27 08:30"):strings.Index(text, "`2026-11-27 09:00")], "", 1), "总交易单数"},
		"another total":           {strings.Replace(text, ",`120.00,", ",`120.01,", 1), "订单总金额"},
		"another refunded total":  {strings.Replace(text, ",`5.00\r\n", ",`5.01\r\n", 1), "申请退款总金额"},
		"a total too many":        {strings.TrimSpace(text) + ",`1\r\n", "8 totals"},
		"too few fields":          {strings.Replace(text, "`cart=77,", "", 1), "fields under"},
		"three decimals":          {strings.Replace(text, "`19.99,`0.00,`\r\n", "`19.991,`0.00,`\r\n", 1), `"19.991"`},
		"less than nothing":       {strings.Replace(text, "`19.99,`0.00,`\r\n", "`-19.99,`0.00,`\r\n", 1), `"-19.99"`},
		"a thousands separator":   {strings.Replace(text, "`100.00,", "`1 000.00,", 1), `"1 000.00"`},
		"no order":                {strings.Replace(text, "`tea-0003", "`", 1), "without a number"},
		"no number of the refund": {strings.Replace(text, "`tea-0001-R1", "`", 1), "refund without"},
		"no time":                 {strings.Replace(text, "2026-11-27 09:00:00", "2026-11-27", 1), "no time"},
		"not UTF-8":               {strings.Replace(text, "Cup", "\xff\xfe", 1), "UTF-8"},
		"a line without an end":   {text[:end] + strings.Repeat("x", 70<<10), "bytes"},
	} {
		if _, _, err := read(row.text); !errors.Is(err, bill.ErrUnreadable) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, want %q", name, err, row.says)
		}
	}
}

// What a revoked row counts for in the totals is written nowhere.
func TestARevokedRowIsHandedOver(t *testing.T) {
	t.Parallel()
	text := strings.Replace(fixture(t, "all.csv"), "`APP,`SUCCESS", "`MICROPAY,`REVOKED", 1)
	text = strings.Replace(text, "`120.00,", "`119.99,", 1)
	if rows, _, err := read(text); err != nil || rows[1].State != bill.Revoked {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestTheReadersOwnErrorsComeBack(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	text := fixture(t, "all.csv")
	if _, err := bill.Read(strings.NewReader(text), func(bill.Row) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("of each: %v", err)
	}
	half := io.MultiReader(strings.NewReader(text[:500]), iotest.ErrReader(broken))
	if _, err := bill.Read(half, func(bill.Row) error { return nil }); !errors.Is(err, broken) || errors.Is(err, bill.ErrUnreadable) {
		t.Errorf("of the stream: %v", err)
	}
}

// Whatever comes, a bill that is read has rows that make sense and are what it says.
func FuzzRead(f *testing.F) {
	f.Add(fixture(f, "all.csv"))
	f.Add(fixture(f, "older.csv"))
	f.Add(strings.ReplaceAll(fixture(f, "older.csv"), "`", ""))
	f.Add("<xml></xml>")
	f.Fuzz(func(t *testing.T, text string) {
		var sum bill.Totals
		rows, total, err := read(text)
		for _, r := range rows {
			if r.OrderID == "" || r.TransactionID == "" || r.Amount < 0 || r.Refund < 0 || r.At.IsZero() || (r.RefundID != "") != (r.State == bill.Refunded) {
				t.Errorf("row %+v", r)
			}
			sum.Rows, sum.Amount, sum.Refund = sum.Rows+1, sum.Amount+r.Amount, sum.Refund+r.Refund
		}
		if err == nil && sum != total {
			t.Errorf("totals %+v of rows that come to %+v", total, sum)
		}
	})
}
