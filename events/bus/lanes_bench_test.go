package bus_test

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"settled/events"
	"settled/events/bus"
)

// BenchmarkBacklog fills a stream with 200,000 messages and works them off, while a new
// message comes every 50 ms. It reports how long the new ones waited, and this process's
// memory, the server's included.
func BenchmarkBacklog(b *testing.B) {
	const backlog = 200_000
	server := must(shared())
	for b.Loop() {
		cfg := bus.Config{Prefix: "bench" + strconv.FormatInt(prefixes.Add(1), 10) + ".", URL: server.URL(), Log: slog.New(slog.DiscardHandler)}
		one, err := bus.Connect(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		if err := one.Ensure(b.Context()); err != nil {
			b.Fatal(err)
		}
		for at := 0; at < backlog; at += 1000 {
			wave := make([]events.Envelope, 1000)
			for i := range wave {
				wave[i] = requested(at + i)
			}
			_, failures := one.PublishAll(b.Context(), wave)
			for _, err := range failures {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		time.Sleep(3 * time.Second) // the backlog grows old
		began := time.Now()
		var handled, fresh, worst atomic.Int64
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = one.Consume(ctx, events.Consumer{Name: "prepare", Subject: events.PaymentRequested, InFlight: 64}, func(_ context.Context, m events.Message) error {
				time.Sleep(2 * time.Millisecond)
				if handled.Add(1); m.At.After(began.Add(time.Second)) {
					fresh.Add(1)
					worst.Store(max(worst.Load(), int64(time.Since(m.At))))
				}
				return nil
			})
		}()
		sent := int64(0)
		for handled.Load() < backlog+sent && time.Since(began) < 100*time.Second {
			if err := one.Publish(b.Context(), requested(backlog+int(sent))); err != nil {
				b.Fatal(err)
			}
			sent++
			time.Sleep(50 * time.Millisecond)
		}
		b.ReportMetric(float64(handled.Load())/time.Since(began).Seconds(), "messages/s")
		b.ReportMetric(float64(worst.Load())/1e6, "worst-new-ms")
		b.ReportMetric(float64(fresh.Load()), "new")
		b.ReportMetric(float64(handled.Load()), "handled")
		b.ReportMetric(residentMiB(), "MiB-resident")
		stop()
		<-ended
		_ = one.Close(b.Context())
	}
}

// residentMiB is this process's resident memory.
func residentMiB() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, _ := strconv.ParseFloat(strings.Fields(rest + " 0")[0], 64)
	return kib / 1024
}
