package hubtest

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
)

// Hub is a hub in processes of its own, one per duty.
type Hub struct {
	Name     string // of its database too
	URL      string // its identifier
	Dir      string // what `fame init` made
	Postgres *Postgres

	Governance, Relmgr, Consent, Registrar, Idmgr, Federation *Process
}

// Governor is who may apply the first partnership document, as ISSUER#SUBJECT.
type Governor string

// NewHub makes a hub called name on p with `fame init`, gives each duty a free
// port, and starts all of them. It runs until Main ends. One without a url is known by the
// address of its federation duty, so that others find it there.
func NewHub(t testing.TB, p *Postgres, name, url string, g Governor) *Hub {
	t.Helper()
	p.Make(t, name)
	found := ""
	if url == "" {
		found = FreePort(t)
		url = "http://" + found
	}
	h := &Hub{Name: name, URL: url, Dir: filepath.Join(Dir(t, name), "hub"), Postgres: p}
	made := Fame(t, "", "--dir", h.Dir, "init", "--name", name, "--hub", url, "--governor", string(g), "--database", p.AdminDSN(name))
	if made.Code != 0 {
		t.Fatalf("fame init: %d\n%s%s", made.Code, made.Stdout, made.Stderr)
	}
	relmgr, idmgr := FreePort(t), FreePort(t)
	for duty, at := range map[string]**Process{"governance": &h.Governance, "relmgr": &h.Relmgr, "consent": &h.Consent, "registrar": &h.Registrar, "idmgr": &h.Idmgr, "federation": &h.Federation} {
		file := h.config(duty)
		c := h.Config(t, duty)
		c.Listen, c.Metrics = FreePort(t), ""
		if duty == "federation" && found != "" {
			c.Listen = found // other hubs find it at the hub's own address
		}
		switch duty {
		case "relmgr":
			c.Listen = relmgr
		case "idmgr":
			c.Listen = idmgr
		case "federation":
			c.Relmgr, c.Idmgrs = "http://"+relmgr, []string{"http://" + idmgr}
		}
		if err := c.Save(file); err != nil {
			t.Fatal(err)
		}
		*at = newProcess(name+"'s "+duty, "http://"+c.Listen, func() *exec.Cmd { return exec.Command(program(duty), "--config", file) })
		(*at).Begin(t)
	}
	for _, d := range h.Duties() {
		d.WaitReady(t)
	}
	return h
}

// Manager starts another identity manager of the hub, with keys of its own.
func (h *Hub) Manager(t testing.TB, code string) *Process {
	t.Helper()
	c := h.Config(t, "idmgr")
	c.Manager, c.Listen = code, FreePort(t)
	c.Keys, c.Identity = filepath.Join(h.Dir, "keys", code+".keys"), filepath.Join(h.Dir, "keys", code+".identity")
	if _, err := seal.CreateFile(c.Keys, c.Identity); err != nil {
		t.Fatal(err)
	}
	return h.Another(t, code, c)
}

// Another is a further process of a duty, by a configuration of its own.
func (h *Hub) Another(t testing.TB, name string, c process.Config) *Process {
	t.Helper()
	file := h.config(name)
	if err := c.Save(file); err != nil {
		t.Fatal(err)
	}
	p := newProcess(h.Name+"'s "+name, "http://"+c.Listen, func() *exec.Cmd { return exec.Command(program(c.Duty), "--config", file) })
	p.Start(t)
	return p
}

// Duties are the hub's processes.
func (h *Hub) Duties() []*Process {
	return []*Process{h.Governance, h.Relmgr, h.Consent, h.Registrar, h.Idmgr, h.Federation}
}

func (h *Hub) config(duty string) string { return filepath.Join(h.Dir, duty+".yaml") }

// Config is a duty's configuration.
func (h *Hub) Config(t testing.TB, duty string) process.Config {
	t.Helper()
	c, err := process.Load(h.config(duty), duty)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// As opens the hub's database as a duty does, with its own login.
func (h *Hub) As(t testing.TB, duty string) *sql.DB {
	t.Helper()
	return Open(t, h.Config(t, duty).Database)
}

// Admin opens the hub's database as the superuser.
func (h *Hub) Admin(t testing.TB) *sql.DB {
	t.Helper()
	return h.Postgres.Admin(t, h.Name)
}

// Explain shows the end of every log when t fails.
func (h *Hub) Explain(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, d := range h.Duties() {
			t.Logf("--- %s\n%s", d.Name, d.Log.end())
		}
		t.Logf("--- PostgreSQL\n%s", h.Postgres.Log.end())
	})
}

// FreePort is a loopback address that nobody listens on. It is none of those
// that the system gives to clients: a client that asks a killed server again
// and again could be given the server's own port, and keep it.
func FreePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		at := fmt.Sprintf("127.0.0.1:%d", 12_000+rand.IntN(20_000))
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", at)
		if err == nil {
			l.Close()
			return at
		}
	}
	t.Fatal("hubtest: no free port in a hundred tries")
	return ""
}
