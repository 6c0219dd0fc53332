// Package simulator is WeChat's side of WeChat Pay, for everyone who has to integrate
// against an API that can't be tried: it hands out tokens and prepay ids, lets a customer
// pay, sends the notifies, answers queries, and misbehaves on request.
//
// It is an http.Handler first and a program second:
//
//	wechat, err := simulator.New(simulator.Config{Merchants: merchants, Now: time.Now})
//	server := httptest.NewServer(wechat)
//	...
//	receipt, err := wechat.Pay(ctx, client) // the customer, with what the shop gave the app
//
// It is strict. Whatever WeChat's documents ask for is checked to the letter (every
// signature, field, type, length, charset and time), and the answer to a mistake says what
// is wrong, with the error code that WeChat uses. Where the documents are silent the
// comment at that place says so, and what was chosen.
//
// What is true of any protocol stands in one file each: the orders (order.go, prepay.go,
// book.go), the refunds (refund.go), the customer (customer.go), the notifies (notifier.go),
// the faults (switches.go, gateway.go, host.go) and the controls (control.go). What one
// protocol alone says stands in files of its name (legacy_*.go, v2_*.go, v3_*.go), behind the
// interface protocol.
//
// The package must not know the program that it is used to test: it shares no line of
// signing or decoding with any client, so that both can't agree on a mistake, and is held
// against the published examples by itself.
//
// Besides WeChat's own paths it serves, to whoever can reach it:
//
//	POST /simulator/pay                     the customer pays: the client object, {"client": {…}},
//	                                        {"code_url": …}, {"h5_url": …}
//	                                        or {"out_trade_no": …, "merchant": …}
//	GET  /simulator/orders                  how many orders, payments and notifies there were
//	GET  /simulator/orders/{out_trade_no}   one order; ?merchant= if several merchants use the number
//	GET  /simulator/refunds/{out_refund_no} one refund, likewise
//	POST /simulator/refunds/{out_refund_no}/mend
//	                                        pays out a refund that hangs or is abnormal
//	GET  /simulator/switches                the faults that are switched on
//	POST /simulator/switches                switches faults on and off, see Switches
//	GET  /simulator/keys                    WeChat's keys of an APIv3 merchant, ?merchant= if there are several
//	POST /simulator/keys                    {"merchant": …, "rotate": true, "retire": true, "public_share": 0.2}
//	POST /simulator/tokens/expire           ends the life of every access token
package simulator
