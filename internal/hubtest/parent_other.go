//go:build !linux

package hubtest

import "syscall"

// dieWithParent is Linux's; elsewhere a test that is killed leaves processes.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
