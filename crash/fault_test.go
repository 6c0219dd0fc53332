package crash_test

import (
	"flag"
	"testing"

	"settled/crash"
)

var faultsToRun = flag.String("faults", "short", "which `faults` TestFaults lets happen: short, all, or the name of one")

// Whatever goes wrong around it while customers pay: everyone who paid gets what was paid
// for, once. The short run leaves the rest to make crash.
func TestFaults(t *testing.T) {
	t.Parallel()
	program, err := crash.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Remove() })
	happened := 0
	for _, f := range crash.Faults() {
		if *faultsToRun != "all" && *faultsToRun != f.Name && (*faultsToRun != "short" || !f.Short) {
			continue
		}
		happened++
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			report := f.Under(program).Do(t.Context())
			t.Log(report)
			if err := report.Err(); err != nil {
				t.Error(err)
			}
		})
	}
	if happened == 0 {
		t.Errorf("there is no fault %q", *faultsToRun)
	}
}
