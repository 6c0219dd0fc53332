// Package config reads the configuration file. It is strict: a file with a mistake is
// refused as a whole, before anything starts, and every mistake in it is named with its
// line and key.
//
// It knows the file, the files that it names, the environment and nothing else: no room of
// the house, no network. Whether a server answers or a key is the right one is for others to
// try.
package config

import (
	"fmt"
	"os"
	"time"
)

// Config is the whole configuration, with defaults filled in.
type Config struct {
	NATS      NATS
	Postgres  Postgres
	Redis     Redis
	Ingress   Ingress
	Admin     Admin
	Payments  Payments
	Traces    Traces
	Merchants map[string]Merchant // by name; never empty
}

// NATS says where the streams are, and what they are to be like.
type NATS struct {
	URL         URL    // one or more, with commas between
	Credentials string // path of a .creds file; empty for none
	InboxPrefix string // of the subjects on which replies come
	Prefix      string // put before every subject and stream name; may be empty
	Replicas    int    // of each stream, 1 to 5
	MaxMessages int64  // of each stream that takes requests or notifies
}

// Postgres says where the truth is.
type Postgres struct {
	URL URL
}

// Redis says where the hints are.
type Redis struct {
	URL URL
}

// Ingress is HTTP from outside.
type Ingress struct {
	Listen    string // host:port
	PublicURL string // without a slash at its end
	// Stored lets callers hear success as soon as the stream has what they sent
	// (acknowledge: stored), and not only once PostgreSQL has committed it.
	Stored bool
	Tokens []Token
}

// Token lets an order system in.
type Token struct {
	Name      string
	Token     Secret
	Merchants []string // that it may order for; never empty
	Rate      int      // requests per second
}

// Admin is HTTP for the people who run the program.
type Admin struct {
	Listen    string // host:port; beyond loopback only with operators
	Profile   bool   // Go's profiles are served too
	Operators []Operator
	Hosts     []string // under which browsers reach it, besides those of loopback
}

// Payments is how long a payment waits, and how often WeChat is asked about it.
type Payments struct {
	TTL           time.Duration   // until an unpaid payment is closed
	QuerySchedule []time.Duration // after the payment was prepared; rising, never empty
	InFlight      int             // payments in hand at once, of each pool
	Journal       time.Duration   // how long the journal is kept; 0 if there is none
}

// Traces says which traces are made, and where they go.
type Traces struct {
	Endpoint string            // of the collector, without a slash at its end; empty: none are made
	Sample   float64           // of those that begin here, 0 to 1
	Headers  map[string]Secret // of each request to the collector
}

// Load reads the file at path, and the key files that it names. lookup is os.LookupEnv, or a
// test's stand-in for it. The mistakes in the files come back as Problems.
func Load(path string, lookup func(name string) (string, bool)) (*Config, error) {
	return read(path, &reading{file: path, lookup: lookup, readFile: os.ReadFile})
}

// LoadKeyless is Load for a program that speaks for no merchant, or makes their keys: the
// key files need not be there.
func LoadKeyless(path string, lookup func(name string) (string, bool)) (*Config, error) {
	return read(path, &reading{file: path, lookup: lookup, readFile: os.ReadFile, keyless: true})
}

func read(path string, r *reading) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return r.config(data)
}

// Parse reads a configuration that is already in memory; name stands for the file in
// every problem. readFile fetches what file:/path refers to, and the key files.
func Parse(name string, data []byte, lookup func(string) (string, bool), readFile func(string) ([]byte, error)) (*Config, error) {
	r := &reading{file: name, lookup: lookup, readFile: readFile}
	return r.config(data)
}

func (r *reading) config(data []byte) (*Config, error) {
	root := r.document(data).section()
	cfg := &Config{
		NATS:      readNATS(root.at("nats").section()),
		Postgres:  readPostgres(root.at("postgres").section()),
		Redis:     readRedis(root.at("redis").section()),
		Admin:     readAdmin(root.at("admin").section()),
		Payments:  readPayments(root.at("payments").section()),
		Traces:    readTraces(root.at("traces").section()),
		Merchants: readMerchants(root.at("merchants")),
	}
	cfg.Ingress = readIngress(root.at("ingress").section(), cfg.Merchants)
	root.end()
	if len(r.problems) > 0 {
		return nil, r.problems.inOrder()
	}
	return cfg, nil
}
