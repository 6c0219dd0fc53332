// Package store is PostgreSQL: every query of the program, each beside the method that
// runs it, one file for each family of tables.
//
// Whatever waits at the same moment for the same statement shares it, and so its commit
// (package batch). A move is one guarded statement that writes the row, its history and
// its outbox together; a row that no longer stands where the caller saw it is left alone.
//
// The store must not know WeChat, messages or workers. Errors leave it as
// settled.ErrUnavailable (PostgreSQL does not answer; whether a write was committed is
// then unknown and is found out by asking again, by key), settled.ErrNotFound, or wrapped
// as they are.
package store
