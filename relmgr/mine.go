package relmgr

import (
	"context"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A person who has signed in with a registrar asks as themself (design.md section 4).
// The registrar's statement is for relmgr alone. From the secret in it relmgr derives
// the values of the person's anchors, as for a stranger, and names the handles to each
// duty in a proof of its own, so that no duty learns who the person is.

// Mine is whose handles are asked for, and which.
type Mine struct {
	Statement string // compact JWS
	// Sensitive asks for those of sensitive columns too, which takes two factors.
	Sensitive bool
	After     ident.HandleID
}

// MyProofs are what a person shows each duty, one page of their handles.
type MyProofs struct {
	Relmgr, Consent, Idmgr string
	Expires                time.Time
	Next                   ident.HandleID // zero on the last page
}

// FindMine returns proofs of the person's handles that a registrar's recognition has
// been attached to, in columns that are open now. What they are lawfully not told of
// is absent, without a gap. Errors: Unauthenticated for what is no registrar's
// statement for this hub and for now, StepUp.
func (s *Service) FindMine(ctx context.Context, terms *decide.Terms, m Mine) (p MyProofs, err error) {
	defer fault.Wrap(&err, "relmgr.FindMine")
	at := s.stamp()
	who, rec, err := s.signedIn(ctx, terms, m.Statement)
	if err != nil {
		return MyProofs{}, err
	}
	if m.Sensitive && !who.SignIn.Reaches(decide.TwoFactors) {
		return MyProofs{}, fault.NeedsStepUp(string(decide.TwoFactors))
	}
	m.Sensitive = m.Sensitive && who.Authority == "" // those say whom they know to the person alone
	handles, next, err := s.mine(ctx, terms, rec, m, at)
	if err != nil {
		return MyProofs{}, err
	}
	p = MyProofs{Expires: at.Add(time.Duration(terms.Settings.HandleProofMins) * time.Minute).Truncate(time.Second), Next: next}
	for audience, out := range map[string]*string{"relmgr": &p.Relmgr, "consent": &p.Consent, "idmgr": &p.Idmgr} {
		*out, err = s.proofs.SignSubjectProof(ctx, attest.SubjectProof{
			Audience: audience, Registrar: who.Registrar, Level: string(who.Level), ACR: string(who.SignIn), Authority: who.Authority, Scope: who.Scope, Handles: handles, IssuedAt: at, Expires: p.Expires,
		})
		if err != nil {
			return MyProofs{}, err
		}
	}
	return p, nil
}

// signedIn reads a statement of who has signed in.
func (s *Service) signedIn(ctx context.Context, terms *decide.Terms, token string) (who decide.Subject, rec recognised, err error) {
	var st attest.Subject
	err = ofARegistrar(terms, s.now, func(v *attest.Verifier) error {
		st, err = v.VerifySubject(ctx, token, Audience(terms), statementLife(terms))
		return err
	})
	if err == nil {
		who = decide.Subject{Terms: terms, Registrar: st.Issuer, Level: decide.Confidence(st.Level), SignIn: decide.SignIn(st.ACR), Authority: st.Authority, Scope: st.Scope}
		rec.Registrar = st.Issuer
		rec.secret, err = s.open(ctx, st.Secret)
	}
	if errors.Is(err, attest.ErrStatement) || err == nil && !(who.Level.Known() && who.SignIn.Known()) {
		err = fault.New(fault.Unauthenticated, "sign in again: this is not what a registrar of this partnership says, to this hub and for now, of somebody who has signed in").Because(err)
	}
	return who, rec, err
}

// mine is one page of a person's handles.
func (s *Service) mine(ctx context.Context, terms *decide.Terms, rec recognised, m Mine, at time.Time) (page []attest.SubjectHandle, next ident.HandleID, err error) {
	var all []ident.Column // a handle that moved is found by the column that it left
	open := []string{}
	for i := range terms.Columns {
		all = append(all, terms.Columns[i].ID)
		if c := terms.FindColumn(terms.Columns[i].ID, at); c != nil && (m.Sensitive || !c.Sensitive) {
			open = append(open, string(c.ID))
		}
	}
	for range maxReads {
		v, err := s.keys.anchors(ctx, rec, all...)
		if err != nil {
			return nil, next, err
		}
		rows, err := s.q.ListMine(ctx, s.db, relmgrdb.ListMineParams{
			AnchorValues: v.all(), Columns: open, FromStart: m.After.IsZero(), AfterHandle: ident.UntypedID(m.After), PageSize: attest.MaxSubjectHandles + 1,
		})
		if err != nil {
			return nil, next, pg.Fault(err)
		}
		if rows[0].Reading != v.epoch {
			s.keys.anchorEpoch.Store(0)
			continue
		}
		page = []attest.SubjectHandle{}
		for i, r := range rows {
			switch {
			case r.HandleID.IsZero(): // there is none
			case i < attest.MaxSubjectHandles:
				page = append(page, attest.SubjectHandle{Handle: r.HandleID, Column: ident.Column(r.ColumnID)})
			default:
				next = page[len(page)-1].Handle
			}
		}
		return page, next, nil
	}
	return nil, next, unavailable("the keys of anchors are changing: try again")
}

// OwnProofs trusts the proofs of handles that this service signs: those of subjects
// come back to it.
func (s *Service) OwnProofs() *attest.Verifier {
	return attest.NewVerifier(Issuer, func(ctx context.Context) (attest.KeySet, error) {
		return attest.PublicKeys(ctx, s.keys.keys, SigningKey)
	}, s.now)
}
