// Package failpoint names the places at which a process may be made to die, so that it can
// be proved that dying there loses nothing. Point lists all of them; At stands at each.
//
// In a usual build At is empty and the compiler removes it. Built with the tag "failpoints"
// a process reads SETTLED_FAILPOINT=name:way[:nth] once, and dies in that way when it comes
// to that point for the nth time.
//
// It must not know what happens at its points, nor who waits for them to be hit.
package failpoint
