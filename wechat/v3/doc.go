// Package v3 is the wire of WeChat Pay APIv3: how requests are spelled and signed, how
// answers and notifies are verified, decrypted and read, and what the error codes mean
// (WeChat Pay merchant documents, APIv3).
//
// It is pure: bytes in, bytes out. It must not know how they travel (there is no HTTP
// client in it, no clock and no randomness), nor what a payment is to this program.
package v3
