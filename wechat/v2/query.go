package v2

import (
	"fmt"
	"slices"
)

// QueryRequest writes the body of orderquery, which asks what became of an order. nonce is
// random and has at most 32 characters.
func (c Credentials) QueryRequest(orderID, nonce string) ([]byte, error) {
	return c.request(map[string]string{"out_trade_no": orderID}, nonce)
}

// ReadQuery verifies and reads the answer to orderquery. It fails with *Error,
// ErrUnverified or ErrUnreadable; a state that nobody knows is unreadable, for it may well
// be one of an order that is paid.
func (c Credentials) ReadQuery(answer []byte) (Trade, error) {
	fields, err := c.readAnswer(OrderQuery, answer)
	if err != nil {
		return Trade{}, err
	}
	state := TradeState(fields["trade_state"])
	if !slices.Contains(tradeStates, state) {
		return Trade{}, fmt.Errorf("%w: trade_state %.32q", ErrUnreadable, state)
	}
	return readTrade(fields, state)
}

// CloseRequest writes the body of closeorder, after which the order can't be paid any
// more. nonce is random and has at most 32 characters.
func (c Credentials) CloseRequest(orderID, nonce string) ([]byte, error) {
	return c.request(map[string]string{"out_trade_no": orderID}, nonce)
}

// ReadClose verifies and reads the answer to closeorder. It fails with *Error,
// ErrUnverified or ErrUnreadable.
func (c Credentials) ReadClose(answer []byte) error {
	fields, err := c.readAnswer(CloseOrder, answer)
	if err != nil {
		return err
	}
	return c.own(fields)
}
