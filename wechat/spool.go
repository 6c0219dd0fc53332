package wechat

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"fmt"
	"io"
	"os"
	"time"

	"settled"
	"settled/wechat/bill"
)

const (
	maxBill     = 4 << 30          // bytes that are read of a bill
	maxHead     = 64 << 10         // bytes of it that memory holds
	billTimeout = 10 * time.Minute // bounds its download
)

// spool keeps an answer that is too long for memory, in a file that nobody else can open
// and that is gone with the process.
type spool struct {
	file *os.File
	head []byte   // the first bytes
	sum  [20]byte // SHA-1 of all
}

func newSpool() (*spool, error) {
	file, err := os.CreateTemp("", "settled-bill-")
	if err != nil {
		return nil, fmt.Errorf("keep a bill: %w", err)
	}
	_ = os.Remove(file.Name()) // where a file that is open can't be removed, close does it
	return &spool{file: file}, nil
}

func (s *spool) close() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}

// take keeps a body in place of whatever was kept before.
func (s *spool) take(body io.Reader) error {
	if err := s.file.Truncate(0); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	hash, limited := sha1.New(), bufio.NewReaderSize(io.LimitReader(body, maxBill+1), maxHead)
	head, _ := limited.Peek(maxHead) // what keeps it from more keeps the copy from it, too
	s.head = bytes.Clone(head)
	size, err := io.Copy(io.MultiWriter(s.file, hash), limited)
	switch {
	case err != nil:
		return err
	case size > maxBill:
		return fmt.Errorf("more than %d bytes", maxBill)
	}
	s.sum = [20]byte(hash.Sum(nil))
	return nil
}

// writing has a request's answer kept.
func (s *spool) writing(write func(endpoint string) (request, error)) func(endpoint string) (request, error) {
	return func(endpoint string) (request, error) {
		r, err := write(endpoint)
		r.into, r.timeout = s, billTimeout
		return r, err
	}
}

// owner is the merchant whose bill it has to be.
type owner struct{ appID, mchID string }

// check reads the whole bill and hands nothing over: it fails unless it is all there, and
// the merchant's.
func (s *spool) check(o owner) error {
	return s.read(func(r bill.Row) error {
		if r.MchID != o.mchID {
			return otherNumber("the bill of", o.mchID, r.MchID)
		}
		return nil
	})
}

// rows hands over every row of a bill that was checked.
func (s *spool) rows(o owner, each func(settled.BillRow) error) error {
	return s.read(func(r bill.Row) error { return each(o.row(r)) })
}

func (s *spool) read(each func(bill.Row) error) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := bill.Read(s.file, each)
	return err
}

// row is a row in the domain's words.
func (o owner) row(r bill.Row) settled.BillRow {
	row := settled.BillRow{
		At: r.At, Own: r.AppID == o.appID, OrderID: r.OrderID, TransactionID: r.TransactionID,
		Amount: settled.Money{Total: settled.Fen(r.Amount), Currency: r.Currency},
	}
	switch r.State {
	case bill.Paid:
	case bill.Refunded:
		row.RefundID, row.Refunded = r.RefundID, r.RefundState == "SUCCESS"
		row.Amount.Total = settled.Fen(r.Refund)
	case bill.Revoked:
		row.Strange = string(r.State)
	default:
		row.Strange = string(r.State)
	}
	return row
}

// pending is the outcome while there is no bill yet.
func pending(code, requestID string) error {
	return &settled.Unknown{Code: code, After: 30 * time.Minute, Err: settled.ErrBillPending, RequestID: requestID}
}
