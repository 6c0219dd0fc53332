//go:build unix && !linux

package embedded

import "syscall"

// tie does nothing: only Linux can end a child with its parent.
func tie(*syscall.SysProcAttr) {}
