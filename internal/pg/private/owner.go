package private

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// owner is whom the server runs as and its files belong to.
type owner struct {
	name     string
	uid, gid int
}

// other reports whether the owner is not this process's user.
func (o owner) other() bool { return o.uid != os.Geteuid() }

// runAs picks the owner: oneself, or for root, as whom PostgreSQL refuses to
// run, postgres or nobody.
func runAs() (owner, error) {
	if os.Geteuid() != 0 {
		return owner{"", os.Geteuid(), os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if errors.Join(err1, err2) == nil && uid > 0 {
			return owner{name, uid, gid}, nil
		}
	}
	return owner{}, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody: run this as an ordinary user")
}

// impose makes cmd run as the owner, in dir, with a clean environment.
func (o owner) impose(cmd *exec.Cmd, dir string) {
	cmd.Dir = dir
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if o.other() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
}

// environment is this process's without what would steer PostgreSQL
// elsewhere, and without its locale.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") && !strings.HasPrefix(kv, "LC_") && !strings.HasPrefix(kv, "LANG") {
			env = append(env, kv)
		}
	}
	return append(env, "LC_ALL=C")
}

// reachable tries, as the owner, to enter dir and run the binaries.
func reachable(ctx context.Context, bin, dir string, o owner) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version")
	o.impose(cmd, dir)
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if at := closedTo(dir, o); o.other() && at != "" {
		return fmt.Errorf("the database runs as the user %s, to whom %s is closed: type `chmod o+x %s`, "+
			"or go on from a directory open to all, such as /srv", o.name, at, at)
	}
	return fmt.Errorf("run %s/postgres in %s: %w", bin, dir, err)
}

// closedTo returns the topmost directory on the way to dir that the owner may
// not pass through, as far as its mode tells.
func closedTo(dir string, o owner) string {
	for at := string(filepath.Separator); ; {
		info, err := os.Stat(at)
		if err != nil {
			return ""
		}
		st := info.Sys().(*syscall.Stat_t)
		bit := os.FileMode(0o001)
		if int(st.Uid) == o.uid {
			bit = 0o100
		} else if int(st.Gid) == o.gid {
			bit = 0o010
		}
		if info.Mode()&bit == 0 {
			return at
		}
		rest, err := filepath.Rel(at, dir)
		if err != nil || rest == "." {
			return ""
		}
		next, _, _ := strings.Cut(rest, string(filepath.Separator))
		at = filepath.Join(at, next)
	}
}

// longestSocket is what every system can bind: Linux takes 107 bytes, macOS 103.
const longestSocket = 103

// socketDir makes the directory of the socket: inside dir, or where that path
// is too long to bind, in the system's temporary directory under a name that
// dir alone has.
func socketDir(dir string, o owner) (string, error) {
	at := filepath.Join(dir, "run")
	if len(at)+len("/.s.PGSQL."+port) > longestSocket {
		sum := sha256.Sum256([]byte(dir))
		at = filepath.Join("/tmp", fmt.Sprintf("fame-%d-%s", os.Geteuid(), hex.EncodeToString(sum[:8])))
	}
	return at, ensure(at, 0o700, o)
}
