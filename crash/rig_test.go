package crash_test

import (
	"testing"

	"settled/crash"
)

func TestNothingHappens(t *testing.T) {
	servers, err := crash.StartServers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer servers.Stop(t.Context())
	w, err := servers.NewWorld(t.Context(), crash.WorldConfig{Name: "calm", Proxied: true})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.StartAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Shop.Place(t.Context(), 36)
	report := w.Settle(t.Context())
	t.Log(report)
	if err := report.Err(); err != nil {
		w.Keep()
		t.Error(err, w.Folder())
	}
}
