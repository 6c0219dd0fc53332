package legacy_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/legacy"
)

func TestSHA1SignsThePublishedExamples(t *testing.T) {
	t.Parallel()
	for _, v := range readJSON[[]vector](t, "sha1.json") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if got := legacy.SignSHA1(v.Parameters, demo(t, v.Credentials).PaySignKey); got != v.Signature {
				t.Errorf("got %s, want %s", got, v.Signature)
			}
		})
	}
}

func TestMD5SignsThePublishedExamples(t *testing.T) {
	t.Parallel()
	for _, v := range readJSON[[]vector](t, "md5.json") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if got := legacy.SignMD5(v.Parameters, demo(t, v.Credentials).PartnerKey); got != v.Signature {
				t.Errorf("got %s, want %s", got, v.Signature)
			}
		})
	}
}

func TestMD5LeavesOutEmptyValuesAndSign(t *testing.T) {
	t.Parallel()
	plain := map[string]string{"a": "1", "b": "2"}
	more := map[string]string{"a": "1", "b": "2", "c": "", "sign": "OLD"}
	if legacy.SignMD5(plain, "key") != legacy.SignMD5(more, "key") {
		t.Error("an empty value or sign changed the signature")
	}
}

func TestSigningLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	parameters := map[string]string{"AppId": "wx", "empty": "", "sign": "OLD"}
	before := maps.Clone(parameters)
	legacy.SignSHA1(parameters, "key")
	legacy.SignMD5(parameters, "key")
	if diff := cmp.Diff(before, parameters); diff != "" {
		t.Error(diff)
	}
}
