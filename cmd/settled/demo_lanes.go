package main

import (
	"fmt"
	"slices"
)

// lane is one way to pay in the demo: a merchant, the protocol it speaks and a trade type.
type lane struct {
	protocol, tradeType string
}

func (l lane) String() string { return l.protocol + " " + l.tradeType }

// merchant is the name of the lane's merchant: one for each protocol.
func (l lane) merchant() string { return demoMerchant(l.protocol) }

// refunds reports whether money can be given back over the lane's protocol.
func (l lane) refunds() bool { return l.protocol != protocolLegacy }

// The protocols, as the configuration names them.
const (
	protocolLegacy = "legacy"
	protocolV2     = "v2"
	protocolV3     = "v3"
	allProtocols   = "all"
)

// lanesOf are the lanes of each protocol that a demo speaks.
func lanesOf(protocol string) ([][]lane, error) {
	ways := []string{"APP", "JSAPI", "NATIVE", "H5"}
	all := map[string][]string{protocolLegacy: {"APP"}, protocolV2: ways, protocolV3: ways}
	protocols := []string{protocol}
	if protocol == allProtocols {
		protocols = []string{protocolLegacy, protocolV2, protocolV3}
	}
	var lanes [][]lane
	for _, name := range protocols {
		ways, ok := all[name]
		if !ok {
			return nil, fmt.Errorf("there is no protocol %q, only legacy, v2, v3 and all", name)
		}
		var of []lane
		for _, way := range ways {
			of = append(of, lane{name, way})
		}
		lanes = append(lanes, of)
	}
	return lanes, nil
}

// speaks reports whether a protocol is among the lanes.
func speaks(lanes [][]lane, protocol string) bool {
	return slices.ContainsFunc(lanes, func(of []lane) bool { return of[0].protocol == protocol })
}

// laneOf spreads the orders over the protocols, and those of each over its trade types.
func laneOf(lanes [][]lane, number int) lane {
	of := lanes[number%len(lanes)]
	return of[number/len(lanes)%len(of)]
}

func demoMerchant(protocol string) string { return "demo-" + protocol }
