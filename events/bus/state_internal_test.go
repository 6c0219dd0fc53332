package bus

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

func TestALossIsToldFromAnother(t *testing.T) {
	t.Parallel()
	one := &jetstream.LostStreamData{Msgs: []uint64{5, 6}, Bytes: 100}
	for name, c := range map[string]struct {
		a, b *jetstream.LostStreamData
		same bool
	}{
		"none and nothing":    {nil, &jetstream.LostStreamData{}, true},
		"the same twice":      {one, &jetstream.LostStreamData{Msgs: []uint64{5, 6}, Bytes: 100}, true},
		"some and none":       {one, nil, false},
		"one more":            {one, &jetstream.LostStreamData{Msgs: []uint64{5, 6, 7}, Bytes: 100}, false},
		"others":              {one, &jetstream.LostStreamData{Msgs: []uint64{8, 9}, Bytes: 100}, false},
		"bytes of no message": {nil, &jetstream.LostStreamData{Bytes: 1}, false},
	} {
		if same := fingerprint(c.a) == fingerprint(c.b); same != c.same {
			t.Errorf("%s: the same %t", name, same)
		}
	}
	if fingerprint(nil) != "" {
		t.Error("no loss has a fingerprint")
	}
}
