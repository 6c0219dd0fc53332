package bill

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The columns that are read, by the names that their first line gives them: which ones
// there are, and where, depends on the merchant and on the age of the account. A column with
// several names had another one in older bills.
var (
	columnAt          = column{names: []string{"交易时间"}}
	columnAppID       = column{names: []string{"公众账号ID"}}
	columnMchID       = column{names: []string{"商户号"}}
	columnTransaction = column{names: []string{"微信订单号"}}
	columnOrder       = column{names: []string{"商户订单号"}}
	columnState       = column{names: []string{"交易状态"}}
	columnCurrency    = column{names: []string{"货币种类"}}
	columnAmount      = column{names: []string{"订单金额", "总金额"}}
	columnWechat      = column{names: []string{"微信退款单号"}}
	columnRefund      = column{names: []string{"商户退款单号"}}
	columnRefunded    = column{names: []string{"申请退款金额", "退款金额"}}
	columnRefundState = column{names: []string{"退款状态"}}

	// What people wrote, and may hold whatever ends a field.
	columnGoods  = column{names: []string{"商品名称"}}
	columnAttach = column{names: []string{"商户数据包"}}

	totalRows   = column{names: []string{"总交易单数"}}
	totalAmount = column{names: []string{"订单总金额", "总交易额"}}
	totalRefund = column{names: []string{"申请退款总金额", "总退款金额"}}
)

// column is a column by its names, the one that counts first.
type column struct{ names []string }

// place is where the column stands, -1 if it does not.
func (c column) place(header []string) int {
	for _, name := range c.names {
		if at := slices.Index(header, name); at >= 0 {
			return at
		}
	}
	return -1
}

// needed are the columns without which nothing is a bill.
var needed = []column{
	columnAt, columnAppID, columnMchID, columnTransaction, columnOrder, columnState, columnCurrency, columnAmount,
	columnWechat, columnRefund, columnRefunded, columnRefundState,
}

// header is the first line, understood.
type header struct {
	names []string
	// first and last bound the columns that may hold what ends a field; first is above last
	// if there are none.
	first, last int
}

func readHeader(line string) (header, error) {
	h := header{names: split(line), first: 1, last: 0}
	for _, c := range needed {
		if c.place(h.names) < 0 {
			return h, unreadable("there is no column %s in the first line", c.names[0])
		}
	}
	goods, attach := columnGoods.place(h.names), columnAttach.place(h.names)
	switch {
	case goods < 0 && attach < 0:
	case goods < 0 || attach < 0:
		h.first, h.last = max(goods, attach), max(goods, attach)
	case goods == attach-1 || goods == attach+1:
		h.first, h.last = min(goods, attach), max(goods, attach)
	}
	return h, nil
}

// fields brings a row's fields into their columns. A goods' name or the merchant's own data
// may hold what looks like the end of a field: both columns stand side by side, so that the
// fields before them and behind them are found all the same.
func (h header) fields(line string) ([]string, error) {
	found := split(line)
	surplus := len(found) - len(h.names)
	switch {
	case surplus == 0:
		return found, nil
	case surplus < 0, h.first > h.last:
		return nil, unreadable("%d fields under %d columns", len(found), len(h.names))
	}
	return slices.Concat(found[:h.first+1], make([]string, h.last-h.first), found[h.last+1+surplus:]), nil
}

// value is what stands in a column, empty if there is no such column.
func (h header) value(fields []string, c column) string {
	if at := c.place(h.names); at >= 0 {
		return fields[at]
	}
	return ""
}

// split takes a line apart. Each value has a back-tick before it, which keeps spreadsheets
// from taking a number for one, and there is no quoting. Lines of names have none.
func split(line string) []string {
	separator := ","
	if rest, ticked := strings.CutPrefix(line, "`"); ticked {
		line, separator = rest, ",`"
	}
	fields := strings.Split(line, separator)
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields
}

// beijing is the zone of every time in a bill.
var beijing = time.FixedZone("GMT+8", 8*60*60)

func readTime(text string) (time.Time, error) {
	at, err := time.ParseInLocation(time.DateTime, text, beijing)
	if err != nil || at.Year() < 2000 {
		return time.Time{}, unreadable("%.32q is no time", text)
	}
	return at, nil
}

// readYuan reads an amount in yuan as fen, by its digits and never as a fraction. Further
// digits of it have to be zeros.
func readYuan(text string) (int64, error) {
	whole, decimals, _ := strings.Cut(text, ".")
	fen := (decimals + "00")[:2]
	if !isDigits(whole) || whole == "" || !isDigits(decimals) || strings.Trim(decimals[min(len(decimals), 2):], "0") != "" {
		return 0, unreadable("%.32q is no amount", text)
	}
	amount, err := strconv.ParseInt(whole+fen, 10, 64)
	if err != nil {
		return 0, unreadable("%.32q is no amount", text)
	}
	return amount, nil
}

// readCount reads a number of rows, which WeChat may write as 45.0.
func readCount(text string) (int64, error) {
	whole, decimals, _ := strings.Cut(text, ".")
	count, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || !isDigits(whole) || strings.Trim(decimals, "0") != "" {
		return 0, unreadable("%.32q is no number of rows", text)
	}
	return count, nil
}

func isDigits(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
