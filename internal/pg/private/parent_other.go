//go:build !linux

package private

import "syscall"

// dieWithParent does nothing here: a server that a killed parent leaves behind
// runs until the next Start over its directory, which stops it first.
func dieWithParent(*syscall.SysProcAttr) {}
