package consent

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// What a person has said is erased once it is over (SUB-06, LEG-29): to what, whom, why and
// in which words they agreed, whom they left out, what they were asked. That they said
// something, for which handle and from when to when, stays, with its leaf: what rested on it
// is answered for earlier dates as it was, and a receipt that the person keeps can still be
// checked. What is in force is never erased.
//
// The database takes what stands in clear together with the key of what is sealed
// (consent.take_what_stands).

// Obligations are those that keep what is to be erased (UK GDPR, Article 17(3)).
var Obligations = []string{"legal-obligation", "legal-claims", "public-health"}

// Erasure is what is to be erased, or kept by law.
type Erasure struct {
	Proof      string // relmgr's, that the caller brings this handle
	Reason     string
	Evidence   Evidence // of the person's request; may be empty
	Obligation string   // that keeps everything; empty: nothing is kept
}

// Erased certifies what was erased, and when. It names nobody.
type Erased struct {
	Receipt
	Column      ident.Column
	At          time.Time
	Records     int // acts that lost their contents
	Obligation  string
	CompleteAt  time.Time // when no backup holds it any more
	Certificate string    // the same as a compact JWS of attest.TypErasure
}

// erasure is what an act says of what it was asked to erase.
type erasure struct {
	Column     ident.Column `json:"column"`
	Obligation string       `json:"obligation,omitempty"`
	CompleteAt time.Time    `json:"complete_at"`
}

// Erase erases all that is over of what the person of a handle has said, or records which
// law keeps it, for somebody of the agency that controls the handle's column, in a role that
// may correlate. It is one transaction. Of two at once the second finds less, and says so.
// Errors: Forbidden; Invalid; Conflict while something about the person is under review in
// the index: nobody erases evidence.
func (s *Service) Erase(ctx context.Context, caller decide.Caller, req Erasure) (out Erased, err error) {
	defer fault.Wrap(&err, "consent.Erase")
	at := s.now()
	role, ok := roleOf(caller, at, func(r *decide.AgreementRoles) []string { return r.Correlate })
	if !ok {
		return out, fault.New(fault.Forbidden, "erasing is for those who may correlate: hold a role that an agreement in force, to which your agency is a party, lists under roles.correlate")
	}
	handle, column, err := s.proved(ctx, caller, req.Proof, at)
	if err != nil {
		return out, err
	}
	if column.Agency != caller.Agency {
		return out, fault.New(fault.Forbidden, "another agency controls this column: ask somebody there")
	}
	var c checks
	c.that(decide.Has(caller.Terms.Codes.Reasons, req.Reason), "/reason", "name a reason of the partnership's list")
	c.that(req.Evidence == "" || slices.Contains(evidenceKinds, req.Evidence), "/evidence", fmt.Sprintf("say how the person's request was recorded: one of %v", evidenceKinds))
	c.that(req.Obligation == "" || slices.Contains(Obligations, req.Obligation), "/obligation", "name an obligation that keeps what is to be erased, or none")
	if err := c.fault(); err != nil {
		return out, err
	}
	days := caller.Terms.Settings.BackupDays
	if days == 0 { // terms of before the setting
		days = 30
	}
	out = Erased{Column: column.ID, At: at, Obligation: req.Obligation, CompleteAt: at.AddDate(0, 0, days)}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r := begin(erase, caller, role, at)
		r.Handle, r.Held, r.Evidence, r.Reason = handle, column.Agency, req.Evidence, req.Reason
		r.Erasure = &erasure{column.ID, req.Obligation, out.CompleteAt}
		var taken []ident.UntypedID
		if req.Obligation == "" {
			reviewed, err := s.queries.IsUnderReview(ctx, tx, ident.UntypedID(handle))
			if err != nil {
				return err
			}
			if reviewed {
				return fault.New(fault.Conflict, "an emergency about this person waits to be judged, or an objection to be ruled on: have that done first")
			}
			if taken, err = s.queries.TakeOver(ctx, tx, consentdb.TakeOverParams{HandleID: ident.UntypedID(handle), At: at}); err != nil {
				return err
			}
		}
		out.Receipt, err = s.nameErased(ctx, tx, &r, taken)
		if out.Records = len(taken); err != nil {
			return err
		}
		return s.queries.InsertErasure(ctx, tx, consentdb.InsertErasureParams{
			ActID: r.Act, HandleID: handle, ColumnID: column.ID, AgencyID: column.Agency, Reason: req.Reason, Obligation: req.Obligation, CompleteAt: out.CompleteAt,
		})
	})
	if err != nil {
		return Erased{}, err
	}
	out.Certificate, err = s.receipts.SignErasure(ctx, attest.ErasureCertificate{
		Issuer: caller.Terms.Partnership.Hub, IssuedAt: at.Unix(), Act: out.Act.String(), Commitment: hex.EncodeToString(out.Commitment), Agency: caller.Agency,
		Column: out.Column, ErasedAt: at, Records: out.Records, Obligation: out.Obligation, CompleteAt: out.CompleteAt,
	})
	return out, err
}

// nameErased appends the act that took the keys of others, with the leaves of those.
func (s *Service) nameErased(ctx context.Context, tx *sql.Tx, r *record, taken []ident.UntypedID) (Receipt, error) {
	left, err := s.queries.ListLeft(ctx, tx, taken)
	if err != nil {
		return Receipt{}, err
	}
	named := consentdb.NameErasedParams{ActID: ident.UntypedID(r.Act)}
	for _, l := range left {
		named.Commitments, named.Rests = append(named.Commitments, l.Commitment), append(named.Rests, l.Rest)
	}
	r.Erases = leaf.ErasedOf(named.Commitments, named.Rests)
	receipt, err := s.append(ctx, tx, r)
	if err != nil || len(left) == 0 {
		return receipt, err
	}
	return receipt, s.queries.NameErased(ctx, tx, named)
}

// theHub is who acts where no person does.
const (
	theHub    = "the-hub"
	retention = "retention"
)

// mostExpired is of how many things, or handles, one act of retention erases the contents.
const mostExpired = 256

// Retain erases the contents of what has been over for as long as the terms say, where they
// say it, and what is left of handles that relmgr has erased; n acts lost theirs (LEG-29).
// What a law keeps, and what is under review, stays. Each step is a transaction with its
// act: two who run at once take different records, and whoever is killed is carried on by
// the next. With an error, n is what was erased until then.
func (s *Service) Retain(ctx context.Context, terms *decide.Terms) (n int, err error) {
	defer fault.Wrap(&err, "consent.Retain")
	at, days := s.now(), terms.Settings.KeepConsentsDays
	due := consentdb.TakeExpiredParams{Before: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), Most: mostExpired}
	if days > 0 {
		due.Before = at.AddDate(0, 0, -days)
	}
	for found := 1; found > 0; n += found {
		if found, err = s.expire(ctx, terms, at, func(tx *sql.Tx) ([]ident.UntypedID, error) { return s.queries.TakeExpired(ctx, tx, due) }); err != nil {
			return n, err
		}
	}
	for after := (ident.UntypedID{}); ; {
		gone, err := s.queries.ListGone(ctx, s.db, consentdb.ListGoneParams{After: after, Most: mostExpired})
		if err != nil || len(gone) == 0 {
			return n, pg.Fault(err)
		}
		handles := make([]ident.UntypedID, len(gone))
		for i, h := range gone {
			handles[i] = ident.UntypedID(h)
		}
		found, err := s.expire(ctx, terms, at, func(tx *sql.Tx) ([]ident.UntypedID, error) { return s.queries.TakeOrphaned(ctx, tx, handles) })
		if n += found; err != nil {
			return n, err
		}
		after = handles[len(handles)-1]
	}
}

// expire has one act of the hub name what take takes, and makes none where that is nothing.
func (s *Service) expire(ctx context.Context, terms *decide.Terms, at time.Time, take func(*sql.Tx) ([]ident.UntypedID, error)) (n int, err error) {
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		taken, err := take(tx)
		if n = len(taken); err != nil || n == 0 {
			return err
		}
		r := record{
			Act: ident.NewAct(), Kind: expire, At: at, Practitioner: theHub, Agency: theHub, Role: retention, TermsVersion: terms.Version,
			KeptDays: terms.Settings.KeepConsentsDays,
		}
		_, err = s.nameErased(ctx, tx, &r, taken)
		return err
	})
	if err != nil {
		n = 0
	}
	return n, err
}
