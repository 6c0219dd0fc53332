package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"settled/crash"
)

// mostMemory is what neither the worker nor the ingress should ever have, in KiB.
const mostMemory = 200 << 10

// memory is what processes have had, second by second.
type memory struct {
	mu    sync.Mutex
	names []string
	kept  map[string][]crash.Memory
}

// watch looks at every process of the world once a second until ctx ends.
func (m *memory) watch(ctx context.Context, w *crash.World) {
	for ctx.Err() == nil {
		for _, p := range w.Processes {
			if now, err := p.Memory(); err == nil { // it may not run yet
				m.note(p.Name, now)
			}
		}
		pause(ctx, time.Second)
	}
}

func (m *memory) note(process string, now crash.Memory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string][]crash.Memory{}
	}
	if m.kept[process] == nil {
		m.names = append(m.names, process)
	}
	m.kept[process] = append(m.kept[process], now)
}

// String is the memory in a line.
func (m *memory) String() string {
	var parts []string
	for _, u := range m.all() {
		parts = append(parts, fmt.Sprintf("%s %d MiB", u.Process, u.Last>>10))
	}
	return strings.Join(parts, ", ")
}

// used is what one process has had, in KiB.
type used struct {
	Process                   string
	First, Middle, Last, Peak int
}

func (m *memory) all() []used {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []used
	for _, name := range m.names {
		kept := m.kept[name]
		u := used{Process: name, First: kept[min(len(kept)-1, 5)].Resident, Last: kept[len(kept)-1].Resident}
		resident := make([]int, len(kept))
		for i, k := range kept {
			resident[i], u.Peak = k.Resident, max(u.Peak, k.Peak)
		}
		slices.Sort(resident)
		u.Middle = resident[len(resident)/2]
		all = append(all, u)
	}
	return all
}
