package main

import (
	"bytes"
	"io/fs"
	"regexp"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"settled/contracts"
)

// without is the contract of this tree without one line of a file.
func without(t *testing.T, file, line string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(contracts.Current(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(contracts.Current(), name)
		if name == file {
			data = bytes.Replace(data, []byte(line), nil, 1)
		}
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var places = regexp.MustCompile(`contract: \d+ places`)

func TestTheReportNamesEveryChangeAndCountsWhatBreaks(t *testing.T) {
	t.Parallel()
	less := without(t, "schemas/payment.closed.json", `"required": ["reason"],`)
	for _, row := range []struct {
		before, after fs.FS
		breaks        int
		want          string
	}{
		{less, contracts.Current(), 0, "harmless  POST /v1/payments, 200 application/json: (choice 3).reason: is required now\n" +
			"harmless  subscribe payment.closed: reason: is required now\ncontract: N places; since v7 2 changes, of which 0 break somebody\n"},
		{contracts.Current(), less, 2, "BREAKS    POST /v1/payments, 200 application/json: (choice 3).reason: may be left out now\n" +
			"BREAKS    subscribe payment.closed: reason: may be left out now\ncontract: N places; since v7 2 changes, of which 2 break somebody\n"},
	} {
		var out bytes.Buffer
		breaks, err := report(&out, "v7", row.before, row.after)
		if err != nil || breaks != row.breaks {
			t.Errorf("%d breaks, %v", breaks, err)
		}
		got := places.ReplaceAllString(out.String(), "contract: N places")
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
	}
	if _, err := report(&bytes.Buffer{}, "v7", fstest.MapFS{}, contracts.Current()); err == nil {
		t.Error("compared with nothing")
	}
}
