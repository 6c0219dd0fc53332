package ingress

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/contracts/contracttest"
)

func TestEveryRouteIsInTheContract(t *testing.T) {
	t.Parallel()
	var ours, theirs []string
	for _, route := range routes {
		ours = append(ours, route.method+" "+route.pattern)
	}
	for name := range contracttest.New(t).Contract {
		if method, rest, _ := strings.Cut(name, " "); method == strings.ToUpper(method) && !strings.Contains(rest, ",") {
			theirs = append(theirs, name)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if diff := cmp.Diff(ours, theirs); diff != "" {
		t.Errorf("routes (-ingress +contract):\n%s", diff)
	}
}

func TestTheAnswersAgreeWithTheContract(t *testing.T) {
	t.Parallel()
	contract := contracttest.New(t).Contract
	problems := 0
	for name := range contract {
		if !strings.HasSuffix(name, " application/problem+json") {
			continue
		}
		problems++
		for _, found := range contracttest.Disagreements(contract[name].Schema, reflect.TypeFor[problem]()) {
			t.Errorf("%s: %s", name, found)
		}
	}
	if problems == 0 {
		t.Error("no problem in the contract")
	}
	for name, written := range map[string]reflect.Type{
		"GET /v1/payments/{merchant}/{order_id}, 200 application/json":           reflect.TypeFor[state](),
		"GET /v1/refunds/{merchant}/{refund_id}, 200 application/json":           reflect.TypeFor[refundState](),
		"POST /v1/payments, 202 application/json":                                reflect.TypeFor[accepted](),
		"POST /v1/payments/{merchant}/{order_id}/returned, 202 application/json": reflect.TypeFor[accepted](),
		"POST /returned/{payment_id}, 202 application/json":                      reflect.TypeFor[accepted](),
		"POST /v1/refunds, 202 application/json":                                 reflect.TypeFor[accepted](),
	} {
		for _, found := range contracttest.Disagreements(contract[name].Schema, written) {
			t.Errorf("%s: %s", name, found)
		}
	}
}
