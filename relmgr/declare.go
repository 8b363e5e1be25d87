package relmgr

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Interest is why somebody should not look a person up, or have it looked at.
type Interest string

// The interests.
const (
	Self      Interest = "self"
	Household Interest = "household"
	Conflict  Interest = "conflict"
)

// declaration is the record of an interest of a practitioner in the person of a
// handle, or of its end. All of it is sealed and read in memory alone, so that the
// database does not say who a practitioner is as a subject. It is no act: it
// changes nothing in the index, and no list of acts shows it.
type declaration struct {
	Declaration  ident.DeclarationID `json:"declaration"`
	At           time.Time           `json:"at"`
	Practitioner ident.Practitioner  `json:"practitioner"` // who recorded it
	Agency       ident.Agency        `json:"agency"`
	Role         string              `json:"role"`
	TermsVersion int64               `json:"terms_version"`
	About        ident.Practitioner  `json:"about,omitempty"` // whose interest it is
	Handle       ident.HandleID      `json:"handle,omitzero"`
	Interest     Interest            `json:"interest,omitempty"`
	Ends         ident.DeclarationID `json:"ends,omitzero"`
	Reason       string              `json:"reason,omitempty"`

	until time.Time // when it was ended; the end of time where it was not
}

// Declared is what the maker of a declaration is given.
type Declared struct {
	Declaration ident.DeclarationID
	Commitment  []byte
}

// forever is when a declaration ends that nobody has ended.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// flags reports whether an enquiry is one that the declaration is about.
func (d declaration) flags(asker ident.Practitioner, handle ident.HandleID, at time.Time) bool {
	return d.About == asker && d.Handle == handle && at.Before(d.until)
}

// Declare records that a practitioner has an interest in the person of an
// identifier of the caller's own column: the caller, or where about names
// another, one of the caller's agency, by a reviewer. That practitioner's
// enquiries about it, earlier ones too, come to the reviewers; in answering
// nothing changes. Declaring what is declared already is no error, or it would tell.
func (s *Service) Declare(ctx context.Context, who decide.Caller, o Own, interest Interest, about ident.Practitioner) (out Declared, err error) {
	defer fault.Wrap(&err, "relmgr.Declare")
	at := s.stamp()
	role := who.AnyRole()
	if about == "" {
		about = who.Practitioner
	}
	if about != who.Practitioner {
		if role, err = reviewing(who); err != nil {
			return Declared{}, err
		}
		known, err := s.q.IsColleague(ctx, s.db, relmgrdb.IsColleagueParams{PractitionerID: about, AgencyID: who.Agency})
		if err != nil {
			return Declared{}, pg.Fault(err)
		} else if !known {
			return Declared{}, fault.At("/practitioner", "name somebody who is registered for your agency")
		}
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		h, err := s.own(ctx, tx, who, o, at)
		if err != nil {
			return err
		}
		if err := s.keep(ctx, tx, &h); err != nil {
			return err
		}
		d := declaring(who, role, at)
		d.About, d.Handle, d.Interest = about, h.handle, interest
		out, err = s.recordDeclaration(ctx, tx, d)
		return err
	})
	return out, err
}

// EndDeclaration records that a declaration of the caller's agency holds no
// longer. It is for a reviewer who is not the one it is about. Enquiries made
// before it stay flagged.
func (s *Service) EndDeclaration(ctx context.Context, who decide.Caller, id ident.DeclarationID, reason string) (out Declared, err error) {
	defer fault.Wrap(&err, "relmgr.EndDeclaration")
	at := s.stamp()
	role, err := judging(who, reason)
	if err != nil {
		return Declared{}, err
	}
	declared, err := s.declared(ctx, s.db, who.Agency)
	if err != nil {
		return Declared{}, err
	}
	i := slices.IndexFunc(declared, func(d declaration) bool { return d.Declaration == id && d.About != who.Practitioner })
	if i < 0 {
		return Declared{}, fault.New(fault.NotKnown, "no declaration of your agency that you may end has that id: somebody else ends what is about you")
	}
	d := declaring(who, role, at)
	d.Ends, d.Reason = id, reason
	out, err = s.recordDeclaration(ctx, s.db, d)
	if pg.Constraint(err) == "declaration_ends_once" {
		return Declared{}, fault.New(fault.Conflict, "somebody has ended this declaration already")
	}
	return out, err
}

func declaring(who decide.Caller, role string, at time.Time) declaration {
	return declaration{
		Declaration: ident.NewDeclaration(), At: at, Practitioner: who.Practitioner, Agency: who.Agency, Role: role,
		TermsVersion: who.Terms.Version,
	}
}

// recordDeclaration stores a declaration, its key and its commitment.
func (s *Service) recordDeclaration(ctx context.Context, db relmgrdb.DBTX, d declaration) (Declared, error) {
	l, err := s.leafOf(ctx, d.Declaration, d)
	if err != nil {
		return Declared{}, err
	}
	if err := s.q.RecordDeclaration(ctx, db, relmgrdb.RecordDeclarationParams{
		DeclarationID: d.Declaration, At: d.At, PractitionerID: d.Practitioner, AgencyID: d.Agency, Role: d.Role,
		Ends: ident.UntypedID(d.Ends), TermsVersion: d.TermsVersion, Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey,
	}); err != nil {
		return Declared{}, pg.Fault(err)
	}
	return Declared{Declaration: d.Declaration, Commitment: l.Commitment}, nil
}

// declared reads what has been declared in an agency, ended or not.
func (s *Service) declared(ctx context.Context, db relmgrdb.DBTX, agency ident.Agency) ([]declaration, error) {
	rows, err := s.q.ListDeclarations(ctx, db, agency)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := make([]declaration, len(rows))
	for i, r := range rows {
		d := &out[i]
		if err := leaf.Open(ctx, s.keys.keys, recordsKey, r.DeclarationID, leaf.Leaf{Commitment: r.Commitment, Sealed: r.Sealed, WrappedKey: r.WrappedKey}, d); err != nil {
			return nil, err
		}
		if d.until = forever; r.EndedAt.Valid {
			d.until = r.EndedAt.Time
		}
	}
	return out, nil
}

// openFlagged opens the reviews of enquiries that declarations are about. It runs
// for an agency that has none as well, and of two at once each review opens once.
func (s *Service) openFlagged(ctx context.Context, agency ident.Agency, declared []declaration) error {
	p := relmgrdb.OpenFlaggedParams{
		AgencyID: agency, ReviewSeconds: reviewWithin.Seconds(), PractitionerIds: []string{}, HandleIds: []string{}, Untils: []time.Time{},
	}
	for _, d := range declared {
		p.PractitionerIds, p.HandleIds = append(p.PractitionerIds, string(d.About)), append(p.HandleIds, d.Handle.String())
		p.Untils = append(p.Untils, d.until)
	}
	if err := s.q.OpenFlagged(ctx, s.db, p); err != nil {
		return pg.Fault(err)
	}
	return nil
}
