package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCount(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		events string
		want   count
		good   bool
		shown  string
	}{
		"a package that passes": {
			events: `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"=== RUN   TestOne\n"}
{"Action":"run","Package":"a","Test":"TestOne/sub"}
{"Action":"pause","Package":"a","Test":"TestOne/sub"}
{"Action":"cont","Package":"a","Test":"TestOne/sub"}
{"Action":"pass","Package":"a","Test":"TestOne/sub","Elapsed":0}
{"Action":"pass","Package":"a","Test":"TestOne","Elapsed":0}
{"Action":"skip","Package":"a","Test":"TestTwo","Elapsed":0}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.25s\n"}
{"Action":"pass","Package":"a","Elapsed":0.25}`,
			want: count{passed: 2, skipped: 1}, good: true,
			shown: "ok    a: 3 tests in 0.2s\n",
		},
		"a test that fails": {
			events: `{"Action":"output","Package":"a","Test":"TestGood","Output":"not wanted\n"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"=== PAUSE TestBad\n"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"=== CONT  TestBad\n"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"bad_test.go:1: wrong\n"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"fail","Package":"a","Test":"TestBad"}
{"Action":"output","Package":"a","Output":"FAIL\n"}
{"Action":"fail","Package":"a","Elapsed":1}`,
			want:  count{passed: 1, failed: 1},
			shown: "bad_test.go:1: wrong\nFAIL\nFAIL  a: 2 tests in 1.0s\n",
		},
		"a package that dies": {
			events: `{"Action":"output","Package":"a","Test":"TestLost","Output":"=== RUN   TestLost\n"}
{"Action":"output","Package":"a","Test":"TestLost","Output":"panic: lost\n"}
{"Action":"output","Package":"a","Output":"FAIL\ta\t1s\n"}
{"Action":"fail","Package":"a","Elapsed":1}`,
			want:  count{failed: 1},
			shown: "=== RUN   TestLost\npanic: lost\nFAIL\ta\t1s\nFAIL  a: 0 tests in 1.0s\n",
		},
		"a package that does not build": {
			events: `{"ImportPath":"a [a.test]","Action":"build-output","Output":"a.go:1:1: expected declaration\n"}
{"ImportPath":"a [a.test]","Action":"build-fail"}
{"Action":"output","Package":"a","Output":"FAIL\ta [build failed]\n"}
{"Action":"fail","Package":"a","Elapsed":0,"FailedBuild":"a [a.test]"}`,
			want:  count{failed: 1},
			shown: "a.go:1:1: expected declaration\nFAIL\ta [build failed]\nFAIL  a: 0 tests in 0.0s\n",
		},
		"a package without tests": {
			events: `{"Action":"output","Package":"a","Output":"?   \ta\t[no test files]\n"}
{"Action":"skip","Package":"a","Elapsed":0}`,
			shown: "-     a: no tests\n",
		},
		"nothing at all": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got count
			var shown strings.Builder
			if err := got.read(strings.NewReader(row.events), &shown); err != nil {
				t.Fatal(err)
			}
			if got != row.want || got.good() != row.good {
				t.Errorf("counted %v, good %t; want %v, %t", got, got.good(), row.want, row.good)
			}
			if diff := cmp.Diff(row.shown, shown.String()); diff != "" {
				t.Errorf("shown (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	if err := new(count).read(strings.NewReader("go: no such tool\n"), os.Stderr); err == nil {
		t.Error("taken for events")
	}
	if got := (count{passed: 12, failed: 3, skipped: 1}).String(); got != "12 passed, 3 failed, 1 skipped" {
		t.Errorf("the last line is %q", got)
	}
}
