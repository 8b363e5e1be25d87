package seal

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
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

	"pgregory.net/rapid"
)

// TestMain lets the test binary stand in for another process of the hub.
func TestMain(m *testing.M) {
	if mode := os.Getenv("SEAL_TEST_CHILD"); mode != "" {
		os.Exit(child(mode, os.Getenv("SEAL_TEST_DIR")))
	}
	os.Exit(m.Run())
}

func child(mode, dir string) int {
	f, err := OpenFile(filepath.Join(dir, "keys.age"), filepath.Join(dir, "identity"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if mode == "kill" {
		f.beforeRename = func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	}
	fmt.Println("ready")
	if mode == "race" {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // all start together
	}
	check, created, err := f.Ensure(context.Background(), "column/raced/1", KindMAC)
	fmt.Printf("%x %t %v\n", check, created, err)
	return 0
}

func startChild(t *testing.T, mode, dir string) (*exec.Cmd, *bufio.Reader, *os.File) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "SEAL_TEST_CHILD="+mode, "SEAL_TEST_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, start, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stderr = in, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("child says %q, %v", line, err)
	}
	return cmd, lines, start
}

func paths(f *File) (dir, path, identity string) {
	dir = filepath.Dir(f.path)
	return dir, f.path, filepath.Join(dir, "identity")
}

// later makes the provider believe that its state is old.
func later(f *File) {
	s := *f.state.Load()
	s.read = time.Time{}
	f.state.Store(&s)
}

func TestEnsureKeepsKeysAcrossProcesses(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	_, path, identity := paths(f)
	again, err := OpenFile(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	for id, kind := range map[KeyID]KeyKind{macID: KindMAC, wrapID: KindWrap, signID: KindSign} {
		want, err := f.Check(ctx, id)
		if err != nil || len(want) != 8 {
			t.Fatalf("Check(%s) = %x, %v", id, want, err)
		}
		got, created, err := again.Ensure(ctx, id, kind)
		if err != nil || created || !bytes.Equal(got, want) {
			t.Errorf("Ensure(%s) = %x, %t, %v; want %x, false, nil", id, got, created, err, want)
		}
		if err := Confirm(ctx, again, id, want); err != nil {
			t.Errorf("Confirm(%s): %v", id, err)
		}
	}
	one, err1 := f.MAC(ctx, macID, []byte("m"))
	two, err2 := again.MAC(ctx, macID, []byte("m"))
	if err1 != nil || err2 != nil || one != two {
		t.Errorf("two processes make different MACs: %v, %v", err1, err2)
	}
	content, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(content, []byte("age-encryption.org/v1\n")) || bytes.Contains(content, []byte("column/")) {
		t.Errorf("the key file is not an age file that hides its ids: %v", err)
	}
}

func TestFileErrors(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	const gone KeyID = "agency/gone/1"
	if _, _, err := f.Ensure(ctx, gone, KindWrap); err != nil {
		t.Fatal(err)
	}
	if err := f.Destroy(ctx, gone); err != nil {
		t.Fatal(err)
	}
	check, _ := f.Check(ctx, macID)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for name, tc := range map[string]struct {
		err  error
		call func() error
	}{
		"Check, missing":          {ErrNoKey, func() error { _, err := f.Check(ctx, "column/none/1"); return err }},
		"MAC, missing":            {ErrNoKey, func() error { _, err := f.MAC(ctx, "column/none/1", nil); return err }},
		"Wrap, missing":           {ErrNoKey, func() error { _, err := f.Wrap(ctx, "agency/none/1", []byte("a"), NewDEK()); return err }},
		"Unwrap, missing":         {ErrNoKey, func() error { _, err := f.Unwrap(ctx, "agency/none/1", []byte("a"), nil); return err }},
		"Signer, missing":         {ErrNoKey, func() error { _, err := f.Signer(ctx, "sign/none"); return err }},
		"Public, missing":         {ErrNoKey, func() error { _, err := f.Public(ctx, "sign/none"); return err }},
		"Destroy, missing":        {ErrNoKey, func() error { return f.Destroy(ctx, "sign/none") }},
		"Confirm, missing":        {ErrNoKey, func() error { return Confirm(ctx, f, "column/none/1", check) }},
		"Confirm, other":          {ErrKeyChanged, func() error { return Confirm(ctx, f, wrapID, check) }},
		"Confirm, nothing stored": {ErrKeyChanged, func() error { return Confirm(ctx, f, macID, nil) }},
		"MAC, other kind":         {ErrKind, func() error { _, err := f.MAC(ctx, wrapID, nil); return err }},
		"Wrap, other kind":        {ErrKind, func() error { _, err := f.Wrap(ctx, macID, []byte("a"), NewDEK()); return err }},
		"Signer, other kind":      {ErrKind, func() error { _, err := f.Signer(ctx, macID); return err }},
		"Ensure, other kind":      {ErrKind, func() error { _, _, err := f.Ensure(ctx, macID, KindWrap); return err }},
		"Ensure, no kind":         {ErrKind, func() error { _, _, err := f.Ensure(ctx, "a/b", "hmac"); return err }},
		"Ensure, no id":           {ErrKeyID, func() error { _, _, err := f.Ensure(ctx, "a b", KindMAC); return err }},
		"Ensure, destroyed":       {ErrDestroyed, func() error { _, _, err := f.Ensure(ctx, gone, KindWrap); return err }},
		"Check, destroyed":        {ErrDestroyed, func() error { _, err := f.Check(ctx, gone); return err }},
		"destroyed is missing":    {ErrNoKey, func() error { _, err := f.Check(ctx, gone); return err }},
		"Destroy again":           {nil, func() error { return f.Destroy(ctx, gone) }},
		"Create over another": {fs.ErrExist, func() error {
			_, path, identity := paths(f)
			_, err := CreateFile(path, identity)
			return err
		}},
		"Ensure, given up while locked": {context.Canceled, func() error {
			unlock, err := f.lock(ctx)
			if err != nil {
				return err
			}
			defer unlock()
			_, _, err = f.Ensure(cancelled, "column/late/1", KindMAC)
			return err
		}},
	} {
		if err := tc.call(); !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, want %v", name, err, tc.err)
		}
	}
}

func TestSigner(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	signer, err := f.Signer(ctx, signID)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("statement"))
	sig, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := f.Public(ctx, signID)
	if err != nil || !ecdsa.VerifyASN1(public, digest[:], sig) {
		t.Errorf("the signature does not verify: %v", err)
	}
	if _, err := signer.Sign(rand.Reader, digest[:], crypto.SHA384); err == nil {
		t.Error("signs another digest than SHA-256")
	}
	if _, ok := signer.(*ecdsa.PrivateKey); ok {
		t.Error("the signer is the private key")
	}
}

func TestEnsureConcurrently(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	_, path, identity := paths(f)
	const n = 8
	var wg sync.WaitGroup
	checks, created := make([]string, n), make([]bool, n)
	for i := range n {
		wg.Go(func() {
			p := f // half share a File, half have one of their own
			if i%2 == 0 {
				var err error
				if p, err = OpenFile(path, identity); err != nil {
					t.Error(err)
					return
				}
			}
			check, c, err := p.Ensure(ctx, "column/raced/1", KindMAC)
			if err != nil {
				t.Error(err)
			}
			checks[i], created[i] = string(check), c
		})
	}
	wg.Wait()
	makers := 0
	for i := range n {
		if created[i] {
			makers++
		}
		if checks[i] != checks[0] {
			t.Error("two callers got different keys")
		}
	}
	if makers != 1 {
		t.Errorf("%d callers made the key, want 1", makers)
	}
}

func TestEnsureAmongProcesses(t *testing.T) {
	f := newTestFile(t)
	dir, _, _ := paths(f)
	const n = 8
	type process struct {
		cmd   *exec.Cmd
		lines *bufio.Reader
		start *os.File
	}
	var all []process
	for range n {
		cmd, lines, start := startChild(t, "race", dir)
		all = append(all, process{cmd, lines, start})
	}
	for _, p := range all {
		_, _ = p.start.WriteString("go\n")
	}
	makers, checks := 0, map[string]bool{}
	for _, p := range all {
		line, err := p.lines.ReadString('\n')
		fields := strings.Fields(line)
		if err != nil || len(fields) != 3 || fields[2] != "<nil>" {
			t.Fatalf("child says %q, %v", line, err)
		}
		checks[fields[0]] = true
		if fields[1] == "true" {
			makers++
		}
		_ = p.start.Close()
		if err := p.cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if makers != 1 || len(checks) != 1 {
		t.Errorf("%d makers and %d keys, want 1 and 1", makers, len(checks))
	}
	if check, err := f.Check(context.Background(), "column/raced/1"); err != nil || !checks[fmt.Sprintf("%x", check)] {
		t.Errorf("the parent sees %x, %v", check, err)
	}
}

func TestKilledBeforeRename(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	dir, path, identity := paths(f)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd, _, start := startChild(t, "kill", dir)
	defer func() { _ = start.Close() }()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child ends with %v, want SIGKILL", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Fatalf("the old file is not as it was: %v", err)
	}
	if _, err := os.Stat(path + ".new"); err != nil {
		t.Fatalf("the child died elsewhere: %v", err)
	}
	again, err := OpenFile(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Check(ctx, "column/raced/1"); !errors.Is(err, ErrNoKey) {
		t.Errorf("a key that was never acknowledged: %v, want ErrNoKey", err)
	}
	if _, created, err := again.Ensure(ctx, "column/raced/1", KindMAC); err != nil || !created {
		t.Errorf("the next Ensure = %t, %v", created, err)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the dead process's file stays: %v", err)
	}
}

func TestSeesOtherProcesses(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	_, path, identity := paths(f)
	other, err := OpenFile(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.Ensure(ctx, "column/new/1", KindMAC); err != nil {
		t.Fatal(err)
	}
	if _, err := f.MAC(ctx, "column/new/1", nil); err != nil {
		t.Errorf("a key made elsewhere: %v", err)
	}
	if err := other.Destroy(ctx, macID); err != nil {
		t.Fatal(err)
	}
	later(f)
	if _, err := f.MAC(ctx, macID, nil); !errors.Is(err, ErrDestroyed) {
		t.Errorf("a key destroyed elsewhere: %v, want ErrDestroyed", err)
	}
}

// TestReplacedFile puts another key file in place while a process runs, and
// wants it to be refused until the right one is back.
func TestReplacedFile(t *testing.T) {
	ctx := context.Background()
	for name, replace := range map[string]func(t *testing.T, path, identity string){
		"removed": func(t *testing.T, path, _ string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"empty ring": func(t *testing.T, path, identity string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if _, err := CreateFile(path, identity); err != nil {
				t.Fatal(err)
			}
		},
		"same ids, other keys": func(t *testing.T, path, identity string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			f, err := CreateFile(path, identity)
			if err != nil {
				t.Fatal(err)
			}
			for id, kind := range map[KeyID]KeyKind{macID: KindMAC, wrapID: KindWrap, signID: KindSign} {
				if _, _, err := f.Ensure(ctx, id, kind); err != nil {
					t.Fatal(err)
				}
			}
		},
		"cut short": func(t *testing.T, path, _ string) {
			if err := os.Truncate(path, 150); err != nil {
				t.Fatal(err)
			}
		},
		"readable by the group": func(t *testing.T, path, _ string) {
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTestFile(t)
			_, path, identity := paths(f)
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			replace(t, path, identity)
			later(f)
			for range 2 {
				if sum, err := f.MAC(ctx, macID, nil); err == nil || sum != [32]byte{} {
					t.Errorf("MAC = %x, %v; want an error", sum, err)
				}
				if _, created, err := f.Ensure(ctx, "column/new/1", KindMAC); err == nil || created {
					t.Errorf("Ensure = %t, %v; want an error", created, err)
				}
			}
			_ = os.Remove(path)
			if err := writeNew(path, good); err != nil {
				t.Fatal(err)
			}
			later(f)
			if _, err := f.MAC(ctx, macID, nil); err != nil {
				t.Errorf("after the right file is back: %v", err)
			}
		})
	}
}

func TestResurrectedKeyIsRefused(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	_, path, _ := paths(f)
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Destroy(ctx, wrapID); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), writeNew(path, backup)); err != nil {
		t.Fatal(err)
	}
	later(f)
	if _, err := f.Check(ctx, wrapID); !errors.Is(err, ErrKeyChanged) {
		t.Errorf("a destroyed key is back: %v, want ErrKeyChanged", err)
	}
}

func TestPermissions(t *testing.T) {
	chmod := func(mode fs.FileMode) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tc := range []struct {
		name  string
		wants string // "" for accepted
		spoil func(t *testing.T, path string)
	}{
		{"0600", "", chmod(0o600)},
		{"0644", "chmod 600", chmod(0o644)},
		{"0640", "chmod 600", chmod(0o640)},
		{"0620", "chmod 600", chmod(0o620)},
		{"0700", "chmod 600", chmod(0o700)},
		{"0400", "chmod 600", chmod(0o400)},
		{"setuid", "chmod 600", chmod(0o600 | fs.ModeSetuid)},
		{"of another user", "owner", func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			if err := os.Chown(path, 65534, -1); err != nil {
				t.Fatal(err)
			}
		}},
		{"symbolic link", "symbolic link", func(t *testing.T, path string) {
			if err := errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path)); err != nil {
				t.Fatal(err)
			}
		}},
		{"directory", "not a regular file", func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}},
		{"pipe", "not a regular file", func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
				t.Fatal(err)
			}
		}},
		{"missing", "not there", func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
		{"empty", "", nil},
	} {
		for _, which := range []string{"keys.age", "identity"} {
			t.Run(tc.name+" "+which, func(t *testing.T) {
				f := newTestFile(t)
				dir, path, identity := paths(f)
				if tc.spoil == nil {
					if err := os.Truncate(filepath.Join(dir, which), 0); err != nil {
						t.Fatal(err)
					}
					if _, err := OpenFile(path, identity); err == nil {
						t.Error("an empty file opens")
					}
					return
				}
				tc.spoil(t, filepath.Join(dir, which))
				_, err := OpenFile(path, identity)
				if tc.wants == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), tc.wants) {
					t.Errorf("OpenFile: %v, want %q", err, tc.wants)
				}
			})
		}
	}
}

func TestCreateIgnoresUmask(t *testing.T) {
	dir := t.TempDir()
	old := syscall.Umask(0o277)
	defer syscall.Umask(old)
	if _, err := CreateFile(filepath.Join(dir, "keys.age"), filepath.Join(dir, "identity")); err != nil {
		t.Error(err)
	}
}

func TestIdentityFile(t *testing.T) {
	f := newTestFile(t)
	dir, path, identity := paths(f)
	own, err := os.ReadFile(identity)
	if err != nil {
		t.Fatal(err)
	}
	another := newTestFile(t)
	for name, tc := range map[string]struct {
		content string
		ok      bool
	}{
		"as age-keygen writes it": {"# created: 2026-11-21\n# public key: age1\n" + string(own), true},
		"of another file":         {another.identity.String(), false},
		"two identities":          {string(own) + another.identity.String(), false},
		"a mistyped one":          {"AGE-SECRET-KEY-1TOPSECRET\n", false},
		"none":                    {"# nothing\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := writeNew(p, []byte(tc.content)); err != nil {
				t.Fatal(err)
			}
			_, err := OpenFile(path, p)
			if (err == nil) != tc.ok {
				t.Errorf("OpenFile: %v, want success %t", err, tc.ok)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error quotes the identity: %v", err)
			}
		})
	}
}

func TestKeyFileContent(t *testing.T) {
	const secret = `"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="`
	const a = `{"id":"k/a","kind":"mac","secret":` + secret + `}`
	const b = `{"id":"k/b","kind":"sign","secret":` + secret + `}`
	for name, tc := range map[string]struct {
		content string
		err     error
	}{
		"empty ring":         {`{"version":1,"keys":[],"destroyed":[]}`, nil},
		"two keys":           {`{"version":1,"keys":[` + a + `,` + b + `],"destroyed":["k/c"]}`, nil},
		"unordered":          {`{"version":1,"keys":[` + b + `,` + a + `],"destroyed":[]}`, errKeyFile},
		"twice":              {`{"version":1,"keys":[` + a + `,` + a + `],"destroyed":[]}`, errKeyFile},
		"there and gone":     {`{"version":1,"keys":[` + a + `],"destroyed":["k/a"]}`, errKeyFile},
		"unknown field":      {`{"version":1,"keys":[],"destroyed":[],"more":1}`, errKeyFile},
		"unknown key field":  {`{"version":1,"keys":[` + strings.Replace(a, "{", `{"x":1,`, 1) + `],"destroyed":[]}`, errKeyFile},
		"repeated member":    {`{"version":1,"keys":[` + a + `],"keys":[],"destroyed":[]}`, errKeyFile},
		"other case":         {`{"Version":1,"keys":[],"destroyed":[]}`, errKeyFile},
		"missing member":     {`{"version":1,"keys":[]}`, errKeyFile},
		"null":               {`{"version":1,"keys":null,"destroyed":[]}`, errKeyFile},
		"spaces":             {`{"version":1, "keys":[],"destroyed":[]}`, errKeyFile},
		"trailing":           {`{"version":1,"keys":[],"destroyed":[]}{}`, errKeyFile},
		"later version":      {`{"version":2,"keys":[],"destroyed":[]}`, errKeyVersion},
		"unknown kind":       {`{"version":1,"keys":[` + strings.Replace(a, "mac", "rsa", 1) + `],"destroyed":[]}`, errKeyFile},
		"short secret":       {`{"version":1,"keys":[` + strings.Replace(a, secret, `"AQ=="`, 1) + `],"destroyed":[]}`, errKeyFile},
		"malformed id":       {`{"version":1,"keys":[` + strings.Replace(a, "k/a", "k a", 1) + `],"destroyed":[]}`, errKeyFile},
		"malformed gone":     {`{"version":1,"keys":[],"destroyed":["x"]}`, errKeyFile},
		"zero signing key":   {`{"version":1,"keys":[` + strings.Replace(b, "AQ", "AA", 1) + `],"destroyed":[]}`, errKeyFile},
		"too great for P256": {`{"version":1,"keys":[` + strings.Replace(b, secret, `"//////////////////////////////////////////8="`, 1) + `],"destroyed":[]}`, errKeyFile},
		"nothing":            {``, errKeyFile},
	} {
		if _, err := parseRing([]byte(tc.content)); !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, want %v", name, err, tc.err)
		}
	}
}

// TestFileModel runs random makings, destructions and reopenings against a map.
func TestFileModel(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		path, identity := filepath.Join(dir, "keys.age"), filepath.Join(dir, "identity")
		f, err := CreateFile(path, identity)
		if err != nil {
			rt.Fatal(err)
		}
		type entry struct {
			kind  KeyKind
			check string
			gone  bool
		}
		model := map[KeyID]entry{}
		ids := rapid.SampledFrom([]KeyID{"k/a", "k/b", "k/c"})
		kinds := rapid.SampledFrom([]KeyKind{KindMAC, KindWrap, KindSign, KindNote, KindAgree})
		rt.Repeat(map[string]func(*rapid.T){
			"ensure": func(t *rapid.T) {
				id, kind := ids.Draw(t, "id"), kinds.Draw(t, "kind")
				check, created, err := f.Ensure(ctx, id, kind)
				switch was, there := model[id]; {
				case was.gone && !errors.Is(err, ErrDestroyed):
					t.Fatalf("Ensure of a destroyed key: %v", err)
				case there && !was.gone && was.kind != kind && !errors.Is(err, ErrKind):
					t.Fatalf("Ensure of another kind: %v", err)
				case there && !was.gone && was.kind == kind && (err != nil || created || string(check) != was.check):
					t.Fatalf("Ensure again = %x, %t, %v", check, created, err)
				case !there && (err != nil || !created):
					t.Fatalf("Ensure = %t, %v", created, err)
				case !there:
					model[id] = entry{kind, string(check), false}
				}
			},
			"destroy": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				err := f.Destroy(ctx, id)
				was, there := model[id]
				if there != (err == nil) {
					t.Fatalf("Destroy: %v", err)
				}
				if there {
					was.gone = true
					model[id] = was
				}
			},
			"reopen": func(t *rapid.T) {
				if f, err = OpenFile(path, identity); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				for id, was := range model {
					check, err := f.Check(ctx, id)
					if was.gone != errors.Is(err, ErrDestroyed) || !was.gone && string(check) != was.check {
						t.Fatalf("Check(%s) = %x, %v", id, check, err)
					}
				}
			},
		})
	})
}
