package hubtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/pg/private"
)

// limit bounds every wait for a process; a loaded machine is slow, not broken.
const limit = 90 * time.Second

// buildLimit bounds the building of the programs, which starts from nothing
// where the build cache is empty.
const buildLimit = 9 * time.Minute

// programs are those that a hub is made of.
var programs = []string{"fame", "governance", "relmgr", "consent", "registrar", "idmgr", "federation"}

// run is what the tests of one process share.
var run struct {
	once sync.Once
	err  error
	dir  string // holds bin/ and everything that is started
	lock *os.File

	mu        sync.Mutex
	made      int
	close     []func()
	processes []*Process
}

// Main runs the tests of a package, ends what they started and removes it. It
// is called from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	for i := len(run.close) - 1; i >= 0; i-- {
		run.close[i]()
	}
	for _, p := range run.processes {
		if text := string(p.Log.Bytes()); strings.Contains(text, raceFound) || strings.Contains(text, "\npanic: ") {
			fmt.Fprintf(os.Stderr, "hubtest: %s raced or panicked:\n%s\n", p.Name, text)
			code = max(code, 1)
		}
	}
	if run.dir != "" {
		if err := os.RemoveAll(run.dir); err != nil {
			fmt.Fprintln(os.Stderr, "hubtest:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// raceFound is how the race detector begins what it tells.
const raceFound = "WARNING: DATA RACE"

// atEnd has Main call f, later ones first.
func atEnd(f func()) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.close = append(run.close, f)
}

// prepare makes the directory and builds the programs, the first time.
func prepare(t testing.TB) {
	t.Helper()
	if _, err := private.Version(t.Context()); errors.Is(err, private.ErrNoBinaries) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: %v", err)
	} else if err != nil {
		t.Fatalf("hubtest: %v", err)
	}
	run.once.Do(func() { run.err = errors.Join(makeDir(), build()) })
	if run.err != nil {
		t.Fatalf("hubtest: %v", run.err)
	}
}

// makeDir makes this test process's directory, in memory where there is room,
// and removes those of processes that are gone.
func makeDir() error {
	parent := os.TempDir()
	var st syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &st); err == nil && st.Bavail*uint64(st.Bsize) >= 1<<30 {
		parent = "/dev/shm"
	}
	all := filepath.Join(parent, fmt.Sprintf("fame-hubtest-%d", os.Geteuid()))
	if err := os.Mkdir(all, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(all)
	if err != nil {
		return err
	}
	if !info.IsDir() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a directory of this user: remove it", all)
	}
	if err := os.Chmod(all, 0o711); err != nil { // as root the database's user passes through
		return err
	}
	// Whoever makes or removes a directory holds the lock, so that none is taken
	// for an abandoned one before its own lock is.
	making, err := os.OpenFile(filepath.Join(all, "making.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer making.Close()
	if err := syscall.Flock(int(making.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	sweep(all)
	if run.dir, err = os.MkdirTemp(all, "run-"); err != nil {
		return err
	}
	if run.lock, err = os.OpenFile(filepath.Join(run.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err := syscall.Flock(int(run.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return err
	}
	return os.Chmod(run.dir, 0o711)
}

// sweep removes the directories that nobody holds. What it cannot remove the
// next process tries again.
func sweep(all string) {
	runs, _ := filepath.Glob(filepath.Join(all, "run-*"))
	for _, dir := range runs {
		f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			servers, _ := filepath.Glob(filepath.Join(dir, "*", "postmaster.pid"))
			deeper, _ := filepath.Glob(filepath.Join(dir, "*", "*", "postmaster.pid"))
			for _, pid := range append(servers, deeper...) {
				_ = private.Halt(filepath.Dir(filepath.Dir(pid))) // dir/data/postmaster.pid
			}
			os.RemoveAll(dir)
		}
		f.Close()
	}
}

// build compiles the programs.
func build() error {
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	args := []string{"build", "-ldflags", "-s -w", "-o", filepath.Join(run.dir, "bin") + string(filepath.Separator)}
	if race {
		args = append(args, "-race")
	}
	for _, p := range programs {
		args = append(args, "./cmd/"+p)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Dir(strings.TrimSpace(string(out)))
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w: %s", err, text)
	}
	return nil
}

// program is where a built program is.
func program(name string) string { return filepath.Join(run.dir, "bin", name) }

// Dir makes a directory that the database's user can pass through, also where
// the tests run as root. It is gone when the tests are.
func Dir(t testing.TB, name string) string {
	t.Helper()
	prepare(t)
	run.mu.Lock()
	defer run.mu.Unlock()
	run.made++
	dir := filepath.Join(run.dir, fmt.Sprintf("%s-%d", name, run.made))
	if err := os.Mkdir(dir, 0o711); err != nil {
		t.Fatalf("hubtest: %v", err)
	}
	return dir
}

// Eventually tries until try returns nil, and fails the test with its last
// error when the time is over.
func Eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	pause := 5 * time.Millisecond
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		case <-time.After(pause):
			pause = min(2*pause, 100*time.Millisecond)
		}
	}
}
