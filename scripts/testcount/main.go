// Command testcount reads what "go test -json" says and tells people what they want to
// know of it: which packages are done, everything that a failed test printed, and at the
// end how many tests there were:
//
//	go test -json ./... | testcount
//
// Tests and their subtests count alike. It exits with 1 if anything failed, or if there
// was nothing to count.
package main

import (
	"fmt"
	"os"
)

func main() {
	var c count
	if err := c.read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "testcount: %v\n", err)
		os.Exit(1)
	}
	fmt.Println(c)
	if !c.good() {
		os.Exit(1)
	}
}
