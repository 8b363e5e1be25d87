package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/export"
)

// myDataCommand is for a person, or whoever helps them at a desk: what every duty
// answers about them, in one file for machines and one for people.
type myDataCommand struct {
	Statement string            `help:"A file with the registrar's statement of who has signed in." required:"" type:"existingfile"`
	Out       string            `help:"The directory to write my-data.json and my-data.html into." default:"." type:"path"`
	Sensitive bool              `help:"Ask for sensitive services too, which takes two factors."`
	Relmgr    string            `help:"Where relmgr is served, where that is not the hub's one address."`
	Consent   string            `help:"Where consent is served, likewise."`
	Idmgr     []string          `help:"Where each identity manager is served, likewise."`
	Elsewhere map[string]string `help:"Another hub, and a file with the statement that a registrar made for it: who asked there is gathered too. HUB=FILE, once for each." placeholder:"HUB=FILE"`

	URL string `help:"Where the hub is served. Left out: where fame up serves the hub of --dir." env:"FAME_URL"`
}

// Run writes both files so that only their owner can read them.
func (c *myDataCommand) Run(ctx context.Context, all *cli, out *printer) error {
	statement, err := os.ReadFile(c.Statement)
	if err != nil {
		return err
	}
	d := export.Duties{Relmgr: c.Relmgr, Consent: c.Consent, Idmgrs: c.Idmgr, Client: &http.Client{Timeout: 30 * time.Second}}
	if c.URL == "" && (d.Relmgr == "" || d.Consent == "") {
		h, err := openHub(all.Dir)
		if err != nil {
			return err
		}
		c.URL = "http://" + h.Listen
	}
	if d.Relmgr == "" {
		d.Relmgr = c.URL
	}
	if d.Consent == "" {
		d.Consent = c.URL
	}
	if len(d.Idmgrs) == 0 && c.URL != "" {
		d.Idmgrs = []string{c.URL}
	}
	e, err := export.Of(ctx, d, strings.TrimSpace(string(statement)), c.Sensitive, time.Now())
	if err != nil {
		return bearer.Told(err)
	}
	for hub, file := range c.Elsewhere {
		statement, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := e.Gather(ctx, d.Client, hub, strings.TrimSpace(string(statement))); err != nil {
			return bearer.Told(err)
		}
	}
	for name, write := range map[string]func(io.Writer) error{"my-data.json": e.WriteJSON, "my-data.html": e.WriteHTML} {
		if err := writePrivate(filepath.Join(c.Out, name), write); err != nil {
			return err
		}
	}
	out.say("%s", fmt.Sprintf("Wrote my-data.json and my-data.html: %d relationships, %d enquiries, %d acts, %d decisions, %d consents.",
		len(e.Relationships), len(e.Enquiries), len(e.Acts), len(e.Decisions), len(e.Consents)))
	return out.result(map[string]int{"relationships": len(e.Relationships), "enquiries": len(e.Enquiries), "acts": len(e.Acts), "decisions": len(e.Decisions), "consents": len(e.Consents)})
}

// writePrivate writes a new file that only its owner can read.
func writePrivate(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: move it away, it is somebody's data", path)
	} else if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
