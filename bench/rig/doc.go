// Package rig measures: it starts real servers, gives each contestant a clean schema and
// streams of its own, lets contestants work in turns on the same servers, and writes down
// what they came to, with the machine and the settings beside it.
//
// A Part is one kind of work and who does it; a Contestant is run once in each round and
// returns a Measure. The rig must not know what the work is: no subject, no table and no
// peer is named here.
package rig
