package private

import "syscall"

// dieWithParent has the kernel send a fast shutdown when the starting thread
// ends, so that even kill -9 of the parent leaves no server behind.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
