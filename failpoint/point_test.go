package failpoint_test

import (
	"regexp"
	"testing"

	"settled/failpoint"
)

func TestPointsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z]+(\.[a-z_]+)+$`)
	seen := map[string]bool{}
	for _, p := range failpoint.Points() {
		if !name.MatchString(p.Name) || seen[p.Name] || p.Meaning == "" {
			t.Errorf("point %q of %s, %q", p.Name, p.Process, p.Meaning)
		}
		seen[p.Name] = true
	}
}
