package private

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Halt stops the server that a killed process left over dir, where there is
// one. It refuses while a process uses the directory.
func Halt(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	return layout{dir: dir, data: filepath.Join(dir, "data")}.stopLeftover()
}

// stopLeftover ends the server that postmaster.pid names. A pid that has gone
// to another program since is left alone, and the file removed, for PostgreSQL
// would take that program for itself.
func (l layout) stopLeftover() error {
	path := filepath.Join(l.data, "postmaster.pid")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 || !alive(pid) {
		return nil // PostgreSQL clears it, and looks for orphaned backends
	}
	if !serves(pid, l.data) {
		return os.Remove(path)
	}
	return end(pid, func(limit time.Duration) bool {
		for give := time.Now().Add(limit); alive(pid); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(give) {
				return false
			}
		}
		return true
	})
}

// end stops the server pid with more and more force: a fast shutdown, an
// immediate one, a kill. ended waits a while and reports whether it is over.
func end(pid int, ended func(time.Duration) bool) error {
	for _, step := range []struct {
		signal syscall.Signal
		limit  time.Duration
	}{
		{syscall.SIGINT, fastLimit},
		{syscall.SIGQUIT, hardLimit},
		{syscall.SIGKILL, hardLimit},
	} {
		if ended(0) {
			return nil
		}
		if err := syscall.Kill(pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the database (process %d): %w", pid, err)
		}
		if ended(step.limit) {
			return nil
		}
	}
	return fmt.Errorf("the database (process %d) does not end: type `kill -9 %d`", pid, pid)
}

// alive reports whether a process has pid and is not a zombie that nobody
// waits for.
func alive(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true // no /proc here: the signal's word stands
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

// serves reports whether pid is a PostgreSQL over data.
func serves(pid int, data string) bool {
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
		return strings.Contains(string(b), "postgres\x00-D\x00"+data+"\x00")
	}
	ctx, cancel := context.WithTimeout(context.Background(), hardLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), "postgres -D "+data+" ")
}
