package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/internal/pg/private"
)

type backupCommand struct {
	To         string `arg:"" help:"Where the backups of the database go. No key ever does." type:"path"`
	Keys       string `help:"Where the key files and the configuration go: another disk, with other guards." type:"path" placeholder:"DIR"`
	Identities string `help:"Where the identities go that open the key files: a third place." type:"path" placeholder:"DIR"`
	WAL        bool   `help:"Go on receiving the write-ahead log until told to stop, so that every instant from the last backup on can be restored." name:"wal"`
}

// stampForm names backups so that they sort by time.
const stampForm = "20060102T150405.000000Z"

// Run makes a backup of a hub that runs: of its database, checked against its
// manifest, or of the log that follows one; and of its keys, apart.
func (c *backupCommand) Run(ctx context.Context, all *cli, out *printer) error {
	h, err := openHub(all.Dir)
	if err != nil {
		return err
	}
	if !h.Private {
		return errors.New("this hub's PostgreSQL is your own: back it up as docs/runbooks/restore.md says, and copy the hub's directory to where the keys are kept")
	}
	if c.WAL {
		return c.follow(ctx, h)
	}
	if c.Keys == "" || c.Identities == "" {
		return errors.New("say with --keys where the key files go, and with --identities where what opens them goes: whoever has both beside the data can read every identifier")
	}
	if err := apart(c.To, c.Keys, c.Identities, all.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(c.To, 0o700); err != nil {
		return err
	}
	fresh := filepath.Join(c.To, "base.new")
	if err := os.RemoveAll(fresh); err != nil { // of a backup that was interrupted
		return err
	}
	for _, step := range [][]string{
		{"pg_basebackup", "--pgdata=" + fresh, "--wal-method=stream", "--checkpoint=fast", "--manifest-checksums=SHA256", "--no-password"},
		{"pg_verifybackup", "--quiet", fresh},
	} {
		if err := h.tool(ctx, step...); err != nil {
			return err
		}
	}
	stamp := time.Now().UTC().Format(stampForm)
	base := filepath.Join(c.To, "base-"+stamp)
	if err := os.Rename(fresh, base); err != nil {
		return err
	}
	identities := filepath.Join(c.Identities, "identities-"+stamp)
	if err := h.copyAside(identities, isIdentity); err != nil {
		return err
	}
	keys := filepath.Join(c.Keys, "keys-"+stamp)
	if err := h.copyAside(keys, func(path string) bool { return !isIdentity(path) }); err != nil {
		return err
	}
	out.say("The database is in %s, its keys in %s, what opens them in %s.", base, keys, identities)
	out.say("None is of any use without the others. Try all: fame --dir NEW restore %s --keys %s --identities %s", c.To, c.Keys, c.Identities)
	return out.result(map[string]string{"base": base, "keys": keys, "identities": identities})
}

// follow receives the write-ahead log through a slot, which keeps what has not
// been received while nobody does.
func (c *backupCommand) follow(ctx context.Context, h hub) error {
	wal := filepath.Join(c.To, "wal")
	if err := os.MkdirAll(wal, 0o700); err != nil {
		return err
	}
	if err := h.tool(ctx, "pg_receivewal", "--slot=fame_backup", "--create-slot", "--if-not-exists", "--no-password"); err != nil {
		return err
	}
	err := h.tool(ctx, "pg_receivewal", "--slot=fame_backup", "--directory="+wal, "--no-password")
	if ctx.Err() != nil {
		return nil // told to stop
	}
	return err
}

// tool runs a program of the hub's PostgreSQL to its end. A Ctrl-C ends it in order.
func (h hub) tool(ctx context.Context, args ...string) error {
	cmd, err := private.RunningTool(ctx, h.path("postgres"), args[0], args[1:]...)
	if err != nil {
		return err
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", args[0], err, strings.TrimSpace(string(text)))
	}
	return nil
}

// apart refuses directories of which one is inside another.
func apart(dirs ...string) error {
	real := make([]string, len(dirs))
	for i, dir := range dirs {
		at, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		// What is not there yet is judged by the directory that it will be in.
		for rest := ""; ; {
			if found, err := filepath.EvalSymlinks(at); err == nil {
				real[i] = filepath.Join(found, rest)
				break
			}
			at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest)
		}
	}
	for i, a := range real {
		for _, b := range real[i+1:] {
			if a == b || strings.HasPrefix(a, b+string(filepath.Separator)) || strings.HasPrefix(b, a+string(filepath.Separator)) {
				return fmt.Errorf("keep the keys apart from the data, and both from the hub: %s and %s are one inside the other", a, b)
			}
		}
	}
	return nil
}

// isIdentity reports whether a file opens a key file.
func isIdentity(path string) bool { return strings.HasSuffix(path, ".identity") }

// copyAside copies the files of the hub's directory that are wanted, without its
// database, whole or not at all. The database's password goes with the configuration.
func (h hub) copyAside(to string, wanted func(path string) bool) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	fresh := to + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := copyFiles(h.dir, fresh, "postgres", wanted); err != nil {
		return err
	}
	const password = "postgres.password"
	if wanted(password) {
		text, err := os.ReadFile(h.path("postgres", "password"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(fresh, password), text, 0o600); err != nil {
			return err
		}
	}
	return os.Rename(fresh, to)
}

// copyFiles copies the files of a directory that are wanted, each with its mode, but
// not what is called skip at its top, nor locks. What is there already stays.
func copyFiles(from, to, skip string, wanted func(path string) bool) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(from, path)
		switch {
		case err != nil:
			return err
		case rest == skip && d.IsDir():
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rest), 0o700)
		case !d.Type().IsRegular(), strings.HasSuffix(rest, ".lock"), !wanted(rest):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rest), text, info.Mode().Perm())
	})
}

type restoreCommand struct {
	From       string    `arg:"" help:"Where fame backup put the database's backups." type:"existingdir"`
	Keys       string    `help:"Where it put the key files." required:"" type:"existingdir" placeholder:"DIR"`
	Identities string    `help:"Where it put what opens them." required:"" type:"existingdir" placeholder:"DIR"`
	Until      time.Time `help:"Restore what was there at this instant, for which --wal has received the log. Left out: all that there is." placeholder:"2026-11-22T09:00:00Z"`
}

// Run makes a hub of a backup in a directory that is not there yet, and verifies
// it: it is not served before somebody types `fame up`.
func (c *restoreCommand) Run(ctx context.Context, all *cli, out *printer) error {
	if _, err := os.Stat(all.Dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: restore into a directory that is not, and replace the old one when you have seen the new one", all.Dir)
	}
	base, err := newest(c.From, "base-", c.Until)
	if err != nil {
		return err
	}
	keys, err := newest(c.Keys, "keys-", time.Time{}) // later keys open all that earlier ones do
	if err != nil {
		return err
	}
	identities, err := newest(c.Identities, "identities-", time.Time{})
	if err != nil {
		return err
	}
	password, err := os.ReadFile(filepath.Join(keys, "postgres.password"))
	if err != nil {
		return err
	}
	wal := filepath.Join(c.From, "wal")
	if _, err := os.Stat(wal); errors.Is(err, fs.ErrNotExist) {
		wal = filepath.Join(base, "pg_wal") // the backup's own is all that there is
	}
	if err := os.MkdirAll(all.Dir, 0o711); err != nil {
		return err
	}
	out.say("Restoring %s ...", base)
	if err := private.Restore(ctx, filepath.Join(all.Dir, "postgres"), base, wal, strings.TrimSpace(string(password)), c.Until); err != nil {
		return fmt.Errorf("%w (remove %s before you try again)", err, all.Dir)
	}
	for _, from := range []string{keys, identities} {
		if err := copyFiles(from, all.Dir, "", func(path string) bool { return path != "postgres.password" }); err != nil {
			return err
		}
	}
	return new(verifyHubCommand).Run(ctx, all, out)
}

// newest is the latest backup of a kind, or the latest that was whole by then.
func newest(dir, prefix string, until time.Time) (string, error) {
	names, err := filepath.Glob(filepath.Join(dir, prefix+"*Z"))
	if err != nil {
		return "", err
	}
	slices.Sort(names)
	for _, name := range slices.Backward(names) {
		at, err := time.Parse(stampForm, strings.TrimPrefix(filepath.Base(name), prefix))
		if err == nil && (until.IsZero() || !at.After(until)) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s has no backup %s... that was whole by then", dir, prefix)
}
