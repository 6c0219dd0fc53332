package main

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"

	"settled/console"
	"settled/store"
)

// What the operator's page stands on: the store is its ledger as it is; the letters and the
// health of the process are brought into its words beside this file.
var _ console.Ledger = (*store.Store)(nil)

// openConsole makes the operator's page of this process.
func (p *process) openConsole(a *admin) (*console.Console, error) {
	var operators []console.Operator
	for _, o := range p.cfg.Admin.Operators {
		operators = append(operators, console.Operator{Name: o.Name, Role: console.Role(o.Role), Hash: o.Password.Reveal()})
	}
	page, err := console.New(console.Config{
		Ledger: p.store, Letters: p.consoleLetters(), Health: &consoleHealth{process: p, admin: a},
		Operators: operators, Hosts: p.cfg.Admin.Hosts, Merchants: slices.Sorted(maps.Keys(p.cfg.Merchants)),
		Version: version, Now: p.store.Now, Random: rand.Reader, Log: p.log,
	})
	if err != nil {
		return nil, misuse{fmt.Errorf("admin.operators: %w", err)}
	}
	return page, nil
}
