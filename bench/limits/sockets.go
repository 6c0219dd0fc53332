package limits

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"settled/bench/rig"
)

// clients is how many connections are kept alive.
const clients = 32

var sockets = []rig.Contestant{{
	Name: Echo, Settings: "1 KiB posted and answered by net/http, 32 connections kept alive, client and server in one process",
	Run: echo,
}}

func echo(ctx context.Context, r *rig.Round) (rig.Measure, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return rig.Measure{}, fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body) // the client sees what is missing
		_, _ = w.Write(body)
	})}
	go func() { _ = server.Serve(listener) }() // it ends when it is closed
	defer func() { _ = server.Close() }()
	transport := &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true}
	defer transport.CloseIdleConnections()
	return call(ctx, r.Span, &http.Client{Transport: transport}, "http://"+listener.Addr().String())
}

func call(ctx context.Context, span time.Duration, client *http.Client, url string) (rig.Measure, error) {
	var calls atomic.Int64
	var calling sync.WaitGroup
	failed := make([]error, clients)
	began := time.Now()
	for i := range clients {
		calling.Go(func() {
			var m rig.Measure
			m, failed[i] = spin(ctx, span, func(ctx context.Context) (int, error) { return 1, post(ctx, client, url) })
			calls.Add(int64(m.Operations))
		})
	}
	calling.Wait()
	return rig.Measure{Operations: int(calls.Load()), Took: time.Since(began)}, errors.Join(failed...)
}

func post(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(kilobyte))
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // all of it was read
	if n, err := io.Copy(io.Discard, answer.Body); err != nil || n != int64(len(kilobyte)) {
		return errors.Join(err, fmt.Errorf("%d bytes came back", n))
	}
	return nil
}
