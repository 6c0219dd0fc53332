package v3

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzCursor holds the cursor to encoding/json: what it reads, it reads alike, and it refuses
// nothing but what it says.
func FuzzCursor(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no messages in testdata: %v", err)
	}
	for _, file := range files {
		message, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	for _, message := range []string{
		`{}`, ` { } `, `[]`, `{"a":1,"A":2}`, `{"a":[1,-2.5e+3,true,false,null,""],"b":{"c":{}}}`, `{"a":"\""}`, `{"a":"\\"}`, `{"\u0061":"\ud83d\ude00"}`,
		`{"a":"\u0000"}`, "{\"a\":\"\xff\"}", `{"a" : [ 1 , 2 ] , "b" : null }`, `"text"`, `1`, ` null `, `{"a":"中文"}`, `{"a":[[],[{}]]}`,
	} {
		f.Add([]byte(message))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		if !json.Valid(message) {
			return
		}
		got, err := (&cursor{rest: message}).value(maxDepth)
		if err != nil {
			if !errors.Is(err, ErrUnreadable) {
				t.Errorf("%q: %v", message, err)
			}
			return
		}
		tokens := json.NewDecoder(bytes.NewReader(message))
		tokens.UseNumber()
		var want any
		if err := tokens.Decode(&want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %#v, want %#v, %v", message, got, want, err)
		}
	})
}

func BenchmarkReadObject(b *testing.B) {
	message, err := os.ReadFile("testdata/notify_transaction.json")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readObject(message); err != nil {
			b.Fatal(err)
		}
	}
}
