// Command trial lets the examples work beside a demo: two shops take orders, two services
// send the parcels, in Go and in Node, while every event is told twice and out of order, one
// message is no event at all, and both services are killed in the middle. Then it counts: one parcel for each order, one
// return for each refund, in both databases.
//
// It knows settled as an operator does, by its commands, NATS and PostgreSQL alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// orders is how many each shop takes.
const orders = 24

// limit bounds the trial; it takes a fraction of it.
const limit = 3 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "examples:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	began := time.Now()
	folder, err := os.MkdirTemp("", "settled-examples-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	stage := &stage{folder: folder}
	defer func() { err = errors.Join(err, stage.close()) }()
	if err := stage.set(ctx); err != nil {
		return err
	}
	doubler, err := startDoubler(ctx, stage.at.NATS)
	if err != nil {
		return err
	}
	defer doubler.close()
	if err := doubler.poison(ctx); err != nil {
		return err
	}
	if err := play(ctx, stage); err != nil {
		return err
	}
	for _, service := range stage.services {
		if err := service.settled(ctx, doubler); err != nil {
			return err
		}
	}
	var wrong []error
	for _, service := range stage.services {
		wrong = append(wrong, service.count(ctx))
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	fmt.Printf("examples: %d orders of two shops, %d events told twice: one parcel each in Go and in Node, after %s\n",
		2*orders, doubler.told(), time.Since(began).Round(time.Second))
	return nil
}

// play lets the shops sell while the services work, and kills each of them once it has sent
// a third of the parcels.
func play(ctx context.Context, stage *stage) error {
	for _, service := range stage.services {
		if err := service.start(ctx); err != nil {
			return err
		}
	}
	shops := make(chan error, 2)
	for _, shop := range stage.shops(ctx) {
		go func() { shops <- shop.Run() }()
	}
	for _, victim := range stage.services {
		if err := victim.sends(ctx, 2*orders/3); err != nil {
			return err
		}
		victim.kill()
		if err := victim.start(ctx); err != nil {
			return err
		}
	}
	for range 2 {
		if err := <-shops; err != nil {
			return fmt.Errorf("a shop ended with %w", err)
		}
	}
	return nil
}
