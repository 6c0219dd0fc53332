package main

import (
	"fmt"
	"reflect"
	"testing"

	"settled/cmd/settled/config"
)

// A key of a merchant's section that its digest leaves out would never be taken from a
// changed file.
func TestEveryKeyOfAMerchantIsSeenToChange(t *testing.T) {
	t.Parallel()
	for _, m := range []config.Merchant{
		{Legacy: &config.Legacy{AlsoVerify: config.AlsoVerify[config.LegacyKeys]{Keys: make([]config.LegacyKeys, 1)}}},
		{V2: &config.V2{AlsoVerify: config.AlsoVerify[config.V2Keys]{Keys: make([]config.V2Keys, 1)}}},
		{V3: &config.V3{AlsoVerify: config.AlsoVerify[config.V3Keys]{Keys: make([]config.V3Keys, 1)}}},
	} {
		before := digest(m)
		changed := 0
		eachKey("", reflect.ValueOf(&m).Elem(), func(name string, key reflect.Value, other any) {
			was := reflect.ValueOf(key.Interface())
			key.Set(reflect.ValueOf(other))
			if digest(m) == before {
				t.Errorf("%s changes, and nobody sees it", name)
			}
			key.Set(was)
			changed++
		})
		if changed < 12 {
			t.Errorf("only %d keys were changed", changed)
		}
	}
}

// eachKey visits what a section holds, with another value for each.
func eachKey(name string, section reflect.Value, visit func(name string, key reflect.Value, other any)) {
	for i := range section.NumField() {
		key, name := section.Field(i), name+"."+section.Type().Field(i).Name
		switch value := key.Interface().(type) {
		case config.Secret:
			visit(name, key, config.NewSecret("another"))
		case string:
			visit(name, key, value+"another")
		case bool:
			visit(name, key, !value)
		case int:
			visit(name, key, value+1)
		case float64:
			visit(name, key, value+1)
		default:
			descend(name, key, visit)
		}
	}
}

func descend(name string, key reflect.Value, visit func(name string, key reflect.Value, other any)) {
	switch key.Kind() {
	case reflect.Pointer:
		if !key.IsNil() {
			eachKey(name, key.Elem(), visit)
		}
	case reflect.Slice:
		for i := range key.Len() {
			eachKey(fmt.Sprintf("%s[%d]", name, i), key.Index(i), visit)
		}
	case reflect.Struct:
		eachKey(name, key, visit)
	default:
		panic("a key of a kind that the test does not know: " + name)
	}
}
