// Package console is the operator's web page on the admin port: what happened to a payment, why
// it stands where it stands, what will happen next, and the few safe things that a person can do
// about it.
//
// It reads through the interfaces in needs.go and knows neither SQL nor NATS nor WeChat's
// protocols. It never moves a payment itself: an operator's act makes the workers look sooner,
// or says that a flag was looked into.
package console
