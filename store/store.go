package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"settled"
	"settled/batch"
)

// Config says where PostgreSQL is.
type Config struct {
	URL string // postgres://…; parameters that are not set get safe values
	// Connections bounds the pool; default 16.
	Connections int
	// Silence is how long a connection may stay silent in the middle of a call before it
	// is given up; default 10 s. It must exceed the longest statement.
	Silence time.Duration
	// Now is this machine's clock, right or wrong: the database's is reckoned from it;
	// default time.Now.
	Now func() time.Time
	// Journal says that Note keeps what it is given, and JournalLost hears how many lines
	// were not written; it may be nil.
	Journal     bool
	JournalLost func(lines int)
	// Observe, if set, hears how long a shared statement took, and for how many callers.
	Observe func(statement string, callers int, took time.Duration)
	// Begin, if set, is called before each shared statement with the contexts of those who
	// share it; the function that it returns is told how the statement ended.
	Begin func(ctx context.Context, statement string, callers []context.Context) (context.Context, func(error))
	Log   *slog.Logger
}

// Store is the database. Its methods may be called from many goroutines.
type Store struct {
	db    *sqlx.DB
	log   *slog.Logger
	now   func() time.Time
	clock clock
	woken chan struct{}
	cfg   Config

	statements *statements
	journal    *journal // nil if none is kept
	rates      rates

	records *batch.Group[settled.Payment, settled.Recorded]
	lookups *batch.Group[orderKey, *settled.Payment]
	moves   *batch.Group[settled.Move, bool]
	delays  *batch.Group[settled.Delay, bool]
	tells   *batch.Group[settled.Event, bool]

	refundRecords *batch.Group[settled.Refund, settled.RecordedRefund]
	refundMoves   *batch.Group[settled.RefundMove, bool]
}

// Open returns a store on the database at cfg.URL. It makes no connection yet: Ready and
// Migrate do.
func Open(cfg Config) (*Store, error) {
	if cfg.Connections == 0 {
		cfg.Connections = 16
	}
	if cfg.Silence == 0 {
		cfg.Silence = 10 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	connector, err := connect(cfg)
	if err != nil {
		return nil, err
	}
	db := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	db.SetMaxOpenConns(cfg.Connections)
	db.SetMaxIdleConns(cfg.Connections)
	db.SetConnMaxIdleTime(5 * time.Minute)

	s := &Store{db: db, cfg: cfg, log: cfg.Log, now: cfg.Now, woken: make(chan struct{}, 1), statements: newStatements(db)}
	s.share()
	if cfg.Journal {
		if cfg.JournalLost == nil {
			cfg.JournalLost = func(int) {}
		}
		s.journal = newJournal(s.writeJournal, cfg.JournalLost)
	}
	return s, nil
}

// Close writes what is left of the journal, and gives every connection back. One that broke
// while it was idle can't be closed any better than it is: of that nobody has to hear.
func (s *Store) Close() error {
	if s.journal != nil {
		s.journal.close()
	}
	if err := translate(s.db.Close()); err != nil && !errors.Is(err, settled.ErrUnavailable) {
		return fmt.Errorf("close postgres: %w", err)
	}
	return nil
}

// Ready reports whether PostgreSQL answers, and sets the store's clock by its clock.
func (s *Store) Ready(ctx context.Context) error {
	asked := s.now()
	var now time.Time
	if err := s.db.QueryRowContext(ctx, `select clock_timestamp()`).Scan(&now); err != nil {
		return fmt.Errorf("ask postgres for the time: %w", translate(err))
	}
	s.clock.set(asked, now, s.now())
	return nil
}

// Woken is signalled after this process has committed something for the relay. It is a
// hint: what other processes commit is not signalled.
func (s *Store) Woken() <-chan struct{} { return s.woken }

func (s *Store) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// settings are the server's parameters that a payment worker can't do without, for every
// URL that does not set them itself.
var settings = map[string]string{
	"sslmode":                             "prefer",
	"application_name":                    "settled",
	"connect_timeout":                     "5",
	"binary_parameters":                   "yes", // one round trip for each query instead of two
	"jit":                                 "off", // no statement of ours is long enough to be worth a second of compiling
	"statement_timeout":                   "8000",
	"lock_timeout":                        "5000",
	"idle_in_transaction_session_timeout": "10000",
}

func connect(cfg Config) (*pq.Connector, error) {
	dsn, err := url.Parse(cfg.URL)
	if err != nil || dsn.Scheme != "postgres" && dsn.Scheme != "postgresql" {
		return nil, fmt.Errorf("read the postgres url: not a postgres:// url")
	}
	query := dsn.Query()
	for name, value := range settings {
		if !query.Has(name) {
			query.Set(name, value)
		}
	}
	dsn.RawQuery = query.Encode()
	connector, err := pq.NewConnector(dsn.String())
	if err != nil {
		return nil, fmt.Errorf("read the postgres url: %w", err)
	}
	connector.Dialer(dialer{silence: cfg.Silence})
	return connector, nil
}
