package v2_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/v2"
)

func TestSignSignsThePublishedExamples(t *testing.T) {
	t.Parallel()
	for _, v := range readJSON[[]struct {
		Name     string
		SignType v2.SignType `json:"sign_type"`
		APIKey   string      `json:"api_key"`
		Fields   map[string]string
		Sign     string
	}](t, "sign.json") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if got := v2.Sign(v.Fields, v.APIKey, v.SignType); got != v.Sign {
				t.Errorf("got %s, want %s", got, v.Sign)
			}
		})
	}
}

func TestSignCoversEveryValueAndNothingElse(t *testing.T) {
	t.Parallel()
	plain := map[string]string{"a": "1", "b": "2"}
	for name, test := range map[string]struct {
		fields map[string]string
		same   bool
	}{
		"an empty value is left out":   {map[string]string{"a": "1", "b": "2", "c": ""}, true},
		"sign is left out":             {map[string]string{"a": "1", "b": "2", "sign": "OLD"}, true},
		"0 is a value":                 {map[string]string{"a": "1", "b": "2", "c": "0"}, false},
		"a space is a value":           {map[string]string{"a": "1", "b": "2", "c": " "}, false},
		"space around a value counts":  {map[string]string{"a": "1", "b": "2 "}, false},
		"names are told apart by case": {map[string]string{"A": "1", "b": "2"}, false},
		"Sign is not sign":             {map[string]string{"a": "1", "b": "2", "Sign": "OLD"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, by := range []v2.SignType{v2.MD5, v2.HMACSHA256} {
				if same := v2.Sign(plain, "key", by) == v2.Sign(test.fields, "key", by); same != test.same {
					t.Errorf("%s: same is %t", by, same)
				}
			}
		})
	}
}

func TestSigningLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	fields := map[string]string{"appid": "wx", "empty": "", "sign": "OLD"}
	before := maps.Clone(fields)
	v2.Sign(fields, "key", v2.MD5)
	v2.Sign(fields, "key", v2.HMACSHA256)
	if diff := cmp.Diff(before, fields); diff != "" {
		t.Error(diff)
	}
}
