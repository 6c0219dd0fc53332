package crash

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
)

// Memory is what a process has in the machine's memory, in KiB.
type Memory struct {
	Resident int
	Peak     int // the most that it ever was
}

var (
	residentLine = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`)
	peakLine     = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)
)

// Memory reads how much memory the process has, which must be running.
func (p *Process) Memory() (Memory, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return Memory{}, fmt.Errorf("read the memory of %s: %w", p.Name, err)
	}
	resident, peak := residentLine.FindSubmatch(status), peakLine.FindSubmatch(status)
	if resident == nil || peak == nil {
		return Memory{}, fmt.Errorf("read the memory of %s: it has none", p.Name)
	}
	var m Memory
	m.Resident, _ = strconv.Atoi(string(resident[1])) // the pattern takes digits alone
	m.Peak, _ = strconv.Atoi(string(peak[1]))
	return m, nil
}
