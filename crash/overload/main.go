// Command overload starts settled behind a backlog, lets new customers come while it is
// worked off, floods the ingress meanwhile, and writes down what that took: memory, waiting
// times, and how many orders were lost, which must be none.
//
// It stands on the rig in the room above and judges settled from outside, by HTTP, NATS, its
// tables and what the kernel says of its processes. It must not import the rooms that it
// judges.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"settled/crash"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	var err error
	if os.Getenv(callersVariable) == "" {
		err = run(ctx)
	} else {
		err = beCallers(ctx, os.Stdin, os.Stdout)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "overload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	messages := flag.Int("messages", 1_000_000, "how many `orders` wait when the worker starts")
	last := flag.Duration("flood", 20*time.Second, "how long each flood of the ingress lasts, as a `duration`")
	inFlight := flag.Int("in-flight", 64, "how many `payments` each pool has in hand")
	doc := flag.String("doc", "", "write the page to this `file`")
	revision := flag.String("revision", "unknown", "the `revision` that the page is of")
	flag.Parse()
	program, err := crash.Build(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = program.Remove() }() // a temporary file
	o := overload{
		messages: *messages, floods: floods(*last), every: 200 * time.Millisecond, inFlight: *inFlight, durable: true, log: os.Stderr,
	}
	result, err := o.under(ctx, program)
	if err != nil {
		return err
	}
	fmt.Fprint(os.Stdout, result.table())
	if *doc != "" {
		err = result.write(*doc, *revision)
	}
	return errors.Join(err, result.err())
}
