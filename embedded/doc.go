// Package embedded starts the servers that settled stands on, for the demo and for
// tests: a private PostgreSQL from the installed binaries, NATS with JetStream inside
// this process, and Redis, either in this process or as the real redis-server.
//
// Every server listens on 127.0.0.1 only, keeps its address over a restart, and can be
// made to fail: stopped, killed, paused, emptied. Child processes die with this one.
//
// The package must not know what the servers are used for: no subject, no table, no key
// of settled is named here. It is not meant for production, where these servers run by
// themselves.
package embedded
