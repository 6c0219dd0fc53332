package subscribe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"settled/events"
)

// Handler acts on one event. What it returns steers the event:
//
//	nil            done: acknowledged
//	GiveUp(err)    never again: it goes to Config.Park
//	any other      again, growing slower; to Config.Park after Config.MaxAttempts
//
// A handler that panics has failed as by any other error.
type Handler func(ctx context.Context, event Event) error

// Parked is a message that is not tried again: it can't be read, or its handler has given
// it up.
type Parked struct {
	Subject string // without prefix
	Header  map[string][]string
	Data    []byte
	Attempt int
	Reason  error // wraps ErrUnreadable, or is what the handler said
}

// Config says what is read and how. Name and Park must be there.
type Config struct {
	// Name of the durable consumer, without prefix. All processes of one service use the same
	// name and share its events; another service takes another one.
	Name string
	// Prefix is settled's nats.prefix.
	Prefix string
	// Types of the events that are wanted; default: all but audit.broken. A consumer that is
	// there already and reads other types is refused.
	Types []string
	// Since is where a new consumer begins; default: with the oldest event that the stream
	// keeps. One that is there goes on where it was.
	Since time.Time
	// InFlight is how many events are in hand at once; default 16.
	InFlight int
	// Ordered hands the events of an order to the handler one after the other, in the order
	// in which they were told. One process of the service is then at work at a time, and the
	// others stand by; an event that fails holds up its order, and no other.
	Ordered bool
	// MaxAttempts is after how many failures an event goes to Park; default: never. A database
	// that is away fails an event like anything else, so leave the default unless Park is read.
	MaxAttempts int
	// AckWait is after how long the events of a process that died go to another one; default
	// 30 s. Of a consumer that is there already, its own holds.
	AckWait time.Duration
	// Drain is how long handlers may go on after Run's context has ended; default 15 s. Then
	// their own context ends too.
	Drain time.Duration
	// Pause is how long a failed event waits before it is tried again: by default a second
	// after the first attempt, twice that after the second, and so on up to a minute.
	Pause func(attempt int) time.Duration
	// Park is given what will not be tried again. Once it returns nil the message is
	// terminated; until then it comes again.
	Park func(ctx context.Context, parked Parked) error
	// Log hears of failures; default: nobody.
	Log *slog.Logger
}

// durable is what a consumer's name may be, and what stands well in a row.
var durable = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// complete checks the configuration and fills in the defaults.
func (c *Config) complete() error {
	switch {
	case !durable.MatchString(c.Name):
		return fmt.Errorf("name must be 1 to 64 of A-Z a-z 0-9 _ -, and is %q", c.Name)
	case c.Park == nil:
		return errors.New("park is missing: somebody has to hear of what can't be read")
	case c.InFlight < 0 || c.MaxAttempts < 0:
		return errors.New("in flight and max attempts must not be less than nothing")
	}
	for _, t := range c.Types {
		if _, known := bodies[t]; !known {
			return fmt.Errorf("settled tells no %q", t)
		}
	}
	if c.InFlight == 0 {
		c.InFlight = 16
	}
	if c.AckWait == 0 {
		c.AckWait = 30 * time.Second
	}
	if c.Drain == 0 {
		c.Drain = 15 * time.Second
	}
	if c.Pause == nil {
		c.Pause = growing
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// wanted are the types that a new consumer is made for.
func (c *Config) wanted() []string {
	if len(c.Types) > 0 {
		return c.Types
	}
	var types []string
	for _, t := range events.Outputs {
		if t != events.AuditBroken {
			types = append(types, t)
		}
	}
	return types
}

func growing(attempt int) time.Duration {
	return min(time.Second<<min(max(attempt-1, 0), 16), time.Minute)
}

// givenUp is the verdict of a handler that will never be able to act on an event.
type givenUp struct{ err error }

func (g *givenUp) Error() string { return g.err.Error() }
func (g *givenUp) Unwrap() error { return g.err }

// GiveUp says that trying again is of no use: the event goes to Config.Park.
func GiveUp(err error) error { return &givenUp{err} }

// IsGivenUp reports whether err gives an event up.
func IsGivenUp(err error) bool {
	var g *givenUp
	return errors.As(err, &g)
}
