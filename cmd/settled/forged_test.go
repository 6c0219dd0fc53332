package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Notifies that are forged well enough to cost an RSA verification, and guessed tokens, come
// as fast as one machine can send; payments are completed by their notifies all the while.
func TestForgersAndGuessersHoldUpNoPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{compress: 1}) // a refused notify would come again after 15 s
	w.serve()
	signature := make([]byte, 256)
	for i := range signature {
		signature[i] = byte(rand.N(256)) //nolint:gosec // any will do
	}
	forged := []string{
		"Wechatpay-Serial", w.publicKeyID(), "Wechatpay-Nonce", "n", "Wechatpay-Timestamp", strconv.FormatInt(time.Now().Unix(), 10),
		"Wechatpay-Signature", base64.StdEncoding.EncodeToString(signature),
	}
	hostile := []struct {
		path    string
		headers []string
		status  int
	}{{"/notify/shop3", forged, 401}, {"/v1/payments", []string{"Authorization", "Bearer a-guess"}, 401}}
	ctx, stop := context.WithCancel(t.Context())
	var sent, wrong atomic.Int64
	var forgers sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	for n := range 32 {
		forgers.Go(func() {
			h := hostile[n%2]
			for ctx.Err() == nil {
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.ingress+h.path, bytes.NewReader([]byte("{}")))
				if err != nil {
					return
				}
				for i := 0; i < len(h.headers); i += 2 {
					r.Header.Set(h.headers[i], h.headers[i+1])
				}
				answer, err := client.Do(r)
				if err != nil {
					continue
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if sent.Add(1); answer.StatusCode != h.status {
					wrong.Add(1)
				}
			}
		})
	}
	began := time.Now()
	for i := range 10 {
		id := fmt.Sprintf("forged%04d", i)
		merchant := []string{"classic", "shop2", "shop3"}[i%3]
		w.publish("payment.requested", order(id, map[string]any{"merchant": merchant}))
		prepared := w.expect("payment.prepared", id)
		paid := time.Now()
		w.pays(prepared)
		w.expect("payment.completed", id)
		if took := time.Since(paid); took > 5*time.Second {
			t.Errorf("%s of %s was completed %s after it was paid", id, merchant, took)
		}
	}
	rate := float64(sent.Load()) / time.Since(began).Seconds()
	stop()
	forgers.Wait()
	if sent.Load() == 0 || wrong.Load() > 0 {
		t.Errorf("%d of %d forged requests were not answered with 401", wrong.Load(), sent.Load())
	}
	t.Logf("%.0f forged requests a second", rate)
}

// publicKeyID names the key that WeChat's signatures for shop3 verify with.
func (w *world) publicKeyID() string {
	w.t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	found := regexp.MustCompile(`public_key_id: (\S+)`).FindSubmatch(text)
	if found == nil {
		w.t.Fatal("shop3 has no public key")
	}
	return string(found[1])
}
