package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A registrar never sees a relationship, a row, a handle or an identifier. Each
// agency hands it the reference of a pairing together with whom it asks about;
// where both are one subject, the registrar says so of the two references, and
// relmgr learns nothing of the subject (AUT-09).

// stated is the evidence that a statement leaves in an act.
type stated struct {
	Registrar string            `json:"registrar"`
	ID        ident.StatementID `json:"id"`
	Level     decide.Confidence `json:"level"`
	Types     []string          `json:"types"`

	references [2]string
}

// recognitionTypes are the kinds of recognition data.
var recognitionTypes = []string{"demographic", "biometric", "performative"}

func unknownType(t string) bool { return !slices.Contains(recognitionTypes, t) }

// onWhat checks what a correlation rests on as far as it can be without looking
// anything up: a code that was heard, or a statement that one of the
// partnership's registrars signed for this hub, which it returns.
func (s *Service) onWhat(ctx context.Context, who decide.Caller, c *Correlation) (*stated, error) {
	if (c.Code == "") == (c.Statement == "") {
		return nil, fault.At("/pairing", "give a pairing code or a registrar's statement, one of the two")
	}
	if c.Code != "" {
		_, err := normalise(c.Code)
		return nil, err
	}
	st, err := s.verified(ctx, who.Terms, c.Statement)
	if err != nil {
		return nil, err
	}
	c.confidence = st.Level
	return st, nil
}

// verified reads a statement of a registrar that the partnership lists.
func (s *Service) verified(ctx context.Context, terms *decide.Terms, token string) (st *stated, err error) {
	err = ofARegistrar(terms, s.now, func(v *attest.Verifier) error {
		c, err := v.VerifyCommonClient(ctx, token, Audience(terms), statementLife(terms))
		if err != nil {
			return err
		}
		if err := s.notSuspended(ctx, v.Issuer(), "/statement"); err != nil {
			return err
		}
		st = &stated{Registrar: v.Issuer(), ID: c.ID, Level: decide.Confidence(c.Level), Types: slices.Sorted(slices.Values(c.Types)), references: c.References}
		return sayable(st.Level, st.Types)
	})
	if errors.Is(err, attest.ErrStatement) {
		return nil, fault.At("/statement", "ask the registrar for a new statement: this is none that a registrar of this partnership signed for this hub and for now")
	}
	return st, err
}

// ofARegistrar has read take a statement of each registrar that the partnership lists,
// until one has signed it. No kid is listed twice, so at most one of them can have.
// ErrStatement: none has, or what it says cannot be used.
func ofARegistrar(terms *decide.Terms, now func() time.Time, read func(*attest.Verifier) error) error {
	err := attest.ErrStatement
	for _, r := range terms.Registrars {
		keys, invalid := attest.KeysOf(r.Keys...)
		if invalid != nil {
			continue // nothing that such a registrar signs can be verified; the document's check refuses it
		}
		if err = read(attest.NewVerifier(r.Code, keys.Fixed, now)); !errors.Is(err, attest.ErrStatement) {
			return err
		}
	}
	return err
}

// statementLife is the longest that a registrar's statement may live.
func statementLife(terms *decide.Terms) time.Duration {
	return time.Duration(terms.Settings.StatementMinutes) * time.Minute
}

// sayable refuses a level or types of recognition data that are none; types are sorted.
func sayable(level decide.Confidence, types []string) error {
	if !level.Known() || slices.ContainsFunc(types, unknownType) || len(slices.Compact(slices.Clone(types))) != len(types) {
		return attest.ErrStatement
	}
	return nil
}

// Audience is whom a registrar's statement for this hub must name.
func Audience(terms *decide.Terms) string { return terms.Partnership.Hub + "/relmgr" }

// withStated is withOther for a statement: one of its references is of a pairing
// that was opened for the caller's identifier, the other of one for an identifier
// of another column. Both are used up. Whatever is wrong with either, the answer is
// that of a code which nobody opened.
func (s *Service) withStated(ctx context.Context, tx *sql.Tx, d *deed, h *held, terms *decide.Terms, st *stated) (Receipt, error) {
	if receipt, done, err := s.earlier(ctx, tx); err != nil || done {
		return receipt, err
	}
	var hashes [2][]byte
	for i, reference := range st.references {
		var err error
		if hashes[i], err = s.keys.mac(ctx, pairingKey, reference); err != nil {
			return Receipt{}, err
		}
	}
	found, err := s.q.FindStated(ctx, tx, relmgrdb.FindStatedParams{ReferenceA: hashes[0], ReferenceB: hashes[1], Now: d.At})
	if err != nil {
		return Receipt{}, pg.Fault(err)
	}
	mine := slices.IndexFunc(found, func(p relmgrdb.FindStatedRow) bool { return p.HandleID == h.handle })
	if len(found) != 2 || mine < 0 || found[0].ColumnID == found[1].ColumnID {
		return Receipt{}, unusable()
	}
	for _, p := range found {
		if !st.Level.Reaches(terms.StatementLevel(p.Agreement)) {
			return Receipt{}, unusable()
		}
	}
	own, other := found[mine], found[1-mine]
	d.Statement, d.OwnPairing, d.usesOwn = st, own.ActID, own.PairingID
	d.join(h, other.HandleID, other.PairingID, other.ActID, other.AgencyID)
	return s.enact(ctx, tx, d)
}
