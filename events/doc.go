// Package events is what travels: the subjects, one struct for every message, the rules
// each message must keep, and the words in which a handler tells the bus what is to
// become of a message.
//
// It stands on the standard library alone. It must not know the domain (a renamed Go
// field must never change the wire), nor NATS, nor PostgreSQL.
package events
