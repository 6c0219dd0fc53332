package peer

import (
	"context"
	"fmt"
	"strings"

	"github.com/ThreeDotsLabs/watermill"
	wnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/components/forwarder"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"settled/events"
)

// forwarded is the topic of the outbox.
const forwarded = "forwarded"

// Watermill works as Watermill's documents advise: a router reads the stream, each message
// is one transaction that also publishes into a table, and the forwarder carries what is
// in the table to the stream of the outputs.
func Watermill(ctx context.Context, task []byte) error {
	d, err := open(ctx, task)
	if err != nil {
		return err
	}
	defer d.db.Close()
	log := watermill.NewStdLogger(false, false)
	router, err := message.NewRouter(message.RouterConfig{}, log)
	if err != nil {
		return fmt.Errorf("make a router: %w", err)
	}
	notifies, err := wnats.NewSubscriber(d.subscription(), log)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if err := d.forward(router, log); err != nil {
		return err
	}
	router.AddConsumerHandler("finalize", d.Prefix+events.NotifyReceived, notifies, func(m *message.Message) error {
		merchant, trade, err := d.verify(m.Context(), m.Payload)
		if err != nil {
			return err
		}
		return pgx.BeginFunc(m.Context(), d.db, func(tx pgx.Tx) error {
			event, err := complete(m.Context(), tx, merchant, trade)
			if err != nil || event == nil {
				return err
			}
			return d.enqueue(m.Context(), tx, event, log)
		})
	})
	if err := router.Run(ctx); err != nil {
		return fmt.Errorf("run the router: %w", err)
	}
	return nil
}

// subscription reads the stream with a durable consumer and many subscribers.
func (d *desk) subscription() wnats.SubscriberConfig {
	name := strings.ReplaceAll(d.Prefix, ".", "_") + "watermill"
	return wnats.SubscriberConfig{
		URL: d.NATS, QueueGroupPrefix: name, SubscribersCount: d.Hands, Unmarshaler: plain{},
		JetStream: wnats.JetStreamConfig{
			DurablePrefix:    name,
			SubscribeOptions: []nats.SubOpt{nats.DeliverAll(), nats.AckExplicit(), nats.ManualAck()},
		},
	}
}

// forward lets the router carry what is in the table to the stream.
func (d *desk) forward(router *message.Router, log watermill.LoggerAdapter) error {
	table, err := wsql.NewSubscriber(wsql.BeginnerFromPgx(d.db), wsql.SubscriberConfig{
		SchemaAdapter: wsql.DefaultPostgreSQLSchema{}, OffsetsAdapter: wsql.DefaultPostgreSQLOffsetsAdapter{}, InitializeSchema: true,
	}, log)
	if err != nil {
		return fmt.Errorf("subscribe to the outbox: %w", err)
	}
	if err := table.SubscribeInitialize(forwarded); err != nil {
		return fmt.Errorf("make the outbox: %w", err)
	}
	outputs, err := wnats.NewPublisher(wnats.PublisherConfig{URL: d.NATS, JetStream: wnats.JetStreamConfig{TrackMsgId: true}}, log)
	if err != nil {
		return fmt.Errorf("make a publisher: %w", err)
	}
	_, err = forwarder.NewForwarder(table, outputs, log, forwarder.Config{ForwarderTopic: forwarded, Router: router})
	if err != nil {
		return fmt.Errorf("make the forwarder: %w", err)
	}
	return nil
}

// enqueue puts an event into the table, in the transaction of what it tells of.
func (d *desk) enqueue(ctx context.Context, tx pgx.Tx, event *events.Envelope, log watermill.LoggerAdapter) error {
	table, err := wsql.NewPublisher(wsql.TxFromPgx(tx), wsql.PublisherConfig{SchemaAdapter: wsql.DefaultPostgreSQLSchema{}}, log)
	if err != nil {
		return fmt.Errorf("publish into the outbox: %w", err)
	}
	m := message.NewMessageWithContext(ctx, event.ID, event.Data)
	for name, values := range event.Header() {
		m.Metadata.Set(name, values[0])
	}
	outbox := forwarder.NewPublisher(table, forwarder.PublisherConfig{ForwarderTopic: forwarded})
	if err := outbox.Publish(d.Prefix+event.Type, m); err != nil {
		return fmt.Errorf("publish into the outbox: %w", err)
	}
	return nil
}

// plain takes messages as they are: what comes in was not sent by Watermill.
type plain struct{}

// Unmarshal takes the message's data.
func (plain) Unmarshal(m *nats.Msg) (*message.Message, error) {
	return message.NewMessage(watermill.NewUUID(), m.Data), nil
}
