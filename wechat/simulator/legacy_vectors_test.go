package simulator

import (
	"encoding/json"
	"maps"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// vector is a signature that stands in WeChat's documents, in the tests of others, or
// was computed by other means than this package.
type vector struct {
	Name    string            `json:"name"`
	Rule    string            `json:"rule"`
	Key     string            `json:"key"`
	Charset string            `json:"charset"`
	Values  map[string]string `json:"values"`
	Want    string            `json:"want"`
	Package string            `json:"package"` // the values as they are sent
}

// This test stands inside the package, because signing is nobody's business outside it.
func TestLegacySignaturesArePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			values := v.encoded(t)
			sign := legacyMD5
			if v.Rule == "SHA1" {
				sign = legacySHA1
			}
			before := maps.Clone(values)
			if got := sign(values, v.Key); got != v.Want {
				t.Errorf("signature is %s, want %s", got, v.Want)
			}
			if diff := cmp.Diff(before, values); diff != "" {
				t.Errorf("signing changed the values (-before +after):\n%s", diff)
			}
		})
	}
}

func TestLegacyPackagesArePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		if v.Package == "" {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			got, err := openLegacyPackage(v.Package, unescape)
			if err != nil {
				t.Fatalf("open package: %v", err)
			}
			want := v.encoded(t)
			maps.DeleteFunc(want, func(_, value string) bool { return value == "" })
			want["sign"] = v.Want
			if diff := cmp.Diff(want, map[string]string(got)); diff != "" {
				t.Errorf("package holds other values (-want +got):\n%s", diff)
			}
			m := Merchant{PartnerID: want["partner"], PartnerKey: v.Key}
			if _, isQuery := want["total_fee"]; !isQuery {
				err = got.check(m, legacyQueryRules)
			} else {
				err = got.checkOrder(m)
			}
			if err != nil {
				t.Errorf("package is refused: %v", err)
			}
		})
	}
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/legacy_signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

// encoded returns the values as bytes in the vector's charset.
func (v vector) encoded(t *testing.T) map[string]string {
	t.Helper()
	values := maps.Clone(v.Values)
	if v.Charset != "GBK" {
		return values
	}
	for key, text := range values {
		raw, err := simplifiedchinese.GBK.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		values[key] = raw
	}
	return values
}
