package embedded

import "syscall"

// tie makes the kernel end the child when the thread that started it ends. SIGQUIT is
// PostgreSQL's immediate shutdown, and the end of most other programs.
func tie(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGQUIT }
