package process

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Config is a duty's configuration file, <duty>.yaml as `fame init` writes it.
// Paths are relative to the file.
type Config struct {
	Duty string `yaml:"duty"`
	// Hub is the hub's identifier, a URL.
	Hub string `yaml:"hub"`
	// Listen is the public address; Metrics the private one, empty for none.
	Listen  string `yaml:"listen"`
	Metrics string `yaml:"metrics,omitempty"`
	// BehindProxy says that all requests come from a proxy's address, so that the
	// limit per address is the proxy's to set.
	BehindProxy bool `yaml:"behind_proxy,omitempty"`
	// Database is the duty's own connection string: its role and no other's.
	Database string `yaml:"database"`
	// Keys is the duty's own key file, Identity what opens it. Keep them apart.
	Keys     string `yaml:"keys"`
	Identity string `yaml:"identity"`
	// HandleKeys is the public key set of relmgr's handle proofs, for the duties
	// that accept them.
	HandleKeys string `yaml:"handle_keys,omitempty"`
	// Relmgr is where the hub's relationship manager is served, for what other hubs ask;
	// federation's alone, which takes its orders by HandleKeys. Empty: no axles.
	Relmgr string `yaml:"relmgr,omitempty"`
	// Idmgrs are where the hub's identity managers are served, for their private links to
	// other hubs; federation's alone. None: links stay within the hub.
	Idmgrs []string `yaml:"idmgrs,omitempty"`
	// FederationKeys is the public key set of the hub's own federation duty, whose
	// vouchers relmgr and identity managers accept. Empty: other hubs cannot ask.
	FederationKeys string `yaml:"federation_keys,omitempty"`
	// RecognitionKeys is the public key set that recognitions are encrypted to,
	// relmgr's: for the registrar, and for federation, which states it to other hubs'.
	RecognitionKeys string `yaml:"recognition_keys,omitempty"`
	// Registrar is the code of the registrar whose registers are served; the
	// registrar's alone.
	Registrar string `yaml:"registrar,omitempty"`
	// Covers are the registrars that this one stands in for while they are down; the
	// registrar's alone.
	Covers []Cover `yaml:"covers,omitempty"`
	// SecondLevel are the registers of others that the registrar checks items against:
	// the URL of each by its name; the registrar's alone.
	SecondLevel map[string]string `yaml:"second_level,omitempty"`
	// LogKey is the file of the public key of the hub's log; federation's alone.
	LogKey string `yaml:"log_key,omitempty"`
	// PeerNetworks are private networks in which other hubs stand; federation's alone.
	PeerNetworks []string `yaml:"peer_networks,omitempty"`
	// Manager is the code of the identity manager that this process is; idmgr's alone.
	Manager string `yaml:"manager,omitempty"`
	// Services describes the hub's duties (IDX-16); governance serves it.
	Services []Service `yaml:"services,omitempty"`
	// Log says who witnesses the hub's log, and whose logs it witnesses;
	// governance's alone.
	Log Log `yaml:"log,omitempty"`
}

// Cover is a registrar that another stands in for, and the copy of its keys.
type Cover struct {
	Registrar string `yaml:"registrar"`
	Keys      string `yaml:"keys"`
	Identity  string `yaml:"identity"`
}

// Log is the part of the configuration that is about witnesses (C2SP
// tlog-witness).
type Log struct {
	// Peers are the public keys of the logs that this hub cosigns.
	Peers []string `yaml:"peers,omitempty"`
	// Witnesses cosign this hub's checkpoints, and Quorum is how many have to.
	Witnesses []Witness `yaml:"witnesses,omitempty"`
	Quorum    int       `yaml:"quorum,omitempty"`
}

// Witness is where a witness takes checkpoints, and the key it cosigns with.
type Witness struct {
	URL string `yaml:"url"`
	Key string `yaml:"key"`
}

// Service says who is responsible for a duty, what it does, where it is, and
// whether as controller or processor (IDX-16, DCP-01).
type Service struct {
	Duty        string `yaml:"duty"`
	Function    string `yaml:"function"`
	Responsible string `yaml:"responsible"`
	Status      string `yaml:"status"`
	Address     string `yaml:"address"`
}

// Load reads a duty's configuration file. It refuses unknown fields, another
// duty's file, and a file that others may read: it holds a password.
func Load(path, duty string) (Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration: %w: `fame init` writes one", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Config{}, fmt.Errorf("%s can be read by others and holds a password: type `chmod 600 %s`", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	var c Config
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if c.Duty != duty {
		return Config{}, fmt.Errorf("%s is the configuration of another duty: give %s its own", path, duty)
	}
	for _, p := range c.paths() {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(path), *p)
		}
	}
	return c, c.check()
}

// paths are the members that name files.
func (c *Config) paths() []*string {
	all := []*string{&c.Keys, &c.Identity, &c.HandleKeys, &c.RecognitionKeys, &c.FederationKeys, &c.LogKey}
	for n := range c.Covers {
		all = append(all, &c.Covers[n].Keys, &c.Covers[n].Identity)
	}
	return all
}

func (c Config) check() error {
	if c.Hub == "" || c.Listen == "" || c.Database == "" || c.Keys == "" || c.Identity == "" {
		return errors.New("configuration: hub, listen, database, keys and identity are required")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return errors.New("configuration: write listen as host:port, for example 127.0.0.1:8402")
	}
	return nil
}

// Save writes the configuration so that only its owner can read it. Files beside or below
// it are named from there, as Load reads them, so that a hub's directory can be moved.
func (c Config) Save(path string) error {
	c.Covers = slices.Clone(c.Covers)
	for _, p := range c.paths() {
		if rest, err := filepath.Rel(filepath.Dir(path), *p); err == nil && filepath.IsAbs(*p) && filepath.IsLocal(rest) {
			*p = rest
		}
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}
