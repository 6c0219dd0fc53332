package bill

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ErrUnreadable: these bytes are not the bill that the documents describe, or not all of it.
var ErrUnreadable = errors.New("the bill can't be read")

func unreadable(format string, values ...any) error {
	return fmt.Errorf("%w: %s", ErrUnreadable, fmt.Sprintf(format, values...))
}

// maxLine bounds one line, in bytes. Real rows have less than a thousand.
const maxLine = 64 << 10

// byteOrderMark may stand before everything else.
const byteOrderMark = "\ufeff"

// Read reads a bill and hands over every row in the bill's own order. It fails with
// ErrUnreadable, or with what each returned.
//
// That the bill is whole is known at its end alone, where WeChat says what the rows come to:
// a row that was handed over before Read fails may not be relied on.
func Read(r io.Reader, each func(Row) error) (Totals, error) {
	b := reader{lines: bufio.NewReaderSize(r, maxLine), each: each}
	for {
		line, err := b.line()
		switch {
		case errors.Is(err, io.EOF):
			return b.total, b.end()
		case err != nil:
			return b.total, err
		}
		if err := b.take(line); err != nil {
			return b.total, fmt.Errorf("line %d: %w", b.number, err)
		}
	}
}

// reader is how far a bill has been read.
type reader struct {
	lines  *bufio.Reader
	number int // of the last line
	each   func(Row) error

	columns header
	totals  []string // the names in the line of totals, once it has come
	ended   bool     // the totals were read
	total   Totals
	odd     bool // there was a row that is neither a payment nor a refund
}

// line is the next line that holds anything, without its end. It fails with io.EOF.
func (b *reader) line() (string, error) {
	for {
		line, err := b.lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return "", unreadable("line %d has more than %d bytes", b.number+1, maxLine)
		case err != nil && !errors.Is(err, io.EOF):
			return "", fmt.Errorf("read the bill: %w", err)
		case err != nil && len(line) == 0:
			return "", io.EOF
		}
		b.number++
		text := string(line)
		if b.number == 1 {
			text = strings.TrimPrefix(text, byteOrderMark)
		}
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if !utf8.ValidString(text) {
			return "", unreadable("line %d is not UTF-8", b.number)
		}
		return text, nil
	}
}

func (b *reader) take(line string) (err error) {
	switch {
	case b.columns.names == nil:
		b.columns, err = readHeader(line)
		return err
	case b.ended:
		return unreadable("there is more behind the totals")
	case b.totals != nil:
		b.ended = true
		return b.check(split(line))
	case strings.HasPrefix(line, totalRows.names[0]):
		b.totals = split(line)
		return nil
	}
	row, err := b.row(line)
	if err != nil {
		return err
	}
	if err := b.total.add(row); err != nil {
		return err
	}
	b.odd = b.odd || row.State != Paid && row.State != Refunded
	return b.each(row)
}

// row reads one row.
func (b *reader) row(line string) (Row, error) {
	fields, err := b.columns.fields(line)
	if err != nil {
		return Row{}, err
	}
	of := func(c column) string { return b.columns.value(fields, c) }
	r := Row{
		AppID: of(columnAppID), MchID: of(columnMchID), TransactionID: of(columnTransaction), OrderID: of(columnOrder),
		State: State(of(columnState)), Currency: of(columnCurrency),
	}
	if r.At, err = readTime(of(columnAt)); err != nil {
		return r, err
	}
	if r.OrderID == "" || r.TransactionID == "" || r.State == "" {
		return r, unreadable("a row without a number or a state")
	}
	if r.Amount, err = readYuan(of(columnAmount)); err != nil || r.State != Refunded {
		return r, err
	}
	r.RefundID, r.WechatRefundID, r.RefundState = of(columnRefund), of(columnWechat), of(columnRefundState)
	if r.RefundID == "" {
		return r, unreadable("a refund without a number")
	}
	r.Refund, err = readYuan(of(columnRefunded))
	return r, err
}

// check holds the rows against what WeChat says that they come to. What a revoked row counts
// for is written nowhere, and so a bill with one is held against their number alone.
func (b *reader) check(told []string) error {
	if len(told) != len(b.totals) {
		return unreadable("%d totals under %d names", len(told), len(b.totals))
	}
	for _, sum := range []struct {
		column column
		read   func(string) (int64, error)
		ours   int64
		needed bool
	}{
		{totalRows, readCount, b.total.Rows, true},
		{totalAmount, readYuan, b.total.Amount, !b.odd},
		{totalRefund, readYuan, b.total.Refund, !b.odd},
	} {
		at := sum.column.place(b.totals)
		if at < 0 || !sum.needed {
			continue
		}
		theirs, err := sum.read(told[at])
		if err != nil {
			return err
		}
		if theirs != sum.ours {
			return unreadable("%s is %.32q, and the rows come to another", sum.column.names[0], told[at])
		}
	}
	return nil
}

// end says what is missing when there is no more.
func (b *reader) end() error {
	switch {
	case b.columns.names == nil:
		return unreadable("there is nothing in it")
	case !b.ended:
		return unreadable("it ends before the totals")
	}
	return nil
}
