package simulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// v3Kind is the type of a value in JSON.
type v3Kind string

// The types that values may have, in the words of a refusal.
const (
	v3Text   v3Kind = "text"
	v3Number v3Kind = "a number"
	v3Truth  v3Kind = "true or false"
	v3Inner  v3Kind = "an object"
	v3List   v3Kind = "a list"
)

// v3Rule is what the documents say of one value.
type v3Rule struct {
	name     string
	optional bool
	kind     v3Kind // v3Text if left out
	is       string // what a text or a number must be, in words
	fits     func(value string) bool
	members  []v3Rule // of an object
	items    *v3Rule  // of a list
}

// check checks what is true of every call: its headers, who calls, and that it has the
// values of the call and nothing else.
func (v *v3) check(r *v3Request, call v3Call) error {
	if err := checkV3Headers(r.header); err != nil {
		return err
	}
	if r.malformed != nil {
		return r.malformed
	}
	if err := v.checkAuthorization(*r); err != nil {
		return err
	}
	if err := checkV3Query(*r, call); err != nil {
		return err
	}
	for _, rule := range call.path {
		if value := r.path[rule.name]; !rule.fits(value) {
			return refuseValue("uri_template", rule.name, value, "must be "+rule.is)
		}
	}
	return v.checkBody(r, call)
}

func checkV3Headers(header http.Header) error {
	if header.Get("Accept") == "" || header.Get("User-Agent") == "" {
		return &v3Refusal{code: v3InvalidParameter, message: "Http头缺少Accept或User-Agent: a call must have both headers"}
	}
	for accepted := range strings.SplitSeq(strings.Join(header.Values("Accept"), ","), ",") {
		switch kind, _, _ := mime.ParseMediaType(accepted); kind {
		case "application/json", "application/*", "*/*":
			return nil
		}
	}
	return refuseValue("header", "Accept", header.Get("Accept"), "must take application/json")
}

func checkV3Query(r v3Request, call v3Call) error {
	for _, rule := range call.query {
		values := r.query[rule.name]
		switch {
		case len(values) == 0:
			return refuseValue("query", rule.name, "", "is missing")
		case len(values) > 1:
			return refuseValue("query", rule.name, values[1], "stands twice")
		case !rule.fits(values[0]):
			return refuseValue("query", rule.name, values[0], "must be "+rule.is)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.query)) {
		if !slices.ContainsFunc(call.query, func(rule v3Rule) bool { return rule.name == name }) {
			return refuseValue("query", name, r.query.Get(name), "does not belong here")
		}
	}
	if mchID := r.query.Get("mchid"); mchID != "" && mchID != r.account.MchID {
		return refuseValue("query", "mchid", mchID, "is not the caller's")
	}
	return nil
}

func (v *v3) checkBody(r *v3Request, call v3Call) error {
	if call.body == nil {
		if len(r.body) > 0 {
			return refuseV3(v3InvalidParameter, "a call of this kind has no body")
		}
		return nil
	}
	given := r.header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(given); err != nil || kind != "application/json" {
		return refuseValue("header", "Content-Type", given, "must be application/json")
	}
	object, err := readV3Object(r.body)
	if err != nil {
		return refuseV3(v3InvalidParameter, err.Error())
	}
	if err := checkMembers("", object, call.body); err != nil {
		return err
	}
	r.object = object
	return v.checkOwner(*r)
}

// checkOwner checks that the body is about the caller.
func (v *v3) checkOwner(r v3Request) error {
	if mchID, ok := r.object["mchid"]; ok && mchID != r.account.MchID {
		return refuseValue("body", "/mchid", r.object.text("mchid"), "is not the caller's")
	}
	if appID, ok := r.object["appid"]; ok && appID != r.account.AppID {
		return refuseV3(v3ForeignApp, "appid is not one of the caller's")
	}
	return nil
}

// checkMembers checks an object at a place. The rules come in the documents' order, and the
// first value that is wrong is named.
func checkMembers(at string, object v3Object, rules []v3Rule) error {
	known := map[string]bool{}
	for _, rule := range rules {
		known[rule.name] = true
		value, there := object[rule.name]
		switch {
		case !there && !rule.optional:
			return refuseValue("body", at+"/"+rule.name, "", "is missing")
		case !there:
			continue
		}
		if err := rule.check(at+"/"+rule.name, value); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !known[name] {
			return refuseValue("body", at+"/"+name, v3Spelling(object[name]), "does not belong here")
		}
	}
	return nil
}

// check checks a value that is there.
func (rule v3Rule) check(at string, value any) error {
	kind := rule.kind
	if kind == "" {
		kind = v3Text
	}
	if v3KindOf(value) != kind {
		return refuseValue("body", at, v3Spelling(value), "must be "+string(kind))
	}
	switch kind {
	case v3Inner:
		inner, _ := value.(v3Object)
		return checkMembers(at, inner, rule.members)
	case v3List:
		items, _ := value.([]any)
		for i, item := range items {
			if err := rule.items.check(at+"/"+strconv.Itoa(i), item); err != nil {
				return err
			}
		}
	case v3Text, v3Number:
		if text := fmt.Sprint(value); !rule.fits(text) {
			return refuseValue("body", at, text, "must be "+rule.is)
		}
	case v3Truth:
	}
	return nil
}

// v3KindOf is the type of a value; "" for null.
func v3KindOf(value any) v3Kind {
	switch value.(type) {
	case string:
		return v3Text
	case json.Number:
		return v3Number
	case bool:
		return v3Truth
	case v3Object:
		return v3Inner
	case []any:
		return v3List
	}
	return ""
}

// v3Spelling shows a value of a wrong type.
func v3Spelling(value any) string {
	text, err := spellV3(value)
	if err != nil {
		return ""
	}
	return string(text)
}
