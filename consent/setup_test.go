package consent_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
)

const (
	hubURL = "https://hub.example"
	// identifier is what gp calls the person. Only relmgr's side of the tests
	// ever has it.
	identifier = "LMN-00042"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// terms: gp and school are parties to early-help, as was leaver, which is no
// member any more; police is party to nothing in force. The team's column is
// gp's, with people of the school in it.
func terms() *decide.Terms {
	gone := noon.Add(-time.Hour)
	return (&decide.Terms{
		Profile: decide.Profile{Competence: []decide.Presumption{{From: 16}}},
		Version: 7,
		Codes: decide.Codes{
			Purposes: []decide.Code{{Code: "support"}, {Code: "safeguarding"}},
			Aspects:  []decide.Code{{Code: "involvement"}, {Code: "contact"}},
		},
		Agencies: []decide.Agency{{ID: "gp"}, {ID: "school"}, {ID: "police"}, {ID: "leaver", Ends: &gone}},
		Providers: []decide.Provider{
			{ID: "gp-desk", Kind: decide.Unit, Agency: "gp"},
			{ID: "school-office", Kind: decide.Unit, Agency: "school"},
			{ID: "hub-team", Kind: decide.Team, Agency: "gp", Agencies: []ident.Agency{"school"}},
			{ID: "police-desk", Kind: decide.Unit, Agency: "police"},
		},
		Columns: []decide.Column{
			{ID: "gp-people", Provider: "gp-desk", Agency: "gp"},
			{ID: "gp-old", Provider: "gp-desk", Agency: "gp", Closes: &gone},
			{ID: "school-roll", Provider: "school-office", Agency: "school"},
			{ID: "team-list", Provider: "hub-team", Agency: "gp"},
			{ID: "police-list", Provider: "police-desk", Agency: "police"},
		},
		Agreements: []decide.Agreement{
			{Code: "old", Parties: []ident.Agency{"gp", "police"}, Ends: &gone,
				Roles: decide.AgreementRoles{Publish: []string{"receptionist", "officer"}}},
			{Code: "early-help", Parties: []ident.Agency{"gp", "school", "leaver"},
				Roles: decide.AgreementRoles{Publish: []string{"practitioner"}, Correlate: []string{"practitioner"}, Enquire: []string{"receptionist"}}},
		},
	}).Index()
}

func caller(name ident.Practitioner, agency ident.Agency, role string, providers ...ident.Provider) decide.Caller {
	return decide.Caller{
		Actor: decide.Actor{Practitioner: name, Agency: agency, Roles: []string{role}, Providers: providers},
		Terms: terms(),
	}
}

// The people.
var (
	alice   = caller("alice", "gp", "practitioner", "gp-desk")
	amir    = caller("amir", "gp", "practitioner") // gp, of no team
	rita    = caller("rita", "gp", "receptionist", "gp-desk")
	sam     = caller("sam", "school", "practitioner", "school-office", "hub-team")
	sue     = caller("sue", "school", "practitioner", "school-office")
	officer = caller("pat", "police", "officer", "police-desk")
)

type hub struct {
	*pgtest.Hub
	t       *testing.T
	db      *sql.DB // as consent
	admin   *sql.DB
	keys    *seal.File
	relmgr  *attest.Signer
	now     *time.Time
	consent *consent.Service
}

func setup(t *testing.T) *hub {
	t.Helper()
	dir, ctx := t.TempDir(), t.Context()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	must(t, err)
	for id, kind := range map[seal.KeyID]seal.KeyKind{consent.RecordsKey: seal.KindWrap, consent.ReceiptsKey: seal.KindSign, "sign/relmgr": seal.KindSign} {
		_, _, err := keys.Ensure(ctx, id, kind)
		must(t, err)
	}
	public, err := attest.PublicKeys(ctx, keys, "sign/relmgr")
	must(t, err)
	p, clock := pgtest.New(t), noon
	h := &hub{
		Hub: p, t: t, db: p.DB(t, "consent"), admin: p.Admin(t), keys: keys, now: &clock,
		relmgr: attest.NewSigner(keys, "sign/relmgr", hubURL),
	}
	now := func() time.Time { return *h.now }
	h.consent, err = consent.New(consent.Config{
		DB: h.db, Keys: keys, Proofs: attest.NewVerifier(hubURL, public.Fixed, now), Now: now,
	})
	must(t, err)
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// proof is what relmgr gives a member of the column for a fresh handle.
func (h *hub) proof(c decide.Caller, column ident.Column) string {
	h.t.Helper()
	return h.sign(c, column, func(*attest.HandleProof) {})
}

func (h *hub) sign(c decide.Caller, column ident.Column, change func(*attest.HandleProof)) string {
	h.t.Helper()
	p := attest.HandleProof{
		Audience: "consent", Subject: c.Practitioner, Agency: c.Agency, Handle: ident.NewHandle(), Column: column,
		IssuedAt: *h.now, Expires: h.now.Add(10 * time.Minute),
	}
	change(&p)
	token, err := h.relmgr.SignHandleProof(h.t.Context(), p)
	must(h.t, err)
	return token
}

// yes is a request that every rule allows.
func (h *hub) yes(c decide.Caller, column ident.Column) consent.Request {
	return consent.Request{
		Proof: h.proof(c, column), Explicit: true, Audience: decide.Audience{Kind: decide.ToAgencies, Names: []string{"school"}},
		Purposes: []string{"support"}, Aspects: []string{"involvement", "contact"}, Until: h.now.AddDate(1, 0, 0),
		Evidence: consent.SignedForm, Wording: "leaflet-v3",
	}
}

func (h *hub) capture(c decide.Caller, column ident.Column) consent.Captured {
	h.t.Helper()
	got, err := h.consent.Capture(h.t.Context(), c, h.yes(c, column))
	must(h.t, err)
	return got
}

func (h *hub) exclude(c decide.Caller, column ident.Column, agency ident.Agency) consent.Excluded {
	h.t.Helper()
	got, err := h.consent.Exclude(h.t.Context(), c, consent.ExclusionRequest{
		Proof: h.proof(c, column), Agency: agency, Evidence: consent.SpokenAndNoted,
	})
	must(h.t, err)
	return got
}

// count counts the rows of a table, as the superuser.
func (h *hub) count(table string) (n int) {
	h.t.Helper()
	must(h.t, h.admin.QueryRowContext(context.Background(), "select count(*) from "+table).Scan(&n))
	return n
}

// wantFault fails unless err is a fault of the kind, and returns what a caller
// would see of it.
func wantFault(t *testing.T, err error, kind fault.Kind) string {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", kind)
	}
	if got := fault.KindOf(err); got != kind {
		t.Fatalf("got kind %s, want %s: %v", got, kind, err)
	}
	return shown(err)
}
