// Command settled is an event-driven payment worker for WeChat Pay.
//
// This package is the glue: it reads flags and configuration, opens what the rooms stand
// on, brings them together and lets them run. It is the only room that sees all others,
// and decides nothing about payments.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"settled/store/hints"
)

func main() {
	hints.Mute()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}
