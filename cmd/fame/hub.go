package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lib/pq"
	"gopkg.in/yaml.v3"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/governance/ledger"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/localissuer"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pg/private"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/relmgr"
)

// hubFile is fame.yaml, what the tool remembers of a hub.
type hubFile struct {
	// Name prefixes the hub's database roles and names its database.
	Name string `yaml:"name"`
	// Hub is the hub's identifier, a URL.
	Hub string `yaml:"hub"`
	// Listen is where `fame up` serves.
	Listen string `yaml:"listen"`
	// Private says that the hub's PostgreSQL is the tool's own, in postgres/.
	Private bool `yaml:"private"`
}

// hub is a hub's directory.
type hub struct {
	hubFile
	dir string
}

func (h hub) path(parts ...string) string { return filepath.Join(append([]string{h.dir}, parts...)...) }

// localIssuer is the URL of the issuer that `fame up` and `fame demo` serve.
func (h hub) localIssuer() string { return "http://" + h.Listen + "/issuer" }

// hasLocalIssuer reports whether the hub was made with a local issuer.
func (h hub) hasLocalIssuer() bool {
	_, err := os.Stat(h.path("issuer.key"))
	return err == nil
}

// duties of this build, in the order in which their ports are given out.
var duties = []string{"governance", "relmgr", "consent", "registrar", "idmgr", "federation"}

// registrarCode is the code of the registrar that a new hub has. The partnership
// document lists it with the keys of keys/registrar.jwks, or it may do nothing.
const registrarCode ident.Registrar = "local-registrar"

// managerCode is the code of the identity manager that a new hub has. Until the
// partnership document lists it under managers it may do nothing.
const managerCode ident.Idmgr = "local-links"

// openHub reads a hub's directory. The error wraps fs.ErrNotExist where there
// is none.
func openHub(dir string) (hub, error) {
	h := hub{dir: dir}
	text, err := os.ReadFile(h.path("fame.yaml"))
	if err != nil {
		return h, fmt.Errorf("no hub in %s: type `fame init` or `fame up`: %w", dir, err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&h.hubFile); err != nil {
		return h, fmt.Errorf("%s: %w", h.path("fame.yaml"), err)
	}
	return h, nil
}

// governor is who may apply the first partnership document.
type governor struct{ issuer, subject, audience string }

// newHub makes a hub: roles and schema in the database that admin administers,
// a key file and a configuration for each duty, and the governor. It stops at
// what is there already and changes none of it.
func newHub(ctx context.Context, h hub, admin string, g governor) error {
	if _, err := os.Stat(h.path("fame.yaml")); err == nil {
		return fmt.Errorf("there is a hub in %s already: give another --dir", h.dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(h.path("keys"), 0o700); err != nil {
		return err
	}
	passwords, err := h.migrate(ctx, admin)
	if err != nil {
		return err
	}
	if err := h.makeDuties(ctx, admin, passwords); err != nil {
		return err
	}
	if err := h.initialise(ctx, g); err != nil {
		return err
	}
	if err := h.makePortal(ctx, g); err != nil {
		return err
	}
	text, err := yaml.Marshal(h.hubFile)
	if err != nil {
		return err
	}
	return os.WriteFile(h.path("fame.yaml"), text, 0o600)
}

// makeDuties writes the key file and the configuration of each duty that has none: of
// all in a new hub, and of those that a later release has brought to an old one, whose
// other duties are given what they lack.
func (h hub) makeDuties(ctx context.Context, admin string, passwords map[string]string) error {
	dsn, err := pq.NewConfig(admin)
	if err != nil {
		return errors.New("the database's connection string cannot be read: write it as postgres://user:password@host/database")
	}
	missing, err := h.missing()
	if err != nil {
		return err
	}
	for i, duty := range duties {
		if !slices.Contains(missing, duty) {
			continue
		}
		c := h.config(duty, i)
		c.Database = dutyDSN(dsn, migrate.Login(h.Name, duty), passwords[duty])
		if err := h.makeKeys(ctx, duty); err != nil {
			return err
		}
		if err := c.Save(h.path(duty + ".yaml")); err != nil {
			return err
		}
	}
	return errors.Join(h.completeRegistrar(ctx), h.completeAxles())
}

// completeAxles has relmgr and the identity manager of a hub that an earlier release made take
// what its own federation duty vouches for, and that one find the manager: without, other
// hubs' questions are refused, and links stay within the hub.
func (h hub) completeAxles() error {
	var manager string
	for _, duty := range []string{"relmgr", "idmgr"} {
		c, err := process.Load(h.path(duty+".yaml"), duty)
		if err != nil {
			return err
		}
		manager = c.Listen
		if c.FederationKeys != "" {
			continue
		}
		c.FederationKeys = h.path("keys", "hub.jwks")
		if err := c.Save(h.path(duty + ".yaml")); err != nil {
			return err
		}
	}
	c, err := process.Load(h.path("federation.yaml"), "federation")
	if err != nil || len(c.Idmgrs) > 0 {
		return err
	}
	c.Idmgrs = []string{"http://" + manager}
	return c.Save(h.path("federation.yaml"))
}

// missing are the duties that have no configuration yet.
func (h hub) missing() (all []string, err error) {
	for _, duty := range duties {
		switch _, err := os.Stat(h.path(duty + ".yaml")); {
		case errors.Is(err, fs.ErrNotExist):
			all = append(all, duty)
		case err != nil:
			return nil, err
		}
	}
	return all, nil
}

// migrate brings the database to this release's schema and gives each duty its
// login, with a new password.
func (h hub) migrate(ctx context.Context, admin string) (passwords map[string]string, err error) {
	if err := migrate.Up(ctx, admin); err != nil {
		return nil, fmt.Errorf("migrate the database: %w", err)
	}
	passwords = map[string]string{}
	for _, duty := range migrate.Duties {
		passwords[duty] = rand.Text()
	}
	if err := migrate.EnsureLogins(ctx, admin, h.Name, passwords); err != nil {
		return nil, fmt.Errorf("make the duties' logins: %w", err)
	}
	return passwords, nil
}

// config is a duty's configuration but for its database.
func (h hub) config(duty string, place int) process.Config {
	c := process.Config{
		Duty: duty, Hub: h.Hub, Listen: fmt.Sprintf("127.0.0.1:%d", 8401+place),
		Metrics: fmt.Sprintf("127.0.0.1:%d", 9401+place),
		Keys:    filepath.Join("keys", duty+".keys"), Identity: filepath.Join("keys", duty+".identity"),
	}
	switch duty {
	case "consent":
		c.HandleKeys = filepath.Join("keys", "handles.jwks")
	case "governance":
		c.Services = h.services()
	case "registrar":
		c.Registrar = string(registrarCode)
		c.RecognitionKeys = filepath.Join("keys", "recognitions.jwks")
	case "relmgr":
		c.FederationKeys = filepath.Join("keys", "hub.jwks")
	case "idmgr":
		c.HandleKeys, c.Manager = filepath.Join("keys", "handles.jwks"), string(managerCode)
		c.FederationKeys = filepath.Join("keys", "hub.jwks")
	case "federation":
		c.LogKey, c.RecognitionKeys = filepath.Join("keys", "log.vkey"), filepath.Join("keys", "recognitions.jwks")
		at := func(duty string) string { return fmt.Sprintf("http://127.0.0.1:%d", 8401+slices.Index(duties, duty)) }
		c.HandleKeys, c.Relmgr, c.Idmgrs = filepath.Join("keys", "handles.jwks"), at("relmgr"), []string{at("idmgr")}
	}
	return c
}

// services describes the duties of this build (IDX-16). Who is responsible is
// the partnership's to say: the file can be edited.
func (h hub) services() []process.Service {
	member := "the member agencies, jointly; the hub's operator works for them"
	return []process.Service{
		{Duty: "governance", Function: "keeps the partnership, its register of users and its acts", Responsible: "the partnership's governance officers", Status: "controller of the register of users", Address: h.Hub + "/governance/v1"},
		{Duty: "relmgr", Function: "keeps the index: who works with whom, by acts", Responsible: member, Status: "processor for the agencies that publish", Address: h.Hub + "/relmgr/v1"},
		{Duty: "consent", Function: "keeps consents and exclusions", Responsible: member, Status: "processor for the agency that captured them", Address: h.Hub + "/consent/v1"},
		{Duty: "registrar", Function: "keeps registers of people, by which they are recognised", Responsible: "the agency that answers for the registrar", Status: "controller of recognition data", Address: h.Hub + "/registrar/v1"},
		{Duty: "idmgr", Function: "keeps private links, which the index never sees", Responsible: "the agency that answers for the identity manager", Status: "processor for the parties to a link", Address: h.Hub + "/idmgr/v1"},
		{Duty: "federation", Function: "keeps what was agreed with other hubs, and states it", Responsible: member, Status: "processor for the member agencies", Address: h.Hub + "/federation/v1"},
	}
}

// makeKeys makes a duty's key file, and publishes what others verify with.
func (h hub) makeKeys(ctx context.Context, duty string) error {
	keys, err := seal.CreateFile(h.path("keys", duty+".keys"), h.path("keys", duty+".identity"))
	if err != nil {
		return err
	}
	switch duty {
	case "governance":
		// Whoever checks the log, or a receipt, is given this key.
		if _, _, err = keys.Ensure(ctx, ledger.LogKey, seal.KindNote); err != nil {
			return err
		}
		vkey, err := ledger.VerifierKey(ctx, keys, h.Hub)
		if err != nil {
			return err
		}
		if err := os.WriteFile(h.path("keys", "log.vkey"), []byte(vkey+"\n"), 0o644); err != nil {
			return err
		}
		// And this one to peers, whose logs the hub may witness.
		if _, _, err = keys.Ensure(ctx, ledger.WitnessKey, seal.KindNote); err != nil {
			return err
		}
		if vkey, err = ledger.WitnessVerifierKey(ctx, keys, h.Hub); err != nil {
			return err
		}
		return os.WriteFile(h.path("keys", "witness.vkey"), []byte(vkey+"\n"), 0o644)
	case "consent":
		if _, _, err = keys.Ensure(ctx, "duty/consent/records", seal.KindWrap); err != nil {
			return err
		}
		// Receipts are for others to verify, long after the hub: its own key, published.
		if _, _, err = keys.Ensure(ctx, "sign/consent/1", seal.KindSign); err != nil {
			return err
		}
		set, err := attest.PublicKeys(ctx, keys, "sign/consent/1")
		if err != nil {
			return err
		}
		return attest.WriteKeySet(h.path("keys", "receipts.jwks"), set)
	case "relmgr":
		if _, _, err = keys.Ensure(ctx, relmgr.SigningKey, seal.KindSign); err != nil {
			return err
		}
		set, err := attest.PublicKeys(ctx, keys, relmgr.SigningKey)
		if err != nil {
			return err
		}
		return attest.WriteKeySet(h.path("keys", "handles.jwks"), set)
	case "idmgr":
		// Grants are for others to verify: the manager's own key, published.
		if _, _, err = keys.Ensure(ctx, idmgr.SigningKey(managerCode), seal.KindSign); err != nil {
			return err
		}
		set, err := attest.PublicKeys(ctx, keys, idmgr.SigningKey(managerCode))
		if err != nil {
			return err
		}
		return attest.WriteKeySet(h.path("keys", "grants.jwks"), set)
	case "federation":
		if err = federation.MakeKeys(ctx, keys); err != nil {
			return err
		}
		if err = h.publishLogKey(ctx); err != nil {
			return err
		}
		// What peers know the hub by: its fingerprint is compared with theirs.
		set, err := attest.PublicKeys(ctx, keys, federation.SigningKey)
		if err != nil {
			return err
		}
		return attest.WriteKeySet(h.path("keys", "hub.jwks"), set)
	case "registrar":
		if err = registrar.MakeKeys(ctx, keys, registrarCode); err != nil {
			return err
		}
		if err = h.publishRecognitionKeys(ctx); err != nil {
			return err
		}
		// For the partnership document, under registrars.
		set, err := attest.PublicKeys(ctx, keys, registrar.SigningKey(registrarCode))
		if err != nil {
			return err
		}
		if err := attest.WriteKeySet(h.path("keys", "registrar.jwks"), set); err != nil {
			return err
		}
		return h.makePortalKeys(ctx) // likewise, for the registrar's relying party
	}
	return err
}

// publishLogKey writes the public key of the log of a hub that an earlier release made.
func (h hub) publishLogKey(ctx context.Context) error {
	if _, err := os.Stat(h.path("keys", "log.vkey")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	c, err := process.Load(h.path("governance.yaml"), "governance")
	if err != nil {
		return err
	}
	keys, err := seal.OpenFile(c.Keys, c.Identity)
	if err != nil {
		return err
	}
	if _, _, err = keys.Ensure(ctx, ledger.LogKey, seal.KindNote); err != nil {
		return err
	}
	vkey, err := ledger.VerifierKey(ctx, keys, h.Hub)
	if err != nil {
		return err
	}
	return os.WriteFile(h.path("keys", "log.vkey"), []byte(vkey+"\n"), 0o644)
}

// completeRegistrar gives the registrar of a hub that an earlier release made what this
// one needs: its keys, and those that recognitions are encrypted to.
func (h hub) completeRegistrar(ctx context.Context) error {
	c, err := process.Load(h.path("registrar.yaml"), "registrar")
	if err != nil {
		return err
	}
	keys, err := seal.OpenFile(c.Keys, c.Identity)
	if err != nil {
		return err
	}
	if err := registrar.MakeKeys(ctx, keys, ident.Registrar(c.Registrar)); err != nil {
		return err
	}
	if c.RecognitionKeys != "" {
		return nil
	}
	if err := h.publishRecognitionKeys(ctx); err != nil {
		return err
	}
	c.RecognitionKeys = h.path("keys", "recognitions.jwks")
	return c.Save(h.path("registrar.yaml"))
}

// publishRecognitionKeys writes what registrars encrypt recognitions to, for relmgr.
func (h hub) publishRecognitionKeys(ctx context.Context) error {
	keys, err := seal.OpenFile(h.path("keys", "relmgr.keys"), h.path("keys", "relmgr.identity"))
	if err != nil {
		return err
	}
	if _, _, err := keys.Ensure(ctx, relmgr.AgreementKey, seal.KindAgree); err != nil {
		return err
	}
	to, err := attest.RecipientKeys(ctx, keys, relmgr.AgreementKey)
	if err != nil {
		return err
	}
	return attest.WriteKeySet(h.path("keys", "recognitions.jwks"), to)
}

// initialise writes the first version of the terms, in which the governor can
// sign in and apply the partnership's own document.
func (h hub) initialise(ctx context.Context, g governor) error {
	c, err := process.Load(h.path("governance.yaml"), "governance")
	if err != nil {
		return err
	}
	keys, err := seal.OpenFile(c.Keys, c.Identity)
	if err != nil {
		return err
	}
	db, err := pg.Open(ctx, c.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := governance.New(governance.Config{DB: db, Keys: keys, Now: time.Now, Hub: h.Hub})
	if err != nil {
		return err
	}
	return s.Initialise(ctx, governance.Governor{Issuer: g.issuer, Audience: g.audience, Subject: g.subject}, h.Hub, h.Name)
}

// dutyDSN is the administrator's connection string as another user.
func dutyDSN(admin pq.Config, user, password string) string {
	admin.User, admin.Password = user, password
	return fmt.Sprintf("host='%s' port=%d dbname='%s' user='%s' password='%s' sslmode='%s'",
		admin.Host, admin.Port, admin.Database, user, password, admin.SSLMode)
}

// startPrivate starts the hub's own PostgreSQL and makes its database if it has
// none. Stop it when done.
func (h hub) startPrivate(ctx context.Context, log io.Writer) (*private.Server, error) {
	if err := os.MkdirAll(h.dir, 0o711); err != nil {
		return nil, err
	}
	server, err := private.Start(ctx, private.Config{Dir: h.path("postgres"), Log: log})
	if err != nil {
		return nil, err
	}
	db, err := pg.Open(ctx, server.AdminDSN("postgres"))
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	defer db.Close()
	var there bool
	if err := db.QueryRowContext(ctx, `select exists (select from pg_catalog.pg_database where datname = $1)`, h.Name).Scan(&there); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	if !there {
		if _, err := db.ExecContext(ctx, "create database "+pq.QuoteIdentifier(h.Name)); err != nil {
			return nil, errors.Join(err, server.Stop())
		}
	}
	return server, nil
}

// issuer opens the hub's local issuer, making its key.
func (h hub) issuer() (*localissuer.Issuer, error) {
	return localissuer.Open(h.path("issuer.key"), h.localIssuer())
}
