package web

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/seal"
)

// SigningKey signs what the portal says to the registrar. Its public half is for the
// partnership document, under relying_parties.
const SigningKey seal.KeyID = "sign/portal/1"

// File is the portal's configuration file, portal.yaml as `fame init` writes it. Paths
// are relative to the file.
type File struct {
	Hub         string         `yaml:"hub"`    // the hub's name, on its pages
	Public      string         `yaml:"public"` // the address at which browsers reach it
	Listen      string         `yaml:"listen"`
	Metrics     string         `yaml:"metrics,omitempty"`
	Duties      Duties         `yaml:"duties"`
	SignIn      []Agency       `yaml:"sign_in"`
	Registrar   *FileRegistrar `yaml:"registrar,omitempty"`
	IdleMinutes int            `yaml:"idle_minutes,omitempty"`
}

// FileRegistrar is where people sign in as themselves, and the key file with which the
// portal proves itself there.
type FileRegistrar struct {
	Title    string `yaml:"title"`
	Issuer   string `yaml:"issuer"`
	Client   string `yaml:"client"`
	Keys     string `yaml:"keys"`
	Identity string `yaml:"identity"`
}

// Load reads a portal's configuration file. It refuses unknown fields, and a file that
// others may read: it may hold a secret of an issuer's.
func Load(path string) (File, error) {
	var f File
	info, err := os.Stat(path)
	if err != nil {
		return f, fmt.Errorf("read the portal's configuration: %w: `fame init` writes one", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return f, fmt.Errorf("%s can be read by others and may hold a secret: type `chmod 600 %s`", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return f, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if r := f.Registrar; r != nil {
		for _, p := range []*string{&r.Keys, &r.Identity} {
			if *p != "" && !filepath.IsAbs(*p) {
				*p = filepath.Join(filepath.Dir(path), *p)
			}
		}
	}
	return f, nil
}

// Save writes the file so that only its owner can read it.
func (f File) Save(path string) error {
	text, err := yaml.Marshal(f)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// Config is what the portal stands on by its file; Now and Logger are the caller's to set.
func (f File) Config() (Config, error) {
	c := Config{Public: f.Public, Hub: f.Hub, Duties: f.Duties, Agencies: f.SignIn, Idle: time.Duration(f.IdleMinutes) * time.Minute}
	if c.Hub == "" || f.Listen == "" {
		return c, errors.New("portal: set hub, the name on its pages, and listen")
	}
	if r := f.Registrar; r != nil {
		keys, err := seal.OpenFile(r.Keys, r.Identity)
		if err != nil {
			return c, fmt.Errorf("portal: %w", err)
		}
		c.Registrar = &Registrar{Title: r.Title, Issuer: r.Issuer, Client: r.Client, Signer: attest.NewSigner(keys, SigningKey, r.Client)}
	}
	return c, nil
}
