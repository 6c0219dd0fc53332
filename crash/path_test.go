package crash

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo is a server that says every line again.
func echo(t *testing.T) (address string) {
	t.Helper()
	listener, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// say sends a line over a new connection and returns what went wrong before it came back.
func say(ctx context.Context, p *Path, patience time.Duration) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.address())
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte("hello\n")); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

// Whatever is done to a path keeps a word from coming back, and is over once it is mended.
func TestAPathBreaksAndIsMended(t *testing.T) {
	t.Parallel()
	const brief, long = 300 * time.Millisecond, 10 * time.Second
	for _, fault := range []struct {
		name   string
		breaks func(p *Path) error
		silent bool // the connection stays open
	}{
		{"cut", func(p *Path) error { p.Cut(); return nil }, false},
		{"silent", (*Path).Silence, true},
		{"answers silent", (*Path).SilenceAnswers, true},
		{"slow", func(p *Path) error { return p.Delay(time.Second, 0) }, true},
		{"reset", func(p *Path) error { return p.ResetAfter(0) }, false},
		{"cut in the middle", func(p *Path) error { return p.CutAfter(3) }, false},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			p, err := newPath(fault.name, echo(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Cut)
			if err := say(t.Context(), p, long); err != nil {
				t.Fatalf("a whole path: %v", err)
			}
			if err := fault.breaks(p); err != nil {
				t.Fatal(err)
			}
			err = say(t.Context(), p, brief)
			if err == nil || errors.Is(err, os.ErrDeadlineExceeded) != fault.silent {
				t.Errorf("a broken path: %v", err)
			}
			if err := p.Mend(); err != nil {
				t.Fatal(err)
			}
			if err := say(t.Context(), p, long); err != nil {
				t.Errorf("a mended path: %v", err)
			}
		})
	}
}
