// Package legacy is the wire of WeChat's first APP payment (WeChat Open Platform, APP
// payment document, about 2013 to 2015): how requests are spelled and signed, how answers
// and notifies are read, and what the error codes mean.
//
// It is pure: bytes in, bytes out. It must not know how they travel (there is no HTTP
// client in it, no clock and no randomness), nor what a payment is to this program.
package legacy
