package shop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"time"

	"settled/events"
)

// beijing is the zone of every time that WeChat writes.
var beijing = time.FixedZone("GMT+8", 8*60*60)

// Notify is WeChat's word that an order was paid, as it comes in over HTTP.
type Notify struct {
	Header http.Header
	Body   []byte
	At     time.Time // when it was signed
}

// Notifies signs WeChat's word on a merchant's first orders, that they were paid at a
// moment. The first is that on Order(1).
func Notifies(merchant string, orders int, at time.Time) ([]Notify, error) {
	keys, err := Keys()
	if err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	sign := func(n int) (Notify, error) { return notifyV2(n, at), nil }
	if merchant == V3 {
		sign = func(n int) (Notify, error) { return notifyV3(keys.WeChat, n, at) }
	}
	all, failed := make([]Notify, orders), make([]error, orders)
	var signing sync.WaitGroup
	hands := runtime.NumCPU()
	for hand := range hands {
		signing.Go(func() {
			for i := hand; i < orders; i += hands {
				all[i], failed[i] = sign(i + 1)
			}
		})
	}
	signing.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Received is the notify as the ingress publishes it once it has verified it.
func (n Notify) Received(merchant string) ([]byte, error) {
	text, err := json.Marshal(events.Notify{
		Merchant: merchant, Kind: events.NotifyPayment, ReceivedAt: n.At.UTC().Format(time.RFC3339Nano),
		Method: http.MethodPost, Headers: n.Header, Body: n.Body,
	})
	if err != nil {
		return nil, fmt.Errorf("write a notify: %w", err)
	}
	return text, nil
}

// transaction is WeChat's number of the payment of the nth order.
func transaction(n int) string { return fmt.Sprintf("4200%024d", n) }

// openID is who paid the nth order.
func openID(n int) string { return fmt.Sprintf("oUpF8u%022d", n) }

// nonce makes every notify another one.
func nonce(n int) string { return fmt.Sprintf("%032X", n) }

// MAC is the hash that APIv2 signs with, over any text.
func MAC(text []byte) []byte {
	mac := hmac.New(sha256.New, []byte(keyV2))
	mac.Write(text)
	return mac.Sum(nil)
}
