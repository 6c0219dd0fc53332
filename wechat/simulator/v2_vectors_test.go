package simulator

import (
	"encoding/json"
	"os"
	"testing"
)

// These tests stand inside the package, because signing is nobody's business outside it.

func TestV2SignaturesArePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, v := range readVectorsOf[struct {
		Name, Key, Want string
		SignType        string `json:"sign_type"`
		Values          v2Fields
	}](t, "testdata/v2_signatures.json") {
		t.Run(v.Name+" "+v.SignType, func(t *testing.T) {
			t.Parallel()
			if got := signV2(v.Values, v.SignType, v.Key); got != v.Want {
				t.Errorf("signature is %s, want %s", got, v.Want)
			}
		})
	}
}

func TestV2EncryptionsArePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, v := range readVectorsOf[struct {
		Name, Key, Plain, Want string
		APIKey                 string `json:"api_key"`
	}](t, "testdata/v2_encryptions.json") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			key := []byte(v.Key)
			if v.APIKey != "" {
				key = v2CipherKey(v.APIKey)
			}
			if string(key) != v.Key {
				t.Errorf("key is %s, want %s", key, v.Key)
			}
			got, err := encryptV2([]byte(v.Plain), key)
			if err != nil || got != v.Want {
				t.Errorf("encrypted as %s, want %s: %v", got, v.Want, err)
			}
		})
	}
}

func readVectorsOf[T any](t *testing.T, file string) []T {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []T
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatal("no vectors")
	}
	return vectors
}
