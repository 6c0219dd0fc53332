package main

import (
	"bytes"
	"strings"
	"testing"

	"settled/console"
)

func TestPasswordPrintsAHash(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		in   string
		code int
	}{
		"a line":           {"correct horse battery\n", exitDone},
		"no line's end":    {"correct horse battery", exitDone},
		"as Windows ends":  {"correct horse battery\r\n", exitDone},
		"more lines":       {"correct horse battery\nstaple\n", exitDone},
		"too short":        {"elevenchars\n", exitUsage},
		"nothing":          {"", exitUsage},
		"spaces are parts": {"correct horse battery \n", exitDone},
	} {
		var out, said bytes.Buffer
		code := run(t.Context(), []string{"password"}, streams{in: strings.NewReader(row.in), out: &out, err: &said})
		if code != row.code {
			t.Errorf("%s: exit %d, %s", name, code, said.String())
		}
		if strings.Contains(said.String()+out.String(), "horse") {
			t.Errorf("%s: the password is shown", name)
		}
		want := "correct horse battery"
		if name == "spaces are parts" {
			want += " "
		}
		if code == exitDone && !console.Verify(strings.TrimSuffix(out.String(), "\n"), want) {
			t.Errorf("%s: printed %q, which does not verify", name, out.String())
		}
	}
	if got := settledRuns(t.Context(), "password", "correct horse battery"); got.code != exitUsage || strings.Contains(got.err, "horse") {
		t.Errorf("a password as an argument: exit %d, %s", got.code, got.err)
	}
}
