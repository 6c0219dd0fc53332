package simulator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// bill is the file of what was booked for a merchant in one day (document, "download trade
// bill"), as APIv2 and APIv3 deliver it: UTF-8 with a byte order mark, lines that end with
// CR LF, a back-tick before each value.
type bill struct {
	rows             []billRow
	amount, refunded int64 // fen
}

// billRow is one row, with the time that it is sorted by.
type billRow struct {
	at     time.Time
	fields []string
}

// billColumns are those of a bill of type ALL, in the document's order.
const billColumns = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类," +
	"应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率," +
	"订单金额,申请退款金额,费率备注"

const billTotals = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"

// Why there is no bill. The document has bills made from nine in the morning, and kept for
// three months.
type billMissing int

const (
	billThere billMissing = iota
	billEmpty             // nothing was booked on that day
	billMaking
	billOutside // the day has not begun, or is too long ago
)

// billOf makes a merchant's bill of the day that begins at a time.
func (s *Simulator) billOf(a *account, day time.Time) (string, billMissing) {
	now := s.cfg.Now()
	switch end := day.AddDate(0, 0, 1); {
	case day.After(now), day.Before(now.AddDate(0, -3, -1)):
		return "", billOutside
	case now.Before(end.Add(s.cfg.BillAfter)):
		return "", billMaking
	}
	b := &bill{}
	for _, o := range s.book.of(a) {
		s.enter(b, o, day)
	}
	if len(b.rows) == 0 {
		return "", billEmpty
	}
	return b.text(), billThere
}

// of returns every order of a merchant.
func (b *book) of(a *account) []*order {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var all []*order
	for key, o := range b.orders {
		if key.account == a {
			all = append(all, o)
		}
	}
	return all
}

// enter books what an order has on a day: its payment, and the refunds that were begun.
func (s *Simulator) enter(b *bill, o *order, day time.Time) {
	faults := s.switches.of(o.number).Gateway
	within := func(at time.Time) bool { return !at.Before(day) && at.Before(day.AddDate(0, 0, 1)) }
	wrong := func() (fen int64) {
		if s.dice.chance(faults.BillWrongAmount) {
			return 1
		}
		return 0
	}
	paid, ok := o.paid()
	if ok && within(paid.at) && !s.dice.chance(faults.BillMisses) {
		b.pay(o, paid, wrong())
	}
	for _, r := range o.refunded() {
		if within(r.acceptedAt) && !s.dice.chance(faults.BillMisses) {
			b.refund(o, paid, r, wrong())
		}
	}
}

func (b *bill) pay(o *order, paid payment, more int64) {
	total := o.terms.total + more
	b.amount += total
	b.enter(paid.at, o, paid, []string{
		"SUCCESS", paid.bankType, "CNY", yuan(total), "0.00", "0", "0", "0.00", "0.00", "", "",
		o.goods(), o.terms.attach, yuan(0) + "000", "0.60%", yuan(total), "0.00", "",
	})
}

func (b *bill) refund(o *order, paid payment, r *refund, more int64) {
	amount := r.terms.amount + more
	b.refunded += amount
	state, _ := r.stands()
	b.enter(r.acceptedAt, o, paid, []string{
		"REFUND", paid.bankType, "CNY", "0.00", "0.00", r.id, r.number, yuan(amount), "0.00", "ORIGINAL", billRefundStates[state],
		o.goods(), o.terms.attach, yuan(0) + "000", "0.60%", "0.00", yuan(amount), "",
	})
}

// billRefundStates are the states of refunds in the words of a bill.
var billRefundStates = map[RefundState]string{
	RefundProcessing: "PROCESSING", RefundSucceeded: "SUCCESS", RefundClosed: "FAIL", RefundAbnormal: "CHANGE",
}

func (b *bill) enter(at time.Time, o *order, paid payment, fields []string) {
	b.rows = append(b.rows, billRow{at, append([]string{
		at.In(beijing).Format(time.DateTime), o.account.AppID, o.account.MchID, "0", o.terms.deviceInfo,
		paid.transactionID, o.number, paid.openID, string(o.terms.trade),
	}, fields...)})
}

// goods is what stands as their name. What the order called them is not kept here; the comma
// is one that a reader has to bear.
func (o *order) goods() string { return "order " + o.number + ", as agreed" }

// text spells the bill.
func (b *bill) text() string {
	slices.SortFunc(b.rows, func(one, other billRow) int {
		return cmp.Or(one.at.Compare(other.at), slices.Compare(one.fields, other.fields))
	})
	var text strings.Builder
	text.WriteString("\ufeff" + billColumns + "\r\n")
	for _, row := range b.rows {
		text.WriteString("`" + strings.Join(row.fields, ",`") + "\r\n")
	}
	totals := []string{
		fmt.Sprintf("%d.0", len(b.rows)), yuan(b.amount), yuan(b.refunded), "0.00", "0.00000", yuan(b.amount), yuan(b.refunded),
	}
	text.WriteString(billTotals + "\r\n`" + strings.Join(totals, ",`") + "\r\n")
	return text.String()
}

// yuan spells an amount with two decimals.
func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }
