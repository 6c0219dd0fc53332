package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/cmd/settled/config"
)

// hash is the form of a password's hash.
const hash = "pbkdf2-sha256$600000$c2FsdHNhbHRzYWx0c2FsdA==$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

func TestOperatorsAreRead(t *testing.T) {
	t.Parallel()
	cfg := mustParse(t, in(t, "admin:\n  listen: 127.0.0.1:8081\n", `admin:
  listen: 0.0.0.0:8081
  operators:
    - {name: mei, role: operator, password: "`+hash+`"}
    - {name: "李 雷", role: viewer, password: "`+strings.ReplaceAll(hash, "=", "")+`"}
`))
	want := []config.Operator{
		{Name: "mei", Role: "operator", Password: config.NewSecret(hash)},
		{Name: "李 雷", Role: "viewer", Password: config.NewSecret(strings.ReplaceAll(hash, "=", ""))},
	}
	if diff := cmp.Diff(want, cfg.Admin.Operators, revealed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whoever comes over the network to a page that knows nobody would be let in.
func TestTheAdminAddressIsLoopbackUnlessThereAreOperators(t *testing.T) {
	t.Parallel()
	const refused = "17: admin.listen: must be a loopback address such as 127.0.0.1:8081, unless admin.operators says who may come"
	for listen, want := range map[string]string{
		"127.0.0.1:8081": "", "127.9.9.9:0": "", "[::1]:8081": "", "localhost:8081": "", "[::ffff:127.0.0.1]:8081": "",
		":8081": refused, "0.0.0.0:8081": refused, "[::]:8081": refused, "10.0.0.7:8081": refused, "localhost.example.com:8081": refused,
		"127.0.0.1.example.com:8081": refused, "pay:8081": refused,
	} {
		_, err := parse(in(t, "127.0.0.1:8081", `"`+listen+`"`))
		if got := strings.Join(mistakes(err), "\n"); got != want {
			t.Errorf("%s: %q, want %q", listen, got, want)
		}
	}
}

func TestMistakesOfOperators(t *testing.T) {
	t.Parallel()
	const form = "must be a hash such as pbkdf2-sha256$600000$<salt>$<key>: settled never reads the password itself"
	for name, row := range map[string]struct{ operators, want string }{
		"no list":          {"mei", "18: admin.operators: must be a list, is a string"},
		"nothing said":     {"[{}]", "18: admin.operators[0].name: is missing\n18: admin.operators[0].role: is missing\n18: admin.operators[0].password: is missing"},
		"a role of no use": {"[{name: a, role: root, password: " + hash + "}]", "18: admin.operators[0].role: must be viewer or operator"},
		"the password":     {"[{name: a, role: viewer, password: hunter2}]", "18: admin.operators[0].password: " + form},
		"few iterations": {
			"[{name: a, role: viewer, password: " + strings.Replace(hash, "600000", "1000", 1) + "}]",
			"18: admin.operators[0].password: must have from 100000 to 10000000 iterations",
		},
		"a short key":  {"[{name: a, role: viewer, password: " + hash[:60] + "}]", "18: admin.operators[0].password: " + form},
		"no base64":    {"[{name: a, role: viewer, password: 'pbkdf2-sha256$600000$%%%$%%%'}]", "18: admin.operators[0].password: " + form},
		"unprintable":  {`[{name: "a\nb", role: viewer, password: ` + hash + "}]", "18: admin.operators[0].name: must be a name of at most 64 bytes that can be printed"},
		"the same one": {"[{name: a, role: viewer, password: " + hash + "}, {name: a, role: viewer, password: " + hash + "}]", "18: admin.operators[1].name: is the same as that of admin.operators[0]"},
		"another key":  {"[{name: a, role: viewer, password: " + hash + ", mail: x}]", "18: admin.operators[0].mail: is not a known key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(in(t, "  listen: 127.0.0.1:8081\n", "  listen: 127.0.0.1:8081\n  operators: "+row.operators+"\n"))
			if diff := cmp.Diff(strings.Split(row.want, "\n"), mistakes(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the problem tells the password")
			}
		})
	}
}

func TestTheJournalIsKeptAsLongAsItSays(t *testing.T) {
	t.Parallel()
	const bounds = "19: payments.journal: must be 0, or a duration from 1h to 10000h"
	for text, want := range map[string]struct {
		kept    time.Duration
		problem string
	}{
		"24h": {24 * time.Hour, ""}, "0": {0, ""}, "0s": {0, ""}, "'0'": {0, ""}, "1h": {time.Hour, ""}, "10000h": {10000 * time.Hour, ""},
		"59m": {0, bounds}, "-1h": {0, bounds}, "10001h": {0, bounds}, "long": {0, bounds}, "7": {0, bounds + ", is an integer"},
	} {
		cfg, err := parse(in(t, "  ttl: 30m\n", "  journal: "+text+"\n"))
		if got := strings.Join(mistakes(err), "\n"); got != want.problem || err == nil && cfg.Payments.Journal != want.kept {
			t.Errorf("%s: %q, %+v", text, got, cfg)
		}
	}
	if cfg := mustParse(t, in(t, "  ttl: 30m\n", "")); cfg.Payments.Journal != 168*time.Hour {
		t.Errorf("kept for %s", cfg.Payments.Journal)
	}
}
