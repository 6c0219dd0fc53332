package legacy

import (
	"fmt"
	"strconv"
	"time"
)

// feeTypeCNY is the only fee_type the document knows, and what is meant by none.
const feeTypeCNY = "1"

// maxFeeType bounds what is repeated of a fee_type that nobody knows, in bytes.
const maxFeeType = 16

// Trade is what WeChat says about an order, in a notify and in the answer to orderquery
// alike. If it is not paid, only Partner and OrderID are there, and they may be empty.
type Trade struct {
	Paid          bool
	Partner       string
	OrderID       string // out_trade_no
	TransactionID string // WeChat's own number, 28 digits
	Total         int64  // fen: total_fee and discount together, what the order was for
	Currency      string // CNY; "fee_type N" if WeChat says another one
	PaidAt        time.Time
	BankType      string
	Attach        string
}

// readTrade reads the fields that notify and order_info have in common.
func readTrade(fields map[string]string) (Trade, error) {
	t := Trade{
		Paid:    fields["trade_state"] == "0",
		Partner: fields["partner"],
		OrderID: fields["out_trade_no"],
	}
	if !t.Paid {
		return t, nil
	}
	t.TransactionID, t.BankType, t.Attach = fields["transaction_id"], fields["bank_type"], fields["attach"]
	if t.OrderID == "" || t.TransactionID == "" {
		return Trade{}, fmt.Errorf("%w: paid without out_trade_no or transaction_id", ErrUnreadable)
	}
	if t.Currency = "CNY"; fields["fee_type"] != feeTypeCNY && fields["fee_type"] != "" {
		t.Currency = "fee_type " + cut(fields["fee_type"], maxFeeType)
	}
	return t, t.readMoney(fields["total_fee"], fields["discount"], fields["time_end"])
}

func (t *Trade) readMoney(totalFee, discount, timeEnd string) error {
	total, err := readFen(totalFee)
	if err != nil {
		return fmt.Errorf("%w: total_fee %.32q", ErrUnreadable, totalFee)
	}
	if discount != "" {
		fen, err := readFen(discount)
		if err != nil {
			return fmt.Errorf("%w: discount %.32q", ErrUnreadable, discount)
		}
		total += fen
	}
	t.Total = total
	if t.PaidAt, err = readTime(timeEnd); err != nil {
		return fmt.Errorf("%w: time_end %.32q", ErrUnreadable, timeEnd)
	}
	return nil
}

// readFen reads an amount; two of them add up without overflow.
func readFen(text string) (int64, error) {
	fen, err := strconv.ParseUint(text, 10, 62)
	return int64(fen), err
}

// readTime reads yyyyMMddHHmmss in GMT+8.
func readTime(text string) (time.Time, error) {
	t, err := time.ParseInLocation(compact, text, beijing)
	if err == nil && (len(text) != len(compact) || t.Year() < 2000) {
		err = ErrUnreadable
	}
	return t, err
}
