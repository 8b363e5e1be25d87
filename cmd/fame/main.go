// Command fame is the hub's tool: it makes a hub, runs one in a single process,
// applies its partnership and asks it questions.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/fame-hub/fame/api/bearer"
)

// cli is every command of the tool.
type cli struct {
	JSON bool   `help:"Print JSON instead of words." name:"json"`
	Dir  string `help:"The hub's directory: its keys and configuration." default:".fame" env:"FAME_DIR" type:"path"`

	Up        upCommand        `cmd:"" help:"Run all duties of a hub in this one process, on a private PostgreSQL."`
	Demo      demoCommand      `cmd:"" help:"Run the Riverside demo: synthetic agencies and people, three questions, then serve."`
	Init      initCommand      `cmd:"" help:"Make a hub: its keys, database roles, configuration and first governance officer."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the hub's database to the schema of this release."`
	Apply     applyCommand     `cmd:"" help:"Apply a partnership document, or show what would change."`
	Ask       askCommand       `cmd:"" help:"Ask who else works with a person, by your own column's identifier."`
	Recognise recogniseCommand `cmd:"" help:"Ask registers of one or several registrars who somebody is, and show each one's finding."`
	Verify    verifyCommand    `cmd:"" help:"Check a hub, or a receipt, without trusting whoever runs it."`
	Approve   approveCommand   `cmd:"" help:"Approve, as a named authority, that your agency imports relationships."`
	Import    importCommand    `cmd:"" help:"Import a file of relationships under an approval. Run it again to go on after an interruption."`
	Register  registerCommand  `cmd:"" help:"Enter people into a register from a file, as its keeper."`
	Backup    backupCommand    `cmd:"" help:"Back up a hub that runs: its database, and its keys apart from it."`
	Restore   restoreCommand   `cmd:"" help:"Make a hub of a backup, as it was at any instant, and verify it."`
	Keys      keysCommand      `cmd:"" help:"Rotate, rewrap, revoke and destroy the index's keys, while the hub runs."`
	Retention retentionCommand `cmd:"" help:"Count what is past the time that the partnership keeps it, or erase it."`
	MyData    myDataCommand    `cmd:"" name:"my-data" help:"Bring together what every duty holds of a person who has signed in: JSON, and a page to read."`
	Peers     peersCommand     `cmd:"" help:"Join other hubs: invite, confirm, suspend, readmit and leave them, as a governance officer."`
	Token     tokenCommand     `cmd:"" help:"Sign a token at the local issuer of a hub that was made by up or demo."`
	Births    birthsCommand    `cmd:"" name:"births-register" help:"Run a fake register of births, for trying checks against one. Real ones are configured in its place."`
}

func main() {
	var c cli
	parser := kong.Parse(&c, kong.Name("fame"), kong.UsageOnError(),
		kong.Description("The federated identity and relationship index: who is working with whom, never the records themselves."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := &printer{out: os.Stdout, json: c.JSON}
	parser.BindTo(ctx, (*context.Context)(nil))
	if err := parser.Run(&c, out); err != nil {
		report(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// report says what went wrong and what to do. A problem of the hub is told in
// full: it was written for people and holds nothing of a person.
func report(w *os.File, err error) {
	var p *bearer.Problem
	if !errors.As(err, &p) {
		fmt.Fprintf(w, "fame: %v\n", err)
		return
	}
	fmt.Fprintf(w, "fame: %s\n", p.Title)
	if p.Detail != "" {
		fmt.Fprintf(w, "  %s\n", p.Detail)
	}
	for _, e := range p.Errors {
		fmt.Fprintf(w, "  %s: %s\n", e.Pointer, e.Detail)
	}
	fmt.Fprintf(w, "  (request %s; see %s)\n", p.Request, p.Type)
}
