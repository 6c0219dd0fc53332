package v2_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/v2"
)

// apiKey is the key of the document's own example.
const apiKey = "192006250b4c09247ec02edce69f6a2d"

// demo is the merchant of the document's payment notify.
func demo(by v2.SignType) v2.Credentials {
	return v2.Credentials{AppID: "wx2421b1c4370ec43b", MchID: "10000100", APIKey: apiKey, SignType: by}
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

// fieldsOf reads a message of testdata.
func fieldsOf(tb testing.TB, message string) map[string]string {
	tb.Helper()
	var read struct {
		Elements []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(message), &read); err != nil {
		tb.Fatal(err)
	}
	fields := map[string]string{}
	for _, element := range read.Elements {
		fields[element.XMLName.Local] = element.Text
	}
	return fields
}

// write writes fields as WeChat might: escaped, empty ones too.
func write(tb testing.TB, root string, fields map[string]string) string {
	tb.Helper()
	var message bytes.Buffer
	message.WriteString("<" + root + ">")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		message.WriteString("<" + name + ">")
		if err := xml.EscapeText(&message, []byte(fields[name])); err != nil {
			tb.Fatal(err)
		}
		message.WriteString("</" + name + ">")
	}
	message.WriteString("</" + root + ">")
	return message.String()
}

// signed is a message of testdata with some of its fields changed and signed anew. A
// field that is changed to gone is not there.
func signed(tb testing.TB, file string, change map[string]string) string {
	tb.Helper()
	fields := fieldsOf(tb, read(tb, file))
	for name, value := range change {
		fields[name] = value
		if value == gone {
			delete(fields, name)
		}
	}
	by := v2.HMACSHA256
	if file == "notify.xml" {
		by = v2.MD5
	}
	fields["sign"] = v2.Sign(fields, apiKey, by)
	return write(tb, "xml", fields)
}

const gone = "\x00gone"

// wantError checks that an error is of a kind, or the very *v2.Error.
func wantError(t *testing.T, got, want error) {
	t.Helper()
	var said *v2.Error
	if errors.As(want, &said) {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	} else if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
