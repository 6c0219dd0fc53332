// Package acknowledge measures how fast WeChat hears that its word was taken: notifies are
// posted over HTTP, and each is answered with success once what it means is committed.
//
// It judges by the answers, the rows and the messages, and knows who is measured only as
// processes.
package acknowledge
