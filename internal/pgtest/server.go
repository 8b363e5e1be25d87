package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pg/private"
	hubsql "github.com/fame-hub/fame/sql"
)

const (
	// layoutVersion changes when the making of a template does.
	layoutVersion = "1"
	// room is what the directory in memory must have free. Containers often
	// give /dev/shm 64 MB, less than two clusters.
	room = 1 << 30
	// unused is how long an older template stays for other checkouts.
	unused = time.Hour
)

// serve starts this process's server over a copy of the template.
func serve(ctx context.Context) error {
	base, err := baseDir()
	if err != nil {
		return err
	}
	name, err := templateName(ctx)
	if err != nil {
		return err
	}
	starting, err := os.OpenFile(filepath.Join(base, "starting.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer starting.Close()
	// Who sweeps must be alone, or it could take a directory that is not yet
	// locked for an abandoned one. While another process starts, there is no
	// sweep: the next one does it.
	if syscall.Flock(int(starting.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		sweep(base, name)
	}
	if err := syscall.Flock(int(starting.Fd()), syscall.LOCK_SH); err != nil {
		return err
	}
	if process.dir, err = os.MkdirTemp(base, "run-"); err != nil {
		return err
	}
	if err := copyTemplate(ctx, filepath.Join(base, name), process.dir); err != nil {
		return err
	}
	process.server, err = private.Start(ctx, private.Config{Dir: process.dir, Fast: true})
	if err != nil {
		return err
	}
	process.admin, err = pg.Open(ctx, process.server.AdminDSN("postgres"))
	return err
}

// baseDir is this user's directory for all test servers: in memory where
// there is room, else in the temporary directory.
func baseDir() (string, error) {
	parent := os.TempDir()
	var st syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &st); err == nil && st.Bavail*uint64(st.Bsize) >= room {
		parent = "/dev/shm"
	}
	base := filepath.Join(parent, fmt.Sprintf("fame-pgtest-%d", os.Geteuid()))
	if err := os.Mkdir(base, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(base)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s is not a directory of this user: remove it", base)
	}
	return base, os.Chmod(base, 0o711) // as root the server's user passes through
}

// templateName names what a template is made from.
func templateName(ctx context.Context) (string, error) {
	version, err := private.Version(ctx)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n", layoutVersion, version, hubsql.Roles)
	err = fs.WalkDir(hubsql.Migrations, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(hubsql.Migrations, path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	return "template-" + hex.EncodeToString(h.Sum(nil)[:8]), err
}

// sweep removes what earlier processes left: the directories of servers whose
// process is gone, and templates that nobody has used for a while. What it
// cannot remove it leaves; the next process tries again.
func sweep(base, current string) {
	runs, _ := filepath.Glob(filepath.Join(base, "run-*"))
	for _, dir := range runs {
		if private.Halt(dir) == nil {
			os.RemoveAll(dir)
		}
	}
	locks, _ := filepath.Glob(filepath.Join(base, "template-*.lock"))
	for _, path := range locks {
		dir := strings.TrimSuffix(path, ".lock")
		info, err := os.Stat(path)
		if err != nil || filepath.Base(dir) == current || time.Since(info.ModTime()) < unused {
			continue
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(dir)
			os.RemoveAll(dir + ".new")
			// The lock file stays: whoever waits for it must find the same one.
		}
		f.Close()
	}
}

// copyTemplate copies the template to dir, making it first when it is missing.
// Other processes wait, since go test runs packages side by side.
func copyTemplate(ctx context.Context, from, dir string) error {
	lock, err := os.OpenFile(from+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		if err := makeTemplate(ctx, from); err != nil {
			return fmt.Errorf("make the template: %w", err)
		}
	}
	now := time.Now()
	if err := os.Chtimes(from+".lock", now, now); err != nil {
		return err
	}
	for _, part := range []string{"data", "password"} {
		if err := copyTree(filepath.Join(from, part), filepath.Join(dir, part)); err != nil {
			return fmt.Errorf("copy the template: %w", err)
		}
	}
	return nil
}

func makeTemplate(ctx context.Context, at string) (err error) {
	fresh := at + ".new"
	_ = private.Halt(fresh) // of a process that was killed over it
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	server, err := private.Start(ctx, private.Config{Dir: fresh, Fast: true})
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, server.Stop()); err == nil {
			err = os.Rename(fresh, at)
		}
	}()
	admin, err := pg.Open(ctx, server.AdminDSN("postgres"))
	if err != nil {
		return err
	}
	defer admin.Close()
	if _, err := admin.ExecContext(ctx, "create database "+template); err != nil {
		return err
	}
	if err := migrate.Up(ctx, server.AdminDSN(template)); err != nil {
		return err
	}
	passwords := map[string]string{}
	for _, duty := range migrate.Duties {
		passwords[duty] = password(duty)
	}
	if err := migrate.EnsureLogins(ctx, server.AdminDSN(template), hubName, passwords); err != nil {
		return err
	}
	_, err = admin.ExecContext(ctx, "alter database "+template+" with is_template true allow_connections false")
	return err
}

// copyTree copies a file or a directory with its owners and modes.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		at := to + strings.TrimPrefix(path, from)
		if d.IsDir() {
			err = os.Mkdir(at, info.Mode().Perm())
		} else {
			err = copyFile(path, at, info.Mode().Perm())
		}
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		return os.Lchown(at, int(st.Uid), int(st.Gid))
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
