package wechat

import (
	"context"
	"errors"
	"net/http"

	"settled"
	"settled/wechat/v2"
	v3 "settled/wechat/v3"
)

var _ settled.Bills = (*V2)(nil)

// Bill downloads the bill of a day. Nothing but TLS proves where it comes from: APIv2 signs
// none of it.
func (g *V2) Bill(ctx context.Context, day settled.BillDay, each func(settled.BillRow) error) error {
	body, err := g.write(func(nonce string) ([]byte, error) { return g.credentials.BillRequest(day.Begin(), nonce) })
	if err != nil {
		return err
	}
	file, err := newSpool()
	if err != nil {
		return err
	}
	defer file.close()
	of, none := owner{g.credentials.AppID, g.credentials.MchID}, false
	err = g.line.line.do(ctx, outgoing{
		name: v2.DownloadBill.Name(), class: patient, write: file.writing(g.line.writer(v2Request{call: v2.DownloadBill, body: body})),
	}, func(in incoming) (err error) {
		requestID := v3.RequestID(in.header)
		if in.status != http.StatusOK {
			return withoutWord(in.status, requestID)
		}
		var said *v2.Error
		err = v2.ReadBillError(in.body)
		switch {
		case !errors.As(err, &said):
		case said.NoBill():
			none = true
			return nil
		case said.BillPending():
			return pending(said.Message, requestID)
		default:
			return g.line.judge(ctx, said, requestID)
		}
		if err == nil {
			err = file.check(of)
		}
		return g.line.unread(err, requestID)
	})
	if err != nil || none {
		return err
	}
	return file.rows(of, each)
}
