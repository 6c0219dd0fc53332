package console_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheOverviewShowsTheHouse(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nobody)
	page := d.browser().get("/console/")
	if page.status != http.StatusOK {
		t.Fatalf("answered %d: %s", page.status, page.body)
	}
	for _, want := range []string{"1,284", "prepare", "412 ms", "94.7 %", "timeout", "left alone", "20261128-003995"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the overview does not tell %q", want)
		}
	}
}

func TestAPaymentTellsItsWholeStory(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nobody)
	page := d.browser().get("/console/payments/" + id(10))
	for _, want := range []string{
		"the last 4 attempts to ask WeChat about the order led to nothing, at last because WeChat did not answer in time",
		"¥137.99", "20261128-003990", "WeChat gave a prepay id", "orderquery", "backup", "in 31 s",
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("payment 10 does not tell %q", want)
		}
	}
	if strings.Contains(page.body, "SECRET-SIGN") {
		t.Error("the page shows what only the app should see")
	}
}
