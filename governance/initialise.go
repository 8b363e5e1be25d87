package governance

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
)

// Governor is the first person of a hub: how they sign in, and the code under
// which they are registered, "governor" where none is given.
type Governor struct {
	Issuer       string // the URL of an OpenID Provider
	Audience     string // what its tokens name as the audience
	Subject      string // the sub of the governor's tokens
	Practitioner ident.Practitioner
}

// What the first version of every partnership is called by.
const (
	firstIssuer   = "governor"
	firstAgency   = "governance-office"
	firstGovernor = "governor"
)

// Initialise gives a new hub its first version of the terms, in which one
// governance officer can sign in and apply the partnership's own document, and
// nothing else can be done. It makes RecordsKey. It returns Conflict for a hub
// that has terms, and Invalid for what does not make a document.
func (s *Service) Initialise(ctx context.Context, g Governor, hub, name string) (err error) {
	defer fault.Wrap(&err, "governance.Initialise")
	if g.Practitioner == "" {
		g.Practitioner = firstGovernor
	}
	text, err := json.Marshal(firstDocument(g, hub, name))
	if err != nil {
		return fmt.Errorf("governance: %w", err)
	}
	doc, err := s.parse(text)
	if err != nil {
		return err
	}
	if err := s.hasNone(ctx, s.db); err != nil {
		return err // before the key is made: a hub that has lost its own must notice
	}
	if _, _, err := s.keys.Ensure(ctx, RecordsKey, seal.KindWrap); err != nil {
		return err
	}
	return s.change(ctx, func(tx *sql.Tx, now time.Time) error {
		if err := s.hasNone(ctx, tx); err != nil {
			return err
		}
		p := newPlan(now, nil, partnership.Document{}, doc)
		if err := p.conflict(); err != nil {
			return err
		}
		listed := doc
		listed.Practitioners = p.asRegistered(doc.Practitioners)
		_, err := s.put(ctx, tx, Act{
			ID: ident.NewAct(), Kind: kindInitialise, At: now,
			Practitioner: g.Practitioner, Agency: firstAgency, Role: officer, Version: 1,
		}, doc, partnership.Diff(partnership.Document{}, listed), p.steps)
		return err
	})
}

// hasNone refuses a hub that has terms.
func (s *Service) hasNone(ctx context.Context, db governancedb.DBTX) error {
	_, err := s.q.FindTerms(ctx, db)
	switch {
	case err == nil:
		return fault.New(fault.Conflict, "this hub has a partnership already: change it by applying a document")
	case errors.Is(err, sql.ErrNoRows):
		return nil
	}
	return pg.Fault(err)
}

// firstDocument is the least that partnership.Parse accepts.
func firstDocument(g Governor, hub, name string) partnership.Document {
	one := func(code, title string) []decide.Code { return []decide.Code{{Code: code, Title: title}} }
	return partnership.Document{
		Partnership: decide.Partnership{Hub: hub, Name: name, Jurisdiction: "not yet declared", LawProfile: "uk-current"},
		Settings:    decide.Settings{PairingMinutes: 10, StatementMinutes: 10, HandleProofMins: 10, RequestsPerMinute: 600, ReviewSamplePercent: 1, BackupDays: 30},
		Issuers:     []decide.Issuer{{Name: firstIssuer, Issuer: g.Issuer, Audience: g.Audience}},
		Codes: decide.Codes{
			Purposes: one("not-yet-declared", "Not yet declared"), Aspects: one("not-yet-declared", "Not yet declared"),
			Reasons: one("not-yet-declared", "Not yet declared"), Aims: one("not-yet-declared", "Not yet declared"),
			Transactions: []decide.Code{},
			Roles: []decide.Code{
				{Code: officer, Title: "Governance officer"}, {Code: administrator, Title: "Agency administrator"},
			},
		},
		Registrars: []decide.Registrar{},
		Managers:   []decide.Idmgr{},
		Services:   []decide.SharedService{},
		Recourse:   []decide.Level{},
		Agencies:   []decide.Agency{{ID: firstAgency, Name: "Governance office", Kind: "governance"}},
		Providers:  []decide.Provider{},
		Columns:    []decide.Column{},
		Powers:     []decide.Power{},
		Bars:       []decide.Bar{},
		Agreements: []decide.Agreement{},
		Practitioners: []partnership.Practitioner{{
			ID: g.Practitioner, Agency: firstAgency, Issuer: firstIssuer, Subject: g.Subject,
			Roles: []string{officer}, Providers: []ident.Provider{},
		}},
	}
}
