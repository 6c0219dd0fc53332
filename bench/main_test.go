package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"settled/bench/growth"
	"settled/bench/lone"
	"settled/bench/rig"
)

func TestMain(m *testing.M) {
	if played, err := rig.Played(parts(growth.Scale{})); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Everybody does a little of everything. Each run fails by itself if what it leaves behind
// is not right, to the last row and message.
func TestEverybodyComesToTheRightEnd(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	page, data := filepath.Join(folder, "page.md"), filepath.Join(folder, "figures.json")
	const size = 200
	arguments := []string{"-rounds", "1", "-size", fmt.Sprint(size), "-span", "50ms", "-rows", "0,10000", "-backlog", "1000", "-page", page, "-json", data}
	var out strings.Builder
	if err := run(t.Context(), arguments, &out, t.Output()); err != nil {
		t.Fatal(err)
	}
	var report rig.Report
	if err := json.Unmarshal(read(t, data), &report); err != nil {
		t.Fatal(err)
	}
	if report.Settings["PostgreSQL fsync"] != "on" || report.Settings["PostgreSQL synchronous_commit"] != "on" {
		t.Errorf("the servers are not durable: %v", report.Settings)
	}
	text := string(read(t, page))
	for _, part := range parts(growth.Scale{Rows: []int{0, 10_000}, Backlog: 1000}) {
		if !strings.Contains(text, "## "+strings.ReplaceAll(part.Name, "_", " ")+"\n") {
			t.Errorf("the page has no table of %s", part.Name)
		}
		for _, c := range part.Contestants {
			if !strings.Contains(text, "\n| "+c.Name+" | ") {
				t.Errorf("the page does not tell of %s in %s", c.Name, part.Name)
			}
		}
	}
	for _, result := range report.Results {
		want := size
		if result.Name == "lone" {
			want = lone.Operations(size)
		}
		for _, c := range result.Contestants {
			if result.Name != "limits" && (len(c.Rounds) != 1 || c.Rounds[0].Operations != want) {
				t.Errorf("%s of %s did %v", result.Name, c.Name, c.Rounds)
			}
		}
	}
}

func TestPartsAreChosenByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		only, who string
		want      []string
	}{
		{"limits", "", []string{"limits"}},
		{"finalize", "", []string{"finalize_v2", "finalize_v3"}},
		{"finalize_v3,limits", "", []string{"limits", "finalize_v3"}},
		{"", "River", []string{"finalize_v2", "finalize_v3"}},
		{"limits", "River", nil},
		{"final", "", nil},
	} {
		found, err := chosen(parts(growth.Scale{}), c.only, c.who)
		if (err != nil) != (c.want == nil) {
			t.Errorf("%q, %q: error %v", c.only, c.who, err)
		}
		var names []string
		for _, p := range found {
			names = append(names, p.Name)
		}
		if fmt.Sprint(names) != fmt.Sprint(c.want) {
			t.Errorf("%q, %q chooses %v, not %v", c.only, c.who, names, c.want)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
