package private

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldest is the first major version with security_invoker views and with
// nulls-not-distinct unique constraints.
const oldest = 15

// ErrNoBinaries means that the machine has no PostgreSQL that can be used.
var ErrNoBinaries = errors.New("PostgreSQL 15 or newer is not installed: type `sudo apt-get install -y postgresql`")

// Version is the first line that the binaries which Start would use for a new
// directory say of themselves. The error is ErrNoBinaries where there are none.
func Version(ctx context.Context) (string, error) {
	all := installed(ctx)
	if len(all) == 0 {
		return "", ErrNoBinaries
	}
	return all[0].says, nil
}

// installation is one PostgreSQL of this machine.
type installation struct {
	bin   string
	says  string
	major int
}

// findBinaries returns the directory of the binaries for data: those of the
// major version that made it, else the first found.
func findBinaries(ctx context.Context, data string) (string, error) {
	all := installed(ctx)
	b, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		if len(all) == 0 {
			return "", ErrNoBinaries
		}
		return all[0].bin, nil
	}
	made := strings.TrimSpace(string(b))
	for _, in := range all {
		if strconv.Itoa(in.major) == made {
			return in.bin, nil
		}
	}
	return "", fmt.Errorf("%s was made by PostgreSQL %s, which is not installed: type `sudo apt-get install -y postgresql-%s`, "+
		"or move the directory away to begin anew: %w", data, made, made, ErrNoBinaries)
}

// installed lists what can be used: what PATH and pg_config say first, then
// the places of Debian, Fedora and Homebrew, the newest first.
func installed(ctx context.Context) []installation {
	var dirs []string
	if p, err := exec.LookPath("postgres"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	if out, err := output(ctx, "pg_config", "--bindir"); err == nil {
		dirs = append(dirs, out)
	}
	var found []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/usr/local/pgsql/bin",
	} {
		m, _ := filepath.Glob(pattern)
		found = append(found, m...)
	}
	chosen := describe(ctx, dirs)
	rest := describe(ctx, found)
	slices.SortStableFunc(rest, func(a, b installation) int { return b.major - a.major })
	return append(chosen, rest...)
}

// describe asks each directory what it holds and drops what is too old, or is
// only half there (a client without initdb).
func describe(ctx context.Context, dirs []string) []installation {
	var all []installation
	for _, dir := range dirs {
		says, err := output(ctx, filepath.Join(dir, "postgres"), "--version")
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		if major := majorOf(says); major >= oldest {
			all = append(all, installation{dir, says, major})
		}
	}
	return all
}

// majorOf reads "postgres (PostgreSQL) 15.18 (Debian …)" and "… 19beta1".
func majorOf(says string) int {
	_, version, ok := strings.Cut(says, "(PostgreSQL) ")
	if !ok {
		return 0
	}
	digits := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		digits = len(version)
	}
	major, err := strconv.Atoi(version[:digits])
	if err != nil {
		return 0
	}
	return major
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(out)), err
}
