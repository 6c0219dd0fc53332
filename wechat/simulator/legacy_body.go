package simulator

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// legacyFields are the members of a JSON body: string, json.Number or bool.
type legacyFields map[string]any

// readLegacyFields reads a body: one flat JSON object in UTF-8, no member twice, and no
// character written as \uxxxx, which codes 40033 and 47002 are about. Whether WeChat really
// refused a \u0026 is not known; a merchant who never sends one is on the safe side.
func readLegacyFields(body []byte) (legacyFields, error) {
	switch {
	case len(body) == 0:
		return nil, refuse(legacyBodyEmpty, "")
	case !utf8.Valid(body):
		return nil, refuse(legacyBadCharset, "the body is not UTF-8")
	case escapesUnicode(body):
		return nil, refuse(legacyBadCharset, "the body has a \\u escape")
	case !json.Valid(body):
		return nil, refuse(legacyMalformed, "the body is not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if start, _ := decoder.Token(); start != json.Delim('{') {
		return nil, refuse(legacyMalformed, "the body is not an object")
	}
	fields := legacyFields{}
	for decoder.More() {
		key, _ := decoder.Token() // the body is valid: neither can fail
		value, _ := decoder.Token()
		name, _ := key.(string)
		if _, twice := fields[name]; twice {
			return nil, refuse(legacyInvalid, name+" stands twice")
		}
		switch value.(type) {
		case string, json.Number, bool:
			fields[name] = value
		default:
			return nil, refuse(legacyInvalid, name+" must be a string")
		}
	}
	return fields, nil
}

// escapesUnicode reports whether JSON text holds a \u escape.
func escapesUnicode(text []byte) bool {
	for i := 0; i < len(text)-1; i++ {
		if text[i] != '\\' {
			continue
		}
		if i++; text[i] == 'u' {
			return true
		}
	}
	return false
}

// legacyKind is what a field may be.
type legacyKind int

const (
	legacyText    legacyKind = iota // a string that is not empty
	legacyAnyText                   // a string
	legacySeconds                   // Unix seconds, as a number or as a string: both were in use
	legacyFlag                      // true or false
)

// legacyField is a rule for one field of a body.
type legacyField struct {
	name     string
	kind     legacyKind
	optional bool
	most     int        // bytes; 0 for any number
	missing  legacyCode // the code if it is not there; 0 for legacyInvalid
}

// values checks the fields against their rules and returns them as text. A field without
// a rule is refused.
func (f legacyFields) values(rules []legacyField) (map[string]string, error) {
	values := make(map[string]string, len(f))
	for _, rule := range rules {
		field, ok := f[rule.name]
		if !ok && rule.optional {
			continue
		}
		if !ok || field == "" && rule.kind != legacyAnyText {
			return nil, rule.absent()
		}
		text, issue := rule.kind.text(field)
		if issue == "" && rule.most > 0 && len(text) > rule.most {
			issue = "must have at most " + strconv.Itoa(rule.most) + " bytes"
		}
		if issue != "" {
			return nil, refuse(legacyInvalid, rule.name+" "+issue)
		}
		values[rule.name] = text
	}
	for name := range f {
		if _, known := values[name]; !known {
			return nil, refuse(legacyInvalid, name+" does not belong here")
		}
	}
	return values, nil
}

func (r legacyField) absent() error {
	if r.missing == 0 {
		return refuse(legacyInvalid, r.name+" is missing")
	}
	return refuse(r.missing, "")
}

// text returns a field as the text that is signed; issue says what is wrong with it.
func (k legacyKind) text(field any) (text, issue string) {
	switch value := field.(type) {
	case string:
		text = value
	case json.Number:
		text = value.String()
	case bool:
		text = strconv.FormatBool(value)
	}
	_, isString := field.(string)
	_, isFlag := field.(bool)
	switch {
	case k == legacyFlag && !isFlag:
		return "", "must be true or false"
	case k == legacySeconds && !isSeconds(text):
		return "", "must be Unix time in seconds"
	case k != legacyFlag && k != legacySeconds && !isString:
		return "", "must be a string"
	}
	return text, ""
}

// isSeconds reports whether text is a Unix time in seconds, which fits the 32 bits of the
// iOS SDK's field; milliseconds don't.
func isSeconds(text string) bool {
	n, err := strconv.ParseUint(text, 10, 32)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == text
}
