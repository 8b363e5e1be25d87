package private

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
)

const (
	superuser = "fame_admin"
	port      = "5432" // names the socket file only; nothing listens on TCP

	// Every wait for the server ends. Recovery after a crash may need long;
	// a fast shutdown waits for one checkpoint.
	initLimit  = 2 * time.Minute
	readyLimit = 2 * time.Minute
	fastLimit  = 30 * time.Second
	hardLimit  = 5 * time.Second
)

// Config says where and how a server runs.
type Config struct {
	// Dir holds the data, the superuser's password and the lock. Start makes
	// it when it is missing; its parent must exist.
	Dir string
	// Fast gives up durability for speed: an unclean end may lose the data.
	// For tests only.
	Fast bool
	// Log receives the server's log. Nil: nobody does.
	Log io.Writer
}

// Server is a running PostgreSQL. Its methods are safe for concurrent use.
type Server struct {
	layout   layout
	bin      string
	password string
	lock     *os.File
	cmd      *exec.Cmd
	done     chan struct{} // closed when the server has ended
	stopping sync.Mutex
}

// layout is where things are.
type layout struct {
	dir    string
	data   string // PGDATA
	socket string // directory of the socket
	owner  owner  // who the server runs as
}

// Start runs a PostgreSQL over cfg.Dir and returns when it answers. The first
// time it makes the data; afterwards it finds what was there. A server that a
// killed process left over the same directory is stopped first. While another
// process uses the directory, Start refuses.
//
// As root the server runs as the user postgres, or nobody where there is none.
// Where that user cannot reach cfg.Dir the error says what to type. Where no
// binaries are found it is ErrNoBinaries. Nothing is left running when Start
// fails, or when ctx ends before the server answers; after that ctx means
// nothing to the server.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	own, err := runAs()
	if err != nil {
		return nil, err
	}
	mode := os.FileMode(0o700)
	if own.other() {
		mode = 0o711 // the server's user passes through; what is inside is closed
	}
	if err := ensure(dir, mode, owner{uid: os.Geteuid(), gid: os.Getegid()}); err != nil {
		return nil, err
	}
	l := layout{dir: dir, data: filepath.Join(dir, "data"), owner: own}

	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()

	bin, err := findBinaries(ctx, l.data)
	if err != nil {
		return nil, err
	}
	if err := reachable(ctx, bin, dir, own); err != nil {
		return nil, err
	}
	if l.socket, err = socketDir(dir, own); err != nil {
		return nil, err
	}
	if err := l.stopLeftover(); err != nil {
		return nil, err
	}
	s := &Server{layout: l, bin: bin, lock: lock}
	if s.password, err = secret(filepath.Join(dir, "password")); err != nil {
		return nil, err
	}
	if err := s.initialise(ctx); err != nil {
		return nil, err
	}
	if err := s.run(ctx, cfg); err != nil {
		return nil, err
	}
	return s, nil
}

// ensure makes dir, or takes it when it is a directory of the wanted owner,
// and sets its mode. A link, or a directory of somebody else, is refused.
func ensure(dir string, mode os.FileMode, want owner) error {
	err := os.Mkdir(dir, mode)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make the database's directory: %w", err)
	}
	made := err == nil
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: move it away", dir)
	}
	have := info.Sys().(*syscall.Stat_t)
	switch {
	case int(have.Uid) == want.uid:
	case made:
		if err := os.Chown(dir, want.uid, want.gid); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%s belongs to another user (uid %d): choose another directory, or type `chown -R %d %s`",
			dir, have.Uid, want.uid, dir)
	}
	if info.Mode().Perm() != mode {
		return os.Chmod(dir, mode)
	}
	return nil
}

// lockDir takes the directory for this process. The lock goes with the
// process, however it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the database's directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another process runs the database in %s: stop it, or choose another directory", dir)
	}
	return f, nil
}

// secret reads the superuser's password, and makes one the first time.
func secret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(bytes.TrimSpace(b)) > 0 {
		return string(bytes.TrimSpace(b)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the database's password: %w", err)
	}
	password := rand.Text()
	if err := os.WriteFile(path+".new", []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the database's password: %w", err)
	}
	return password, os.Rename(path+".new", path)
}

// initialise makes the data directory unless it is there. It is made beside
// its place and renamed, so that half a directory is never taken for one.
func (s *Server) initialise(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(s.layout.data, "PG_VERSION")); err == nil {
		return nil
	}
	fresh := s.layout.data + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := ensure(fresh, 0o700, s.layout.owner); err != nil {
		return err
	}
	// A pipe will not do: /dev/stdin cannot be opened by another user.
	pwfile := filepath.Join(s.layout.socket, "pwfile")
	defer os.Remove(pwfile)
	if err := os.WriteFile(pwfile, []byte(s.password+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Chown(pwfile, s.layout.owner.uid, s.layout.owner.gid); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, initLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"),
		"--pgdata="+fresh, "--username="+superuser, "--pwfile="+pwfile,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions")
	s.layout.owner.impose(cmd, fresh)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the database: initdb: %w: %s", err, lastLines(out))
	}
	return os.Rename(fresh, s.layout.data)
}

// run starts the server and waits until it answers.
func (s *Server) run(ctx context.Context, cfg Config) error {
	args := []string{"-D", s.layout.data, "-k", s.layout.socket, "-p", port}
	for _, c := range settings(cfg.Fast) {
		args = append(args, "-c", c)
	}
	tail := &tail{to: cfg.Log}
	s.cmd = exec.Command(filepath.Join(s.bin, "postgres"), args...)
	s.layout.owner.impose(s.cmd, s.layout.data)
	s.cmd.Stdout, s.cmd.Stderr = tail, tail
	s.cmd.WaitDelay = hardLimit
	// A Ctrl-C is for the parent, which stops its server last.
	s.cmd.SysProcAttr.Setpgid = true
	dieWithParent(s.cmd.SysProcAttr)

	s.done = make(chan struct{})
	if err := launch(s.cmd, s.done); err != nil {
		return fmt.Errorf("start the database: %w", err)
	}
	if err := s.answers(ctx); err != nil {
		_ = s.Stop() // the first error is the one to tell
		return fmt.Errorf("start the database: %w: %s", err, tail.String())
	}
	return nil
}

// settings are given on the command line, so that what the data directory's
// own files say cannot open the server.
func settings(fast bool) []string {
	all := []string{
		"listen_addresses=",
		"unix_socket_permissions=0700",
		"password_encryption=scram-sha-256",
		"max_connections=400", // two hubs of seven duties with pools of pg.DefaultMaxOpen each, and room
		"timezone=UTC", "log_timezone=UTC",
		"logging_collector=off", "log_destination=stderr",
		// ERROR lines quote rows: "Key (identifier)=(…) already exists".
		// In the order of log levels ERROR lies below LOG.
		"log_min_messages=log", "log_min_error_statement=panic",
		"log_error_verbosity=terse", "log_statement=none",
	}
	if fast {
		all = append(all,
			"fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"wal_level=minimal", "max_wal_senders=0", "shared_buffers=32MB", "jit=off",
			// A worker in the template would hold up its clones for seconds.
			"autovacuum=off")
	}
	return all
}

// launch starts cmd, and closes done when it has ended. The kernel sends
// Pdeathsig when the thread that started a child ends, not the process, so the
// goroutine keeps its thread for as long as the child lives.
func launch(cmd *exec.Cmd, done chan struct{}) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // that it ended is what is waited for, not how
			close(done)
		}
		runtime.UnlockOSThread()
	}()
	return <-started
}

// answers waits until the server does.
func (s *Server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	pause := 5 * time.Millisecond
	for {
		db, err := pg.OpenPool(ctx, s.AdminDSN("postgres"), pg.Pool{MaxOpen: 1})
		if err == nil {
			return db.Close()
		}
		if fault.KindOf(err) != fault.Unavailable {
			return fmt.Errorf("it runs, but refuses %s: %w", superuser, err)
		}
		select {
		case <-s.done:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", ctx.Err())
		case <-time.After(pause):
			pause = min(2*pause, 200*time.Millisecond)
		}
	}
}

// Stop ends the server: it waits for a clean shutdown, half a minute at most,
// and then insists. Transactions that are open are rolled back. Later calls
// do nothing.
func (s *Server) Stop() error {
	s.stopping.Lock()
	defer s.stopping.Unlock()
	if s.lock == nil {
		return nil
	}
	err := end(s.cmd.Process.Pid, func(limit time.Duration) bool {
		select {
		case <-s.done:
			return true
		default:
		}
		select {
		case <-s.done:
			return true
		case <-time.After(limit):
			return false
		}
	})
	if filepath.Dir(s.layout.socket) != s.layout.dir {
		os.RemoveAll(s.layout.socket)
	}
	s.lock.Close()
	s.lock = nil
	return err
}

// Done is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.done }

// DSN says, in lib/pq's form, how user reaches database. It holds the password.
func (s *Server) DSN(database, user, password string) string {
	q := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	return fmt.Sprintf("host='%s' port=%s dbname='%s' user='%s' password='%s' sslmode=disable",
		q.Replace(s.layout.socket), port, q.Replace(database), q.Replace(user), q.Replace(password))
}

// AdminDSN says how the superuser reaches database. "postgres" always exists.
func (s *Server) AdminDSN(database string) string {
	return s.DSN(database, superuser, s.password)
}

// RunningDSN says how the superuser reaches a database of a server that another
// process has started over dir. Nobody may answer there.
func RunningDSN(dir, database string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, "password"))
	if err != nil {
		return "", fmt.Errorf("no database has been made in %s: %w", dir, err)
	}
	own, err := runAs()
	if err != nil {
		return "", err
	}
	socket, err := socketDir(dir, own)
	if err != nil {
		return "", err
	}
	s := Server{layout: layout{socket: socket}, password: string(bytes.TrimSpace(text))}
	return s.AdminDSN(database), nil
}

// Tool is a program of the same PostgreSQL, such as pg_dump, with an
// environment in which it reaches the server as the superuser.
func (s *Server) Tool(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Env = append(environment(),
		"PGHOST="+s.layout.socket, "PGPORT="+port, "PGUSER="+superuser, "PGPASSWORD="+s.password)
	return cmd
}

// tail passes the log on and keeps its end for an error.
type tail struct {
	mu   sync.Mutex
	to   io.Writer
	kept []byte
}

// Write never fails: a log that nobody can take must not stop the server.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to != nil {
		_, _ = t.to.Write(b)
	}
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - 2048; over > 0 {
		t.kept = t.kept[over:]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return lastLines(t.kept)
}

// lastLines joins the last three lines of a program's output.
func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}
