// Package life measures the whole life of a payment: an order system asks for it, settled
// prepares it with WeChat, the customer pays at once, WeChat's notify comes in over HTTP, and
// the order system hears that it is completed.
//
// WeChat is the simulator in a process of its own; the order system and its customers are
// another. The package judges by what the order system has heard and by what the tables, the
// stream and WeChat's books hold in the end. It must not know how settled works.
package life
