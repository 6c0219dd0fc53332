// Command changes says what has changed since the contract that was tagged last, and what of
// it breaks order systems or subscribers; it ends with 1 if anything does. It must not know
// more of a contract than package contracts tells.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"settled/contracts"
)

func main() {
	broken, err := report(os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "changes:", err)
		os.Exit(2)
	case broken:
		os.Exit(1)
	}
}

// report writes one line for each change, and reports whether one breaks anybody.
func report(out io.Writer) (broken bool, err error) {
	name, tagged, err := contracts.Tagged()
	if err != nil {
		return false, err
	}
	var read [2]contracts.Contract
	for i, files := range []fs.FS{tagged, contracts.Current()} {
		if read[i], err = contracts.Read(files); err != nil {
			return false, err
		}
	}
	changes := contracts.Compare(read[0], read[1])
	breaks := 0
	for _, change := range changes {
		fmt.Fprintln(out, change)
		if change.Breaks {
			breaks++
		}
	}
	fmt.Fprintf(out, "contract: %d places; since %s %d changes, of which %d break somebody\n", len(read[1]), name, len(changes), breaks)
	return breaks > 0, nil
}
