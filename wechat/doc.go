// Package wechat puts WeChat's protocols behind settled.Gateway: one type for each, which
// knows both what a payment is and, through the protocol's own package, how WeChat spells
// it.
//
// It decides what an answer means for a payment. It must not know where payments are kept
// or how events travel, and it keeps nothing of a payment itself: whatever it would have to
// remember comes in with it.
package wechat
