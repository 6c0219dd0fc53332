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
	name, tagged, err := contracts.Tagged()
	breaks := 0
	if err == nil {
		breaks, err = report(os.Stdout, name, tagged, contracts.Current())
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "changes:", err)
		os.Exit(2)
	case breaks > 0:
		os.Exit(1)
	}
}

// report writes one line for each change since the version of that name, and counts those
// that break somebody.
func report(out io.Writer, name string, tagged, current fs.FS) (breaks int, err error) {
	before, err := contracts.Read(tagged)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	after, err := contracts.Read(current)
	if err != nil {
		return 0, err
	}
	changes := contracts.Compare(before, after)
	for _, change := range changes {
		fmt.Fprintln(out, change)
		if change.Breaks {
			breaks++
		}
	}
	fmt.Fprintf(out, "contract: %d places; since %s %d changes, of which %d break somebody\n", len(after), name, len(changes), breaks)
	return breaks, nil
}
