package v2

import (
	"bytes"
	"strings"
	"time"
)

// BillRequest writes the body of downloadbill, which asks for the bill of a day. Only the
// day's own date counts. nonce is random and has at most 32 characters.
func (c Credentials) BillRequest(day time.Time, nonce string) ([]byte, error) {
	return c.request(map[string]string{"bill_date": day.Format("20060102"), "bill_type": "ALL"}, nonce)
}

// ReadBillError reads an answer to downloadbill that is no bill: a bill is plain text, and
// everything else XML. It returns nil for what begins like a bill, of which the first bytes
// are enough, and *Error or ErrUnreadable for anything else. Nothing of it is signed.
func ReadBillError(answer []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(answer, []byte("\ufeff"))), []byte("<")) {
		return nil
	}
	fields, err := readXML(rootXML, answer)
	if err != nil {
		return err
	}
	return &Error{Call: DownloadBill, Message: fields["return_msg"]}
}

// NoBill reports whether WeChat says that there was no trade on that day.
func (e *Error) NoBill() bool { return e.ofBill("no bill exist") }

// BillPending reports whether WeChat says that it has not made the bill yet.
func (e *Error) BillPending() bool { return e.ofBill("bill creating") }

// ofBill compares the words: WeChat's own pages differ in how they write them.
func (e *Error) ofBill(words string) bool {
	return e.Call == DownloadBill && strings.HasPrefix(strings.ToLower(strings.TrimSpace(e.Message)), words)
}
