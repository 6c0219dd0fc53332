package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"settled/events"
)

// finalizing is a job: a notify.
type finalizing struct {
	Data []byte `json:"data"`
}

// Kind names the job.
func (finalizing) Kind() string { return "finalize" }

// publishing is a job: an event that is committed.
type publishing struct {
	Event events.Envelope `json:"event"`
}

// Kind names the job.
func (publishing) Kind() string { return "publish" }

// River works as River's documents advise: a notify is a job, whose worker completes it in
// the transaction that does its work, and inserts there the job that publishes.
func River(ctx context.Context, task []byte) error {
	d, err := open(ctx, task)
	if err != nil {
		return err
	}
	defer d.db.Close()
	nc, err := nats.Connect(d.NATS)
	if err != nil {
		return fmt.Errorf("connect to nats: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("connect to jetstream: %w", err)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &finalizer{desk: d})
	river.AddWorker(workers, &publisher{desk: d, js: js})
	client, err := river.NewClient(riverpgxv5.New(d.db), &river.Config{
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: d.Hands}},
		FetchCooldown: d.Cooldown, Workers: workers,
	})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("start the client: %w", err)
	}
	<-ctx.Done()
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.Stop(bound)
}

type finalizer struct {
	river.WorkerDefaults[finalizing]
	*desk
}

// Work completes the payment and the job, or neither.
func (w *finalizer) Work(ctx context.Context, job *river.Job[finalizing]) error {
	merchant, trade, err := w.verify(ctx, job.Args.Data)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, w.db, func(tx pgx.Tx) error {
		event, err := complete(ctx, tx, merchant, trade)
		if err != nil {
			return err
		}
		if event != nil {
			if _, err := river.ClientFromContext[pgx.Tx](ctx).InsertTx(ctx, tx, publishing{*event}, nil); err != nil {
				return fmt.Errorf("insert the job that publishes: %w", err)
			}
		}
		_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
}

type publisher struct {
	river.WorkerDefaults[publishing]
	*desk
	js jetstream.JetStream
}

// Work publishes an event; the stream drops it if it has it.
func (w *publisher) Work(ctx context.Context, job *river.Job[publishing]) error {
	e := job.Args.Event
	_, err := w.js.PublishMsg(ctx, &nats.Msg{Subject: w.Prefix + e.Type, Header: e.Header(), Data: e.Data})
	return err
}

// PrepareRiver makes River's tables and puts notifies into its queue.
func PrepareRiver(ctx context.Context, postgres string, notifies [][]byte) error {
	db, err := pgxpool.New(ctx, postgres)
	if err != nil {
		return fmt.Errorf("open the queue: %w", err)
	}
	defer db.Close()
	driver := riverpgxv5.New(db)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return fmt.Errorf("make the queue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("make the queue: %w", err)
	}
	client, err := river.NewClient(driver, &river.Config{})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	jobs := make([]river.InsertManyParams, len(notifies))
	for i, data := range notifies {
		jobs[i] = river.InsertManyParams{Args: finalizing{data}}
	}
	n, err := client.InsertManyFast(ctx, jobs)
	if err == nil && n != len(jobs) {
		err = errors.New("some jobs are missing")
	}
	if err != nil {
		return fmt.Errorf("fill the queue: %w", err)
	}
	return nil
}
