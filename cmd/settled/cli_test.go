package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"settled/embedded"
	"settled/events"
	"settled/wechat/simulator"
)

// output is what a command left behind.
type output struct {
	code     int
	out, err string
}

func settledRuns(ctx context.Context, arguments ...string) output {
	var out, err bytes.Buffer
	code := run(ctx, arguments, streams{in: strings.NewReader(""), out: &out, err: &err})
	return output{code, out.String(), err.String()}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		arguments []string
		code      int
		says      string // on stdout with code 0, else on stderr
	}{
		"nothing":              {nil, exitUsage, "Usage: settled COMMAND"},
		"help":                 {[]string{"help"}, exitDone, "payment worker"},
		"--help":               {[]string{"--help"}, exitDone, "payment worker"},
		"help of a command":    {[]string{"help", "pay"}, exitDone, "Example:\n  settled pay"},
		"help of none":         {[]string{"help", "serv"}, exitUsage, `"serv"`},
		"--version":            {[]string{"--version"}, exitDone, version},
		"-v":                   {[]string{"-v"}, exitDone, version},
		"-v with a word":       {[]string{"-v", "now"}, exitUsage, `"now"`},
		"no such command":      {[]string{"serv"}, exitUsage, `"serv"`},
		"no such flag":         {[]string{"serve", "--confg", "x"}, exitUsage, "confg"},
		"no such log level":    {[]string{"version", "--log-level", "loud"}, exitUsage, `"loud"`},
		"no configuration":     {[]string{"serve"}, exitUsage, "--config"},
		"no such file":         {[]string{"serve", "--config", "/nowhere.yaml"}, exitUsage, "/nowhere.yaml"},
		"version":              {[]string{"version"}, exitDone, version},
		"dead without a verb":  {[]string{"dead", "--config", "x"}, exitUsage, "list, show, replay and drop"},
		"dead with a word":     {[]string{"dead", "drop", "twelve", "--config", "x"}, exitUsage, `"twelve"`},
		"dead without numbers": {[]string{"dead", "replay", "--config", "x"}, exitUsage, "--all"},
		"dead, both ways":      {[]string{"dead", "drop", "1", "--merchant", "m", "--config", "x"}, exitUsage, "not both"},
		"dead at no time":      {[]string{"dead", "list", "--since", "noon", "--config", "x"}, exitUsage, `"noon"`},
		"dead of no subject":   {[]string{"dead", "list", "--subject", "a b", "--config", "x"}, exitUsage, `"a b"`},
		"dead without a rate":  {[]string{"dead", "replay", "--all", "--rate", "0", "--config", "x"}, exitUsage, "--rate"},
		"dead below nothing":   {[]string{"dead", "list", "--limit", "-1", "--config", "x"}, exitUsage, "--limit"},
		"a replay in JSON":     {[]string{"dead", "replay", "1", "--json", "--config", "x"}, exitUsage, "--json"},
		"a payment, at once":   {[]string{"pay", "--wait", "0s", "--config", "x"}, exitUsage, "--wait"},
		"a refund of before":   {[]string{"refund", "--wait", "-1s", "--config", "x"}, exitUsage, "--wait"},
		"show without words":   {[]string{"show", "--config", "x"}, exitUsage, ""},
		"audit without a file": {[]string{"audit"}, exitUsage, "--config"},
		"audit with a word":    {[]string{"audit", "now", "--config", "x"}, exitUsage, `"now"`},
		"audit without time":   {[]string{"audit", "--still", "-1s", "--config", "x"}, exitUsage, "--still"},
		"a negative demo":      {[]string{"demo", "--payments", "-1"}, exitUsage, "payments"},
		"addresses of nothing": {[]string{"demo", "--addresses", "x"}, exitUsage, "--keep"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := settledRuns(t.Context(), row.arguments...)
			said := got.err
			if row.code == exitDone {
				said = got.out
			}
			if got.code != row.code || !strings.Contains(said, row.says) {
				t.Errorf("exit %d, want %d with %q:\n%s%s", got.code, row.code, row.says, got.out, got.err)
			}
		})
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	t.Parallel()
	for _, c := range commands {
		got := settledRuns(t.Context(), c.name, "--help")
		if got.code != exitDone || !strings.Contains(got.out, "Example:\n  settled "+c.name) {
			t.Errorf("settled %s --help: exit %d\n%s", c.name, got.code, got.out)
		}
	}
}

func TestAWrongConfigurationIsRefusedWithAllItsMistakesAndNoSecret(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "settled.yaml")
	text := `
nats: {urll: "nats://127.0.0.1:4222"}
payments: {ttl: soon}
merchants:
  classic: {protocol: legacy, app_id: wx1, partner_key: TOPSECRET, token_daily_quota: many}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"serve", "worker", "ingress", "check", "migrate"} {
		got := settledRuns(t.Context(), command, "--config", file)
		if got.code != exitUsage {
			t.Errorf("settled %s: exit %d, want %d", command, got.code, exitUsage)
		}
		for _, key := range []string{"urll", "ttl", "app_secret", "pay_sign_key", "token_daily_quota"} {
			if !strings.Contains(got.err, key) {
				t.Errorf("settled %s does not name %s:\n%s", command, key, got.err)
			}
		}
		if strings.Contains(got.out+got.err, "TOPSECRET") {
			t.Errorf("settled %s prints a secret:\n%s", command, got.err)
		}
	}
}

// Commas are followed by spaces where people write them.
func TestPoolsMayStandApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.begins("worker", "--config", w.file, "--pools", " prepare, sweep ")
	if got := settledRuns(t.Context(), "worker", "--config", w.file, "--pools", "prepare, sweeep"); got.code != exitUsage || !strings.Contains(got.err, `"sweeep"`) {
		t.Errorf("a pool that is none: exit %d\n%s", got.code, got.err)
	}
}

// Nothing starts with a merchant who could not sign, or could verify nothing.
func TestAKeyFileThatCanNotBeReadIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"private_key: ", "public_key: ", "client_certificate: /nowhere\n    client_key: "} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldConfig{})
			text, err := os.ReadFile(w.file)
			if err != nil {
				t.Fatal(err)
			}
			broken := regexp.MustCompile(`(?m)^    (private|public)_key: .*$`).ReplaceAllStringFunc(string(text), func(line string) string {
				if strings.HasPrefix(line, "    "+key) {
					return "    " + key + "/nowhere"
				}
				return line
			})
			if strings.HasPrefix(key, "client") {
				broken = strings.Replace(broken, "    sign_type:", "    "+key+"/nowhere\n    sign_type:", 1)
			}
			if err := os.WriteFile(w.file, []byte(broken), 0o600); err != nil {
				t.Fatal(err)
			}
			got := settledRuns(t.Context(), "serve", "--config", w.file)
			at := regexp.MustCompile(regexp.QuoteMeta(w.file) + `:\d+: merchants\.shop\d\.\w+: .*/nowhere`)
			if got.code != exitUsage || !at.MatchString(got.err) {
				t.Errorf("exit %d\n%s", got.code, got.err)
			}
		})
	}
}

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	for range 2 {
		if got := settledRuns(t.Context(), "migrate", "--config", w.file); got.code != exitDone {
			t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
		}
	}
}

// right and wrong are check's verdicts.
func verdicts(out string) (right, wrong []string) {
	for line := range strings.Lines(out) {
		verdict, what, _ := strings.Cut(strings.TrimSpace(line), "  ")
		switch verdict {
		case "right":
			right = append(right, what)
		case "wrong":
			wrong = append(wrong, what)
		}
	}
	return right, wrong
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartRedisServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(t.Context()) })
	w := newWorld(t, worldConfig{redisURL: server.URL()})
	alone(t, w)
	if got := settledRuns(t.Context(), "check", "--config", w.file); got.code != exitDone {
		t.Errorf("with everything well: exit %d\n%s%s", got.code, got.out, got.err)
	}

	server.Kill()
	if err := w.nats.Stop(); err != nil {
		t.Fatal(err)
	}
	w.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{Down: 1}})
	got := settledRuns(t.Context(), "check", "--config", w.file)
	right, wrong := verdicts(got.out)
	if got.code != exitFailed || len(right) != 4 || len(wrong) != 5 {
		t.Errorf("exit %d, right %q, wrong %q", got.code, right, wrong)
	}
	for i, what := range []string{"nats", "redis", "merchant classic", "merchant shop2", "merchant shop3"} {
		if i < len(wrong) && !strings.HasPrefix(wrong[i], what) {
			t.Errorf("wrong is %q, want %s", wrong[i], what)
		}
	}
	if len(wrong) > 0 && (strings.Count(wrong[0], "nats") != 1 || !strings.Contains(wrong[0], "connection refused")) {
		t.Errorf("of a server that is not there it says %q", wrong[0])
	}
}

func TestServeSaysWhyItWaitsForNATS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	if err := w.nats.Stop(); err != nil {
		t.Fatal(err)
	}
	line := w.goesAs("waiting for a dependency", "serve", "--config", w.file).line("waiting for a dependency")
	if why, _ := line["error"].(string); line["dependency"] != "nats" || !strings.Contains(why, "connection refused") {
		t.Errorf("it says %v", line)
	}
}

func TestCheckFindsAWrongSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	alone(t, w)
	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(text), w.merchant.AppSecret, "ffffffffffffffffffffffffffffffff", 1)
	if err := os.WriteFile(w.file, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	got := settledRuns(t.Context(), "check", "--config", w.file)
	if got.code != exitFailed || !strings.Contains(got.out, "wrong  merchant classic") {
		t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
	}
	if strings.Contains(got.out+got.err, "ffffffffffffffffffffffffffffffff") {
		t.Errorf("check prints a secret:\n%s%s", got.out, got.err)
	}
}

// alone takes the other merchant, whom WeChat does not know, out of the configuration.
func alone(t *testing.T, w *world) {
	t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	without := regexp.MustCompile(`(?s)\n  other:\n.*?partner_key: k|\n    - \{name: other-shop[^\n]*`).ReplaceAllString(string(text), "")
	if err := os.WriteFile(w.file, []byte(without+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPayAndShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	got := settledRuns(t.Context(), "pay", "--config", w.file, "--merchant", "classic", "--order", "paid00001", "--amount", "1999")
	if got.code != exitDone || !strings.Contains(got.out, "prepay_id") {
		t.Fatalf("pay: exit %d\n%s%s", got.code, got.out, got.err)
	}
	w.customerPays(w.expect(events.PaymentPrepared, "paid00001"))
	w.expect(events.PaymentCompleted, "paid00001")

	got = settledRuns(t.Context(), "show", "--config", w.file, "classic", "paid00001")
	if got.code != exitDone || !strings.Contains(got.out, "19.99 CNY") || !strings.Contains(got.out, "completed") {
		t.Errorf("show: exit %d\n%s%s", got.code, got.out, got.err)
	}
	got = settledRuns(t.Context(), "show", "--config", w.file, "--json", "classic", "paid00001")
	var shown struct {
		Payment struct{ Status string }
		History []struct{ Type, Published string }
	}
	if err := json.Unmarshal([]byte(got.out), &shown); err != nil || got.code != exitDone {
		t.Fatalf("show --json: exit %d, %v\n%s%s", got.code, err, got.out, got.err)
	}
	if shown.Payment.Status != "completed" || len(shown.History) != 3 || shown.History[0].Published != "private" {
		t.Errorf("shown %+v", shown)
	}

	got = settledRuns(t.Context(), "show", "--config", w.file, "classic", "unknown01")
	if got.code != exitFailed || !strings.Contains(got.err, "no payment") {
		t.Errorf("an unknown payment: exit %d\n%s", got.code, got.err)
	}
	got = settledRuns(t.Context(), "pay", "--config", w.file, "--merchant", "classic", "--order", "paid00001", "--amount", "1")
	if got.code != exitFailed || !strings.Contains(got.out+got.err, "requested before") {
		t.Errorf("the order with another amount: exit %d\n%s%s", got.code, got.out, got.err)
	}
}

func TestDeadLettersAreLookedAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	w.publish(events.PaymentRequested, []byte(`{broken`))
	w.until("a dead letter", func() bool { return len(w.all("dead."+events.PaymentRequested, "")) == 1 })
	w.publish(events.PaymentRequested, []byte(`[]`))
	w.until("two dead letters", func() bool { return len(w.all("dead."+events.PaymentRequested, "")) == 2 })
	dead := func(arguments ...string) string {
		t.Helper()
		got := settledRuns(t.Context(), append([]string{"dead", "--config", w.file}, arguments...)...)
		if got.code != exitDone {
			t.Fatalf("dead %v: exit %d\n%s%s", arguments, got.code, got.out, got.err)
		}
		return got.out
	}
	if list := dead("list"); strings.Count(list, events.PaymentRequested) != 2 {
		t.Errorf("list:\n%s", list)
	}
	if letter := dead("show", "1"); !strings.Contains(letter, "{broken") || !strings.Contains(letter, "reason") {
		t.Errorf("show:\n%s", letter)
	}
	if would := dead("replay", "--dry-run", "1"); !strings.Contains(would, "dead letter again") {
		t.Errorf("dry run:\n%s", would)
	}
	dead("drop", "1")
	dead("replay", "2")
	w.until("the second one is dead again", func() bool { return len(w.all("dead."+events.PaymentRequested, "")) == 3 })
	if got := settledRuns(t.Context(), "dead", "show", "1", "--config", w.file); got.code != exitFailed {
		t.Errorf("a dropped letter is shown: exit %d\n%s", got.code, got.out)
	}
	dead("drop", "--all")
	if list := dead("list"); !strings.Contains(list, "no dead letters") {
		t.Errorf("list:\n%s", list)
	}
}

// openFolder is a temporary one, which unlike t.TempDir is open to the user that PostgreSQL runs as.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "settled-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // it is meant to be open
		t.Fatal(err)
	}
	return folder
}

// The demo as a process of its own: everything it started is gone when it ends.
func TestTheDemoLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := openFolder(t)
	demo := exec.CommandContext(t.Context(), self, "demo", "--payments", "20", "--log-level", "error") //nolint:gosec // this very program
	demo.Env = append(os.Environ(), asSettled+"=1", "TMPDIR="+folder)
	out, err := demo.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err != nil || !strings.Contains(string(out), "Every one of 20 payments") {
		t.Errorf("the demo ended with %v:\n%s", err, out)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %s (%v)", fmt.Sprint(left), err)
	}
}
