package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/lib/pq"
)

// stage is what the examples work on: a demo that is kept, and a database for each service.
type stage struct {
	folder   string
	demo     *exec.Cmd
	at       addresses
	services []*service
}

// addresses are what the demo says of itself.
type addresses struct {
	NATS, Postgres, Wechat, Merchant string
}

// set builds the programs and starts the demo.
func (s *stage) set(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", s.folder, "./cmd/settled", "./examples/shop", "./examples/fulfilment")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error")
	npm.Dir = "examples/node"
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	file := filepath.Join(s.folder, "addresses.json")
	s.demo = exec.Command(s.program("settled"), "demo", "--payments", "1", "--protocol", "v3", "--keep", "--addresses", file) //nolint:noctx // it is ended by close
	s.demo.Stderr = os.Stderr
	if err := s.demo.Start(); err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	if err := until(ctx, func() bool { return readJSON(file, &s.at) == nil }); err != nil {
		return fmt.Errorf("wait for the demo: %w", err)
	}
	for _, name := range []string{"go", "node"} {
		service, err := s.newService(ctx, name)
		if err != nil {
			return err
		}
		s.services = append(s.services, service)
	}
	return nil
}

func (s *stage) program(name string) string { return filepath.Join(s.folder, name) }

func readJSON(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// shops are the two order systems, not started yet.
func (s *stage) shops(ctx context.Context) []*exec.Cmd {
	shops := []*exec.Cmd{exec.CommandContext(ctx, s.program("shop")), exec.CommandContext(ctx, "node", "examples/node/shop.mjs")}
	for i, name := range []string{"go", "node"} {
		shops[i].Env = append(os.Environ(), "NATS_URL="+s.at.NATS, "MERCHANT="+s.at.Merchant, "WECHAT="+s.at.Wechat,
			"SHOP="+name, fmt.Sprint("ORDERS=", orders))
		shops[i].Stderr = os.Stderr
	}
	return shops
}

// newService makes the database of a service and says how it is run.
func (s *stage) newService(ctx context.Context, name string) (*service, error) {
	connector, err := pq.NewConnector(s.at.Postgres)
	if err != nil {
		return nil, err
	}
	admin := sql.OpenDB(connector)
	defer func() { _ = admin.Close() }()
	if _, err := admin.ExecContext(ctx, "create database parcels_"+name); err != nil {
		return nil, fmt.Errorf("create a database: %w", err)
	}
	address, err := url.Parse(s.at.Postgres)
	if err != nil {
		return nil, err
	}
	address.Path = "/parcels_" + name
	if connector, err = pq.NewConnector(address.String()); err != nil {
		return nil, err
	}
	of := map[string]service{
		"go":   {consumer: "fulfilment", program: []string{s.program("fulfilment")}},
		"node": {consumer: "node_fulfilment", program: []string{"node", "examples/node/fulfilment.mjs"}},
	}[name]
	of.name, of.db = name, sql.OpenDB(connector)
	of.environment = append(os.Environ(), "NATS_URL="+s.at.NATS, "DATABASE_URL="+address.String())
	return &of, nil
}

// close ends whatever runs. What was told to end has to end well.
func (s *stage) close() error {
	var wrong []error
	for _, service := range s.services {
		wrong = append(wrong, service.stop())
	}
	if s.demo != nil && s.demo.Process != nil {
		wrong = append(wrong, end(s.demo))
	}
	return errors.Join(wrong...)
}

// end tells a process to end, and kills it if it does not.
func end(command *exec.Cmd) error {
	const patience = 20 * time.Second
	_ = command.Process.Signal(syscall.SIGTERM) // one that has ended can't be told
	timer := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
	defer timer.Stop()
	if err := command.Wait(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(command.Path), err)
	}
	return nil
}

// until waits until something holds.
func until(ctx context.Context, holds func() bool) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
