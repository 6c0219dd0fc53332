//go:build !failpoints

package main

import (
	"net"

	"settled"
	"settled/ingress"
	"settled/workers"
)

// What the parts of a process stand on. Built with the tag "failpoints", each of these has
// the points of package failpoint around it; here they are the things themselves.

func workersLedger(l workers.Ledger) workers.Ledger    { return l }
func workersBus(b workers.Bus) workers.Bus             { return b }
func workersGateway(g settled.Gateway) settled.Gateway { return g }
func ingressBus(b ingress.Bus) ingress.Bus             { return b }
func ingressListener(l net.Listener) net.Listener      { return l }
