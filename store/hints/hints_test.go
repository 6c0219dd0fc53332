package hints_test

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"
	"time"

	"settled/store/hints"
)

func TestABadURLIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"another scheme": "http://:hunter2@127.0.0.1/",
		"no url":         "redis://:hunter2@127.0.0.1:port/0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := hints.New(hints.Config{URL: url, Now: time.Now, Random: rand.Reader})
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestHintsNeedAClockAndRandomness(t *testing.T) {
	t.Parallel()
	if _, err := hints.New(hints.Config{URL: "redis://127.0.0.1/0"}); err == nil {
		t.Error("they do without")
	}
}

func TestReadyAsksRedis(t *testing.T) {
	t.Parallel()
	server, f := realRedis(t, newWeChat())
	p := f.start(t)
	if err := p.hints.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	server.Kill()
	if err := p.hints.Ready(t.Context()); err == nil {
		t.Error("a dead redis is ready")
	}
}

func TestNoTokenAndNoSecretIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, redis *bubbleRedis, f fleet) {
		var log bytes.Buffer
		f.config.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		f.tokens.DailyQuota = 3
		p := f.start(t)
		p.has(t, tokenNumber(1))
		redis.vanish()
		pass(time.Minute)
		p.has(t, tokenNumber(1))
		pass(time.Second)
		redis.comeBack()
		w.failWith(errBusy)
		err := refuseAll(t, p)
		for _, heard := range []string{
			`msg=fetched`, `"fetch failed"`, "redis lost", "redis back", "nothing is fetched any more",
		} {
			if strings.Count(log.String(), heard) == 0 {
				t.Errorf("%q is not logged:\n%s", heard, log.String())
			}
		}
		for _, secret := range []string{"TOKEN", "app and secret"} {
			if strings.Contains(log.String()+err.Error(), secret) {
				t.Errorf("the log tells %q:\n%s\n%v", secret, log.String(), err)
			}
		}
	})
}
