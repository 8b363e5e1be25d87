package private_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/private"
)

// child names the directory in which a process that TestKilledParent starts
// runs a server.
const child = "FAME_PRIVATE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(child); dir != "" {
		if _, err := private.Start(context.Background(), private.Config{Dir: dir, Fast: true}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("started")
		select {} // until it is killed
	}
	os.Exit(m.Run())
}

func TestRestartFindsTheData(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	s := start(t, dir)
	ask(t, s, "create table public.kept as select 7 as n")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("the second Stop says %v", err)
	}
	s = start(t, dir)
	if got := ask(t, s, "select n::text from public.kept"); got != "7" {
		t.Errorf("after a restart the row is %q, want 7", got)
	}
}

func TestServerIsClosedToOthers(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	s := start(t, dir)
	for setting, want := range map[string]string{
		"listen_addresses": "", "password_encryption": "scram-sha-256", "data_checksums": "on",
		"server_encoding": "UTF8", "lc_collate": "C", "unix_socket_permissions": "0700",
	} {
		if got := ask(t, s, "select current_setting('"+setting+"')"); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if got := ask(t, s, "select string_agg(distinct auth_method, ' ') from pg_hba_file_rules"); got != "scram-sha-256" {
		t.Errorf("the ways in are %q, want scram-sha-256 alone", got)
	}
	_, err := pg.Open(t.Context(), s.DSN("postgres", "fame_admin", "wrong"))
	if err == nil || fault.KindOf(err) == fault.Unavailable {
		t.Errorf("a wrong password: got %v, want a refusal", err)
	}
	info, err := os.Stat(filepath.Join(dir, "password"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the password's file is %v (%v), want 0600", info.Mode(), err)
	}
	info, err = os.Stat(filepath.Join(dir, "data"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data's directory is %v (%v), want 0700", info.Mode(), err)
	}
}

func TestLogHoldsNoValues(t *testing.T) {
	t.Parallel()
	log := &buffer{}
	s, err := private.Start(t.Context(), private.Config{Dir: directory(t), Fast: true, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	db, err := pg.Open(t.Context(), s.AdminDSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"select '943-476-5919'::uuid",
		"create table public.t (n text primary key); insert into public.t values ('943-476-5919'), ('943-476-5919')",
		"do $$ begin raise warning '943-476-5919'; end $$",
	} {
		db.Exec(statement)
	}
	_, err = db.Exec("select $1::uuid", "943-476-5919")
	if err == nil {
		t.Fatal("the statement worked")
	}
	s.Stop()
	if strings.Contains(log.String(), "943-476-5919") {
		t.Errorf("the log holds a value:\n%s", log)
	}
	if !strings.Contains(log.String(), "ready to accept connections") {
		t.Errorf("the log lacks the start:\n%s", log)
	}
}

func TestSecondStartIsRefused(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	start(t, dir)
	_, err := private.Start(t.Context(), private.Config{Dir: dir, Fast: true})
	if err == nil || !strings.Contains(err.Error(), "another process runs the database") {
		t.Errorf("got %v, want a refusal that says why", err)
	}
	if err := private.Halt(dir); err == nil {
		t.Error("Halt stopped a server that has its parent")
	}
}

func TestLongPathStillFindsASocket(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	for range 3 {
		dir = filepath.Join(dir, strings.Repeat("long", 12))
		if err := os.Mkdir(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, dir)
	ask(t, s, "select 'x'")
	host, _, _ := strings.Cut(strings.TrimPrefix(s.DSN("", "", ""), "host='"), "'")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(host); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there (%v)", host, err)
	}
}

func TestQuotesInADSN(t *testing.T) {
	t.Parallel()
	s := start(t, directory(t))
	ask(t, s, `create role "o'b\ r" login password 'it''s \ me'`)
	db, err := pg.Open(t.Context(), s.DSN("postgres", `o'b\ r`, `it's \ me`))
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
}

// TestKilledParent kills -9 the process that started a server.
func TestKilledParent(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	cmd, pid := parent(t, dir)
	cmd.Process.Kill()
	cmd.Wait()
	if !gone(pid, 15*time.Second) {
		syscall.Kill(pid, syscall.SIGQUIT)
		t.Fatalf("process %d outlives its parent", pid)
	}
	start(t, dir) // and the directory is free again
}

// TestStartRightAfterAKill starts anew in the moment of the kill.
func TestStartRightAfterAKill(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	cmd, pid := parent(t, dir)
	cmd.Process.Kill()
	cmd.Wait()
	s := start(t, dir)
	ask(t, s, "select 'x'")
	if !gone(pid, 0) {
		t.Errorf("two servers run over one directory")
	}
}

func TestCrashedServerRecovers(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	s, err := private.Start(t.Context(), private.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, s, "create table public.kept as select 7 as n")
	syscall.Kill(serverOf(t, dir), syscall.SIGKILL)
	select {
	case <-s.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("Done does not tell that the server is gone")
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if s, err = private.Start(t.Context(), private.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if got := ask(t, s, "select n::text from public.kept"); got != "7" {
		t.Errorf("after a crash the row is %q, want 7", got)
	}
}

func TestAlienPidIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	if err := start(t, dir).Stop(); err != nil {
		t.Fatal(err)
	}
	alien := exec.Command("sleep", "60")
	if err := alien.Start(); err != nil {
		t.Fatal(err)
	}
	defer alien.Wait()
	defer alien.Process.Kill()
	stale := fmt.Sprintf("%d\n%s/data\n", alien.Process.Pid, dir)
	if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(stale), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
	if gone(alien.Process.Pid, 0) {
		t.Error("a program that has the old server's pid was stopped")
	}
}

func TestHalfMadeDataIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := directory(t)
	if _, err := private.Start(ctx, private.Config{Dir: dir, Fast: true}); err == nil {
		t.Fatal("started without time")
	}
	start(t, dir) // nothing is left that would hinder it
}

func TestRootLearnsWhatIsClosed(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as another user")
	}
	closed := directory(t)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := private.Start(t.Context(), private.Config{Dir: filepath.Join(closed, "fame"), Fast: true})
	if err == nil || !strings.Contains(err.Error(), "chmod o+x "+closed+"`") {
		t.Errorf("got %v, want an error that says to type chmod o+x %s", err, closed)
	}
}

func TestLinkIsRefused(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	if _, err := private.Start(t.Context(), private.Config{Dir: dir, Fast: true}); err == nil {
		t.Error("a link was taken for the socket's directory")
	}
}

// directory is one that the server's user can reach, which t.TempDir is not
// for root, and that is in memory where it can be.
func directory(t *testing.T) string {
	t.Helper()
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = ""
	}
	dir, err := os.MkdirTemp(base, "fame-private-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, dir string) *private.Server {
	t.Helper()
	s, err := private.Start(t.Context(), private.Config{Dir: dir, Fast: true})
	if errors.Is(err, private.ErrNoBinaries) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// parent starts a process that runs a server over dir, and returns both.
func parent(t *testing.T, dir string) (*exec.Cmd, int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	line := make([]byte, len("started"))
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "started" {
		t.Fatalf("the child says %q (%v)", line, err)
	}
	return cmd, serverOf(t, dir)
}

func serverOf(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 1 {
		t.Fatalf("postmaster.pid begins with %q", first)
	}
	return pid
}

func gone(pid int, limit time.Duration) bool {
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return true
		}
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && bytes.Contains(b, []byte(") Z ")) {
			return true // ended; nobody has waited for it
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// ask runs one statement as the superuser and returns its one value, if any.
func ask(t *testing.T, s *private.Server, statement string) (value string) {
	t.Helper()
	db, err := pg.Open(t.Context(), s.AdminDSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&value)
	}
	if err := errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	return value
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
