// Package bus is JetStream: streams, consumers, publishing, consuming, and the only place
// in the program that acknowledges a message.
//
// It carries what package events describes. It must not know what a message means, nor
// PostgreSQL: what is to become of a message its handler says with a verdict.
package bus
