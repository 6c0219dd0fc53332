package main

import (
	"settled/console"
	"settled/store"
)

// What the operator's page stands on: the store is its ledger as it is; the letters and the
// health of the process are brought into its words beside this file.
var _ console.Ledger = (*store.Store)(nil)

// consoleParts are what a page of this process is made of.
func (p *process) consoleParts(a *admin) (console.Ledger, console.Letters, console.Health) {
	return p.store, p.consoleLetters(), &consoleHealth{process: p, admin: a}
}
