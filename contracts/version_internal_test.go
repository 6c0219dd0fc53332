package contracts

import (
	"slices"
	"testing"
)

func TestVersionsAreInOrder(t *testing.T) {
	t.Parallel()
	var last [2]int
	for _, name := range []string{"v1", "v1.1", "v1.2", "v1.10", "v2", "v10"} {
		number, err := parseVersion(name)
		if err != nil || slices.Compare(number[:], last[:]) <= 0 {
			t.Errorf("%s: %v after %v, %v", name, number, last, err)
		}
		last = number
	}
	for _, name := range []string{"", "v", "v1.x", "one", "v1.2.3", ".DS_Store"} {
		if number, err := parseVersion(name); err == nil {
			t.Errorf("%s: %v", name, number)
		}
	}
}
