package private

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fame-hub/fame/internal/pg"
)

// RunningTool is Tool for a server that another process has started over dir.
func RunningTool(ctx context.Context, dir, name string, args ...string) (*exec.Cmd, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	own, err := runAs()
	if err != nil {
		return nil, err
	}
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	if err != nil {
		return nil, fmt.Errorf("no database has been made in %s: %w", dir, err)
	}
	s := &Server{layout: layout{dir: dir, data: filepath.Join(dir, "data"), owner: own}, password: strings.TrimSpace(string(password))}
	if s.bin, err = findBinaries(ctx, s.layout.data); err != nil {
		return nil, err
	}
	if s.layout.socket, err = socketDir(dir, own); err != nil {
		return nil, err
	}
	return s.Tool(ctx, name, args...), nil
}

// archive is where a restored server finds the WAL that follows its base backup.
const archive = "restored_wal"

// Restore makes dir, which must not be there, of a base backup that pg_basebackup
// wrote and the WAL that followed it, up to an instant or, for the zero time, as
// far as the WAL goes. The server has recovered when Restore returns, and is
// stopped. Where it fails, what it made is of no use.
func Restore(ctx context.Context, dir, base, wal, password string, until time.Time) error {
	own, err := runAs()
	if err != nil {
		return err
	}
	mode := os.FileMode(0o700)
	if own.other() {
		mode = 0o711
	}
	if err := os.Mkdir(dir, mode); err != nil {
		return fmt.Errorf("restore the database: %w", err)
	}
	data := filepath.Join(dir, "data")
	if err := copyTree(base, data, own); err != nil {
		return fmt.Errorf("restore the database: %w", err)
	}
	conf := fmt.Sprintf("\n# restored\nrestore_command = 'cp %s/%%f %%p || cp %s/%%f.partial %%p'\nrecovery_target_action = 'promote'\n", archive, archive)
	if until.IsZero() {
		conf += "recovery_target_time = ''\n"
	} else {
		conf += "recovery_target_time = '" + until.UTC().Format("2006-01-02 15:04:05.999999") + "+00'\n"
	}
	if err := copyTree(wal, filepath.Join(data, archive), own); err != nil {
		return fmt.Errorf("restore the WAL: %w", err)
	}
	if err := appendTo(filepath.Join(data, "postgresql.auto.conf"), conf, own); err != nil {
		return err
	}
	if err := appendTo(filepath.Join(data, "recovery.signal"), "", own); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	log := new(tail)
	s, err := Start(ctx, Config{Dir: dir, Log: log})
	if err != nil {
		return err
	}
	return errors.Join(s.recovered(ctx, log), s.Stop(), os.RemoveAll(filepath.Join(data, archive)))
}

// recovered waits until the server takes writes: it answers reads before.
func (s *Server) recovered(ctx context.Context, log *tail) error {
	db, err := pg.OpenPool(ctx, s.AdminDSN("postgres"), pg.Pool{MaxOpen: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		recovering := true
		err := db.QueryRowContext(ctx, "select pg_is_in_recovery()").Scan(&recovering)
		if err == nil && !recovering {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("the database stopped before it had recovered: is there WAL up to that time? %s", log)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func appendTo(path, text string, own owner) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Chown(own.uid, own.gid), f.Sync(), f.Close())
}

// copyTree copies a directory for the server's user, to the disk. A link would
// lead out of the backup: it is refused.
func copyTree(from, to string, own owner) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		at := filepath.Join(to, rest)
		switch {
		case d.IsDir():
			if err := os.Mkdir(at, 0o700); err != nil {
				return err
			}
			return os.Chown(at, own.uid, own.gid)
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a directory: a backup has no others", rest)
		}
		in, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Chown(own.uid, own.gid), out.Sync(), out.Close())
	})
}
