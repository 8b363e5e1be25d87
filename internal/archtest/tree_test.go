package archtest

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// leaks are what must never stand in a file of the repository: a path of
// somebody's machine, or the host that a package came from. They are written
// in two halves, or this file would be the first to break the rule.
var leaks = []*regexp.Regexp{
	regexp.MustCompile(`(^|[^A-Za-z0-9_.\-/}$])/(ro` + `ot|wo` + `rk|ho` + `me|Us` + `ers)/[A-Za-z.]`),
	regexp.MustCompile(`pro` + `xy\.golang\.org|su` + `m\.golang\.org|gop` + `roxy\.|regi` + `stry\.npmjs|arti` + `factory|ne` + `xus\.`),
	regexp.MustCompile(`GOP` + `ROXY *=|GOSUM` + `DB *=|GOFL` + `AGS *=.*insecure`),
}

// checkLeaks reads one file.
func checkLeaks(name string, text []byte) (all []violation) {
	for i, line := range bytes.Split(text, []byte("\n")) {
		for _, leak := range leaks {
			if found := leak.Find(line); found != nil {
				all = append(all, breach("%s:%d holds %q: the repository is the same on every machine", name, i+1, strings.TrimSpace(string(found))))
			}
		}
	}
	return all
}

func TestNoFileKnowsAMachine(t *testing.T) {
	t.Parallel()
	for _, name := range tracked(t) {
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			continue // removed, and not yet committed
		}
		report(t, "a clone builds anywhere, or it is not the product", checkLeaks(name, text))
	}
}

func TestNoFileKnowsAMachineCanFail(t *testing.T) {
	t.Parallel()
	text := "fine: https://example.org/wo" + "rk/x and /wo" + "rkers/x\nopen(\"/wo" + "rk/main/x\")\nGOP" + "ROXY=off\ncd /ho" + "me/alice/fame\nuses pro" + "xy.golang.org\n/usr/lib/postgresql"
	mustReport(t, checkLeaks("x", []byte(text)), "x:2", "x:3", "x:4", "x:5")
}

// tracked lists what git tracks or would: the files of a commit made now. Where
// there is no git, as in an unpacked archive, it lists every file.
func tracked(t *testing.T) (names []string) {
	t.Helper()
	dir := root(t)
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = dir
	if out, err := cmd.Output(); err == nil {
		names = strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	} else {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && slices.Contains(notOurs, d.Name()) {
				return fs.SkipDir
			}
			if d.Type().IsRegular() {
				name, err := filepath.Rel(dir, path)
				names = append(names, name)
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// Go keeps checksums there, and reads nothing else into them.
	return slices.DeleteFunc(names, func(name string) bool { return filepath.Base(name) == "go.sum" })
}

func TestLicenceIsThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), "LICENSE"))
	if err != nil || !bytes.Contains(text, []byte("Apache License")) || !bytes.Contains(text, []byte("END OF TERMS AND CONDITIONS")) {
		t.Errorf("LICENSE is not the whole Apache License 2.0 (%v)", err)
	}
}
