// Package intake measures how fast orders come in: posted over HTTP with a token, checked,
// and answered once they are safe.
//
// It judges by the answers and by what the stream and the tables hold in the end.
package intake
