// Package v2 is the wire of WeChat Pay APIv2 (APIv2 documents: unified order, order query,
// close order, refund, refund query, payment and refund notification): how requests are
// spelled in XML and signed, how answers and notifies are verified and read, and what the
// error codes mean.
//
// It is pure: bytes in, bytes out. It must not know how they travel (there is no HTTP
// client in it, no clock and no randomness), nor what a payment is to this program.
package v2
