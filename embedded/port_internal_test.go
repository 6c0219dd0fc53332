package embedded

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A port that is held for a moment only does not keep a server from coming back.
func TestAServerWaitsForItsPort(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		held time.Duration
		want error
	}{
		"free":              {0, nil},
		"held for a moment": {300 * time.Millisecond, nil},
		"held for good":     {time.Hour, errPortTaken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				free := time.Now().Add(test.held)
				err := whenFree(func() error {
					if time.Now().Before(free) {
						return errPortTaken
					}
					return nil
				})
				if !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			})
		})
	}
}

// The address of a listener that is there is known as taken.
func TestATakenPortIsKnown(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	r := &Redis{port: listener.Addr().(*net.TCPAddr).Port} //nolint:forcetypeassert // a listener of TCP
	if err := r.start(); !errors.Is(err, errPortTaken) {
		t.Errorf("got %v", err)
	}
}
