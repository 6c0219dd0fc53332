//go:build !failpoints

package failpoint

// At is a point at which the process may die: the name's parts, to be joined by dots. In
// this build it does nothing.
func At(...string) {}
