package subscribe_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver of the process that is killed
	"github.com/nats-io/nats.go"

	"settled/subscribe"
)

// asSubscriber makes this very program a subscriber that waits to be killed; its value says
// at which moment.
const asSubscriber = "SUBSCRIBE_TEST_AS"

// subscribeUntilKilled never returns.
func subscribeUntilKilled() {
	db, err := sql.Open("postgres", os.Getenv("SUBSCRIBE_TEST_DATABASE"))
	if err != nil {
		panic(err)
	}
	nc, err := nats.Connect(os.Getenv("SUBSCRIBE_TEST_NATS"))
	if err != nil {
		panic(err)
	}
	hang := func(word string) { fmt.Println(word); select {} }
	cfg := subscribe.Config{
		Name: os.Getenv("SUBSCRIBE_TEST_NAME"), Prefix: os.Getenv("SUBSCRIBE_TEST_PREFIX"), AckWait: 2 * time.Second,
		Park: func(_ context.Context, p subscribe.Parked) error { return p.Reason },
	}
	moment := os.Getenv(asSubscriber)
	if moment == "ordered" {
		cfg.Ordered, cfg.InFlight = true, 8
	}
	panic(subscribe.Run(context.Background(), nc, cfg, func(ctx context.Context, e subscribe.Event) error {
		if moment == "ordered" {
			hang("begun")
		}
		err := subscribe.Once(ctx, db, e, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `insert into parcels (order_id) values ($1)`, e.OrderID)
			if moment == "before the commit" {
				hang("not committed")
			}
			return err
		})
		if moment == "after the commit" {
			hang("committed")
		}
		return errors.Join(err, errors.New("it should have been killed"))
	}))
}

// victim is a process that will be killed.
type victim struct {
	t       *testing.T
	command *exec.Cmd
	says    *bufio.Reader
}

func (w *world) start(moment string) *victim {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	command := exec.CommandContext(w.t.Context(), self)
	command.Env = append(os.Environ(), asSubscriber+"="+moment, "SUBSCRIBE_TEST_DATABASE="+w.address,
		"SUBSCRIBE_TEST_NATS="+w.nc.ConnectedUrl(), "SUBSCRIBE_TEST_NAME="+w.name, "SUBSCRIBE_TEST_PREFIX="+w.prefix)
	out, err := command.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		w.t.Fatal(err)
	}
	v := &victim{t: w.t, command: command, says: bufio.NewReader(out)}
	w.t.Cleanup(v.kill)
	return v
}

// await waits until the process says that its moment has come.
func (v *victim) await(word string) {
	v.t.Helper()
	if line, err := v.says.ReadString('\n'); err != nil || line != word+"\n" {
		rest, _ := io.ReadAll(v.says)
		v.t.Fatalf("it said %q %q, %v", line, rest, err)
	}
}

// kill is kill -9.
func (v *victim) kill() {
	_ = v.command.Process.Kill()
	_ = v.command.Wait()
}

func TestAProcessIsKilledAroundItsCommit(t *testing.T) {
	t.Parallel()
	for moment, word := range map[string]string{"before the commit": "not committed", "after the commit": "committed"} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tell(order(0).Completed())
			victim := w.start(moment)
			victim.await(word)
			victim.kill()
			if n := len(w.parcels()); (n == 1) != (moment == "after the commit") {
				t.Fatalf("%d parcels when it died", n)
			}
			w.run(w.at(nil), w.ship)
			if e := w.next(); e.Attempt != 2 {
				t.Errorf("attempt %d", e.Attempt)
			}
			w.settled()
			w.onceEach(1)
		})
	}
}
