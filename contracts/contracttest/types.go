package contracttest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"settled/contracts"
)

// Disagreements lists where a schema and the Go type that is written to JSON differ: a field
// that only one of them has, one that only one of them may leave out, one of another type.
func Disagreements(schema *contracts.Schema, written reflect.Type) []string {
	d := &disagreements{}
	d.compare("", schema, written)
	return d.found
}

type disagreements struct{ found []string }

func (d *disagreements) add(field, format string, arguments ...any) {
	d.found = append(d.found, strings.TrimPrefix(field+": "+fmt.Sprintf(format, arguments...), ": "))
}

func (d *disagreements) compare(field string, schema *contracts.Schema, written reflect.Type) {
	if schema == nil {
		d.add(field, "no schema for %v", written)
		return
	}
	if written.Kind() == reflect.Pointer {
		written = written.Elem()
	}
	if want := typeOf(written); !slices.Contains(schema.Types, want) {
		d.add(field, "the schema says %v, Go writes %s", schema.Types, want)
		return
	}
	switch {
	case written == byteSlice:
		if schema.Texts["contentEncoding"] != `"base64"` {
			d.add(field, "Go writes base64")
		}
	case written.Kind() == reflect.Slice:
		d.compare(field+"[]", schema.Items, written.Elem())
	case written.Kind() == reflect.Map:
		d.compare(field+".*", schema.Others, written.Elem())
	case written.Kind() == reflect.Struct:
		d.fields(field, schema, fieldsOf(written))
	}
}

var byteSlice = reflect.TypeFor[[]byte]()

// typeOf is the JSON type that Go writes.
func typeOf(written reflect.Type) string {
	switch written.Kind() {
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		if written == byteSlice {
			return "string"
		}
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	default:
		return written.String()
	}
}

func (d *disagreements) fields(at string, schema *contracts.Schema, fields map[string]goField) {
	if at != "" {
		at += "."
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if _, ok := fields[name]; !ok {
			d.add(at+name, "only the schema has it")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		property, ok := schema.Properties[name]
		if !ok {
			d.add(at+name, "only the Go type has it")
			continue
		}
		if required := slices.Contains(schema.Required, name); required == fields[name].optional {
			d.add(at+name, "required is %t, omitempty is %t", required, fields[name].optional)
		}
		d.compare(at+name, property, fields[name].written)
	}
}

// goField is a field of a struct as encoding/json writes it.
type goField struct {
	written  reflect.Type
	optional bool
}

// fieldsOf lists the fields of a struct, those of embedded structs included.
func fieldsOf(written reflect.Type) map[string]goField {
	fields := map[string]goField{}
	for i := range written.NumField() {
		field := written.Field(i)
		tag, tagged := field.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case field.Anonymous && !tagged:
			maps.Copy(fields, fieldsOf(field.Type))
		case !field.IsExported() || name == "-":
		default:
			if name == "" {
				name = field.Name
			}
			fields[name] = goField{field.Type, options == "omitempty"}
		}
	}
	return fields
}
