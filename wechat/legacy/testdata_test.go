package legacy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"settled/wechat/legacy"
)

// vector is one published signature.
type vector struct {
	Name        string
	Credentials string
	Parameters  map[string]string
	Signature   string
}

// read returns a file of testdata without its last line end.
func read(tb testing.TB, file string) string {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSuffix(string(content), "\n")
}

func readJSON[T any](tb testing.TB, file string) T {
	tb.Helper()
	var value T
	if err := json.Unmarshal([]byte(read(tb, file)), &value); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	return value
}

// demo returns one of the demo accounts; "app" is the one of the APP payment document.
func demo(tb testing.TB, name string) legacy.Credentials {
	tb.Helper()
	credentials, ok := readJSON[map[string]legacy.Credentials](tb, "credentials.json")[name]
	if !ok {
		tb.Fatalf("no demo account %q", name)
	}
	return credentials
}
