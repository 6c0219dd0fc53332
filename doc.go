// Package settled is the domain: what a payment is, which moves it may make, and
// what we ask of a payment gateway.
//
// It is the ground floor of the house. It must not know how anything travels
// (package events), where it is remembered (package store) or how WeChat spells it
// (package wechat); all of them know it instead. Nothing in it does I/O.
package settled

import _ "embed"

// Schema is the whole database in reading order: every table, every rule. The
// migrations of package store lead to the same database, and a test proves it.
//
//go:embed schema.sql
var Schema string
