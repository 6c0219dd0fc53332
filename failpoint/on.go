//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// armed is what the environment asked for.
var armed = read(os.Getenv(Variable))

// order is to die at a point.
type order struct {
	name   string
	way    Way
	nth    int64
	passed atomic.Int64
}

func read(text string) *order {
	parts := strings.Split(text, ":")
	o := &order{name: parts[0], nth: 1}
	if len(parts) > 1 {
		o.way = Way(parts[1])
	}
	if len(parts) > 2 {
		o.nth, _ = strconv.ParseInt(parts[2], 10, 64)
	}
	return o
}

// At is a point at which the process dies if it is armed: the name's parts, to be joined by
// dots.
func At(parts ...string) {
	if armed.way == "" || strings.Join(parts, ".") != armed.name || armed.passed.Add(1) != armed.nth {
		return
	}
	armed.report()
	switch armed.way {
	case Kill:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	case Hang:
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case Panic:
		panic("failpoint " + armed.name)
	}
}

// report tells that the point was hit, to a file that outlives the process.
func (o *order) report() {
	file, err := os.OpenFile(os.Getenv(ReportVariable), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return // nobody waits for it
	}
	fmt.Fprintf(file, "%s:%s\n", o.name, o.way)
	_ = file.Close() // the line was written or nobody will read it
}
