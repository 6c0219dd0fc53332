package rig

import "syscall"

// tie makes the kernel end the process with this one, however this one ends.
func tie(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGTERM }
