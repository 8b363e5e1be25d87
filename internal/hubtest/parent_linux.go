package hubtest

import "syscall"

// dieWithParent has the kernel end the process when the thread that started it
// does, so that a test that is killed leaves none behind.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
