package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A portal does not start on a file that others can read, that is misspelt, or that lets
// nobody sign in, and says what to do.
func TestAConfigurationThatCannotServeIsRefused(t *testing.T) {
	t.Parallel()
	good := File{Hub: "Riverside", Public: "https://riverside.example", Listen: "127.0.0.1:8421",
		Duties: Duties{Relmgr: "http://r", Consent: "http://c", Governance: "http://g"}, SignIn: []Agency{{Name: "local", Title: "Local", Issuer: "https://i.example", Client: "fame"}}}
	start := func(f File) error {
		c, err := f.Config()
		if err != nil {
			return err
		}
		c.Now, c.Logger = time.Now, quiet
		_, err = New(c)
		return err
	}
	if err := start(good); err != nil {
		t.Fatal(err)
	}
	for words, change := range map[string]func(*File){
		"set public":            func(f *File) { f.Public = "riverside" },
		"set hub":               func(f *File) { f.Hub = "" },
		"nobody can sign in":    func(f *File) { f.SignIn = nil },
		"needs a name":          func(f *File) { f.SignIn = []Agency{{Name: "registrar", Issuer: "https://i.example", Client: "fame"}} },
		"set where relmgr":      func(f *File) { f.Duties.Relmgr = "" },
		"needs a name of its o": func(f *File) { f.SignIn = append(f.SignIn, f.SignIn[0]) },
		"open the key file":     func(f *File) { f.Registrar = &FileRegistrar{Keys: "none", Identity: "none"} },
	} {
		f := good
		change(&f)
		if err := start(f); err == nil || words != "open the key file" && !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
	path := filepath.Join(t.TempDir(), "portal.yaml")
	if err := good.Save(path); err != nil {
		t.Fatal(err)
	}
	if f, err := Load(path); err != nil || f.Public != good.Public || f.SignIn[0].Issuer != good.SignIn[0].Issuer {
		t.Errorf("what was saved is read as %v, %v", f, err)
	}
	if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // what is refused
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read: %v", err)
	}
	if err := os.WriteFile(path, []byte("hub: x\nlisten_on: y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "listen_on") {
		t.Errorf("a field that there is not: %v", err)
	}
}
