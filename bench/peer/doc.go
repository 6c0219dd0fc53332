// Package peer holds what others would write instead of settled: the same work with the
// same rows, built with a library as its own documents advise. Each is a role, a process of
// its own.
//
// What they share is settled's own reading of a notify and its events, so that it is the
// way of working that differs and nothing else. It must not know how they are measured.
package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"settled"
	"settled/bench/shop"
)

// Task is what a peer is told.
type Task struct {
	Postgres string // URL
	NATS     string // URL
	Prefix   string // before every subject
	Folder   string // with the keys
	Listen   string // where it answers HTTP, if it does
	Hands    int    // how many notifies, or jobs, are worked on at the same time
	// Connections bounds the pool.
	Connections int
	Cooldown    time.Duration // River's FetchCooldown
}

// desk is what every peer has.
type desk struct {
	Task
	db       *pgxpool.Pool
	gateways map[string]settled.Gateway
}

func open(ctx context.Context, task []byte) (*desk, error) {
	var d desk
	if err := json.Unmarshal(task, &d.Task); err != nil {
		return nil, fmt.Errorf("read the task: %w", err)
	}
	cfg, err := pgxpool.ParseConfig(d.Postgres)
	if err != nil {
		return nil, fmt.Errorf("read the URL of PostgreSQL: %w", err)
	}
	cfg.MaxConns = int32(d.Connections) //nolint:gosec // a few
	var failed [2]error
	d.db, failed[0] = pgxpool.NewWithConfig(ctx, cfg)
	d.gateways, failed[1] = shop.Gateways(d.Folder)
	return &d, errors.Join(failed[:]...)
}
