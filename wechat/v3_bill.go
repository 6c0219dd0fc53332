package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"settled"
	v3 "settled/wechat/v3"
)

var _ settled.Bills = (*V3)(nil)

// Bill asks where the bill of a day lies, and downloads it. The first answer is signed; the
// file is not, and is proved by the hash that stood in it.
func (g *V3) Bill(ctx context.Context, day settled.BillDay, each func(settled.BillRow) error) error {
	place, none, err := g.billPlace(ctx, day)
	if err != nil || none {
		return err
	}
	file, err := newSpool()
	if err != nil {
		return err
	}
	defer file.close()
	if err := g.downloadBill(ctx, place, file); err != nil {
		return err
	}
	return file.rows(g.owner(), each)
}

func (g *V3) owner() owner { return owner{g.credentials.AppID, g.credentials.MchID} }

// billPlace asks where the bill lies; none is true if there was no trade on that day.
func (g *V3) billPlace(ctx context.Context, day settled.BillDay) (place v3.BillPlace, none bool, err error) {
	place, _, err = callV3(ctx, g, v3Request{call: v3.TradeBill, path: v3.BillPath(day.Begin()), class: patient}, reading[v3.BillPlace]{
		read: func(body []byte) (v3.BillPlace, error) {
			place, err := v3.ReadBillPlace(body)
			if err == nil && !g.line.line.has(place.Host) {
				err = fmt.Errorf("the bill lies at %.64q, which is not WeChat's", place.Host)
			}
			return place, err
		},
	})
	var said *v3.Error
	switch {
	case !errors.As(err, &said):
		return place, false, err
	case said.NoBill():
		return place, true, nil
	case said.BillPending():
		return place, false, pending(said.Code, said.RequestID)
	}
	return place, false, err
}

// downloadBill downloads the file. Whichever host it comes from, it has to be the one that
// was promised.
func (g *V3) downloadBill(ctx context.Context, place v3.BillPlace, file *spool) error {
	return g.line.line.do(ctx, outgoing{
		name: v3.BillFile.Name(), class: patient, write: file.writing(g.line.writer(v3Request{call: v3.BillFile, path: place.Path})),
	}, func(in incoming) error {
		requestID := v3.RequestID(in.header)
		if in.status != http.StatusOK {
			_, err := v3.Keyring{}.Open(v3.BillFile, v3.Answer{Status: in.status, Header: in.header, Body: in.body}, g.now())
			var said *v3.Error
			if errors.As(err, &said) {
				return g.line.judge(ctx, said)
			}
			return withoutWord(in.status, requestID)
		}
		if file.sum != place.SHA1 {
			return &settled.Unknown{Code: codeUnverified, Err: errors.New("the file is not the one that WeChat has promised"), RequestID: requestID}
		}
		return unreadV3(file.check(g.owner()), requestID)
	})
}

// has reports whether an address is that of one of the line's hosts.
func (l *line) has(address string) bool {
	for _, h := range l.hosts {
		if h.endpoint == address {
			return true
		}
	}
	return false
}
