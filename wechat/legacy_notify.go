package wechat

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"settled"
	"settled/wechat/legacy"
)

// Notify verifies a notify by both of its signatures and reads it.
func (l *Legacy) Notify(_ context.Context, n settled.Notify) (settled.News, error) {
	told, err := l.credentials.ReadNotify(n.Query, n.Body)
	if err != nil {
		return settled.News{}, fmt.Errorf("%w: %w", settled.ErrUnverified, err)
	}
	trade := tradeOfLegacy(told.Trade)
	trade.OpenID = told.OpenID
	trade.Foreign = cmp.Or(
		foreign("partner", told.Partner, l.credentials.PartnerID),
		foreign("app", told.AppID, l.credentials.AppID),
	)
	return settled.News{Trade: &trade}, nil
}

// Answer is success, to the letter, or fail: whatever else it hears, WeChat sends the
// notify again.
func (l *Legacy) Answer(a settled.Acknowledgement) settled.Answer {
	word := legacy.Fail
	if a == settled.Success {
		word = legacy.Success
	}
	return settled.Answer{Status: http.StatusOK, ContentType: "text/plain", Body: []byte(word)}
}

func tradeOfLegacy(told legacy.Trade) settled.Trade {
	return settled.Trade{
		Paid: told.Paid, OrderID: told.OrderID, TransactionID: told.TransactionID,
		Amount: settled.Money{Total: settled.Fen(told.Total), Currency: told.Currency},
		PaidAt: told.PaidAt, BankType: told.BankType, Attach: told.Attach,
	}
}
