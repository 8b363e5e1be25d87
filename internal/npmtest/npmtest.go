package npmtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Unable ends a test that cannot try what it is for.
func Unable(t testing.TB, what, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s: %s", what, why)
	}
	t.Skipf("NOT TESTED, %s: %s", what, why)
}

// Installed is a directory with a copy of source and the packages that its
// package-lock.json pins. It is made once for each content of source, kept in the user's
// cache, and not to be written into. Two processes may ask for it at once.
func Installed(t testing.TB, what, source string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	hash := sha256.New()
	from := os.DirFS(source)
	must(t, fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(from, path)
		fmt.Fprintf(hash, "%q %d\n%s", path, len(text), text)
		return err
	}))
	dir := filepath.Join(cache, "fame-npm", filepath.Base(source)+"-"+hex.EncodeToString(hash.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	must(t, os.MkdirAll(filepath.Dir(dir), 0o700))
	// Made beside its place and moved there in one step.
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	must(t, err)
	defer os.RemoveAll(fresh)
	must(t, os.CopyFS(fresh, from))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		Unable(t, what, fmt.Sprintf("npm cannot install its packages (%v: %s): install Node.js 20 or newer, where a package registry can be reached", err, out))
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, err := os.Stat(dir); err != nil { // unless somebody else was first
			t.Fatal(err)
		}
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
