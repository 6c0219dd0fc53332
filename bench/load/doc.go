// Package load is the clients of a part whose work comes in over HTTP: a process of its own
// that posts requests which were written beforehand, either as fast as its clients come
// free or at a rate that waits for nobody.
//
// It knows neither who answers nor what is asked.
package load
