package bus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

// ErrUnseen: the connection is a new one, and nobody has looked yet whether the streams
// are still what they were.
var ErrUnseen = errors.New("the streams have not been looked at since the connection was lost")

// Streams tells what the streams are; those that are gone are made first. From then on
// PublishAll goes over this connection: it leads to a server whose streams were seen.
func (b *Bus) Streams(ctx context.Context) ([]events.Stream, error) {
	connection := b.connection()
	states := make([]events.Stream, len(streams))
	for i, s := range streams {
		info, err := b.ensure(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("look at stream %s: %w", b.named(s.name), err)
		}
		states[i] = events.Stream{
			Name: info.Config.Name, Created: info.Created.UTC().Truncate(time.Microsecond), Last: info.State.LastSeq,
			Lost: fingerprint(info.State.Lost), Keeps: s.keep, Outputs: s.name == Out,
		}
	}
	b.seen.Store(connection)
	return states, nil
}

// Reconnected is signalled when a connection was lost and is back: whatever is behind it
// may have lost its streams.
func (b *Bus) Reconnected() <-chan struct{} { return b.reconnected }

// connection is the number of the connection that is in use.
func (b *Bus) connection() uint64 { return b.nc.Stats().Reconnects }

// fingerprint tells one loss from another: a server goes on telling of a loss long after
// it was made good, and each replica of a stream tells of its own.
func fingerprint(lost *jetstream.LostStreamData) string {
	if lost == nil || len(lost.Msgs) == 0 && lost.Bytes == 0 {
		return ""
	}
	sum := sha256.Sum256(fmt.Append(nil, lost.Msgs, lost.Bytes))
	return hex.EncodeToString(sum[:8])
}
