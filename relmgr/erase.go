package relmgr

import (
	"context"
	"database/sql"
	"encoding/hex"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// An erasure takes what identifies and leaves what happened (SUB-06, LEG-29): the
// identifier, what finds it and the keys of what its agency recorded about it are
// gone; acts, enquiries and who was told stay as ids, codes and times, each with its
// leaf. The handle stays as a vertex, so that what others joined stays joined and
// nobody can tell from a row that somebody is gone.

// Erasure is what is to be erased, and what a law obliges to keep of it.
type Erasure struct {
	Own
	Reason     string
	Evidence   Evidence // of an act of the subject; may be empty
	Keeps      string   // "records", "everything", or empty for nothing
	Obligation string   // why, where something is kept
}

// Erased certifies what was erased, and when. It names nobody.
type Erased struct {
	Receipt
	Column            ident.Column
	At                time.Time
	Records           int // that lost their contents
	Keeps, Obligation string
	CompleteAt        time.Time // when no backup holds it any more
	Certificate       string    // the same as a compact JWS of attest.TypErasure
}

// keptAll says that nothing is erased: the refusal of an erasure.
const keptAll = "everything"

// erasure is what an act says of what it erased.
type erasure struct {
	Handle     ident.HandleID `json:"handle"`
	Column     ident.Column   `json:"column"`
	Keeps      string         `json:"keeps,omitempty"`
	Obligation string         `json:"obligation,omitempty"`
	CompleteAt time.Time      `json:"complete_at"`
}

// Erase erases an identifier of the caller's own column, in a role that may
// correlate. It is one transaction: all of it is gone, or nothing. Whoever acts on
// the handle at the same time comes before it, or finds an identifier that was never
// known. Emergencies about it are judged first, and objections ruled on: nobody
// erases what is under review. Invalid says that nothing is kept under the
// identifier.
func (s *Service) Erase(ctx context.Context, who decide.Caller, e Erasure) (out Erased, err error) {
	defer fault.Wrap(&err, "relmgr.Erase")
	at := s.stamp()
	if err := declaredReason(who.Terms, e.Reason); err != nil {
		return out, err
	}
	roles := editors(who, Correlate)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return out, fault.New(fault.Forbidden, "erasing needs one of the roles %v", roles)
	}
	var receipt Receipt
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		h, err := s.own(ctx, tx, who, e.Own, at)
		if err != nil {
			return err
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		if h.handle.IsZero() {
			return fault.At("/identifier", "name an identifier that the hub holds something of: nothing is kept under this one")
		}
		if err := s.alone(ctx, tx, h); err != nil {
			return err
		}
		d := begin(who, Erase, role, at)
		d.Reason, d.Handles = e.Reason, []ident.HandleID{h.handle}
		d.bySubject(e.Evidence)
		receipt, err = s.erase(ctx, tx, d, h, e)
		return err
	})
	if receipt, err = s.orEarlier(ctx, receipt, err); err != nil {
		return out, err
	}
	return s.certify(ctx, who, receipt)
}

// alone locks a handle against everybody who acts on it or refers to it.
func (s *Service) alone(ctx context.Context, tx *sql.Tx, h held) error {
	if _, err := s.lockRows(ctx, tx, []ident.HandleID{h.handle}); err != nil {
		return err
	}
	still, err := s.q.HoldStill(ctx, tx, texts([]ident.HandleID{h.handle}))
	if pg.Busy(err) {
		return pg.ErrRetry
	} else if err != nil {
		return pg.Fault(err)
	}
	if len(still) != 1 || still[0].ColumnID != h.column.ID || !h.tokens.finds(still[0].Token, still[0].TokenB) {
		return pg.ErrRetry
	}
	return nil
}

func (s *Service) erase(ctx context.Context, tx *sql.Tx, d *deed, h held, e Erasure) (Receipt, error) {
	if e.Keeps != keptAll {
		if err := s.settled(ctx, tx, d.Agency, h.handle); err != nil {
			return Receipt{}, err
		}
	}
	return s.eraseHandle(ctx, tx, d, h.handle, h.column.ID, e)
}

// eraseHandle records the act and erases a handle that nobody else acts on, with
// what its agency recorded about it; as far as nothing obliges to keep it.
func (s *Service) eraseHandle(ctx context.Context, tx *sql.Tx, d *deed, handle ident.HandleID, column ident.Column, e Erasure) (Receipt, error) {
	days, err := s.q.FindBackupDays(ctx, tx)
	if err != nil {
		return Receipt{}, pg.Fault(err)
	}
	d.Erasure = &erasure{handle, column, e.Keeps, e.Obligation, d.At.AddDate(0, 0, int(days))}
	gone := relmgrdb.EraseContentsParams{ActID: d.Act, RecordIds: []string{}, Commitments: [][]byte{}, Rests: [][]byte{}}
	if e.Keeps == "" {
		if gone, err = s.contentsOf(ctx, tx, d, handle); err != nil {
			return Receipt{}, err
		}
	}
	d.Erases = leaf.ErasedOf(gone.Commitments, gone.Rests)
	receipt, err := s.record(ctx, tx, d)
	if err != nil {
		return Receipt{}, err
	}
	if err := s.q.RecordErasure(ctx, tx, relmgrdb.RecordErasureParams{
		ActID: d.Act, HandleID: handle, ColumnID: column, Keeps: e.Keeps, Obligation: e.Obligation, CompleteAt: d.Erasure.CompleteAt,
	}); err != nil {
		return Receipt{}, pg.Fault(err)
	}
	if e.Keeps == keptAll {
		return receipt, nil
	}
	if err := s.q.EraseContents(ctx, tx, gone); err != nil {
		return Receipt{}, pg.Fault(err)
	}
	if err := s.untie(ctx, tx, relmgrdb.UntieParams{HandleIds: texts([]ident.HandleID{handle})}, d.At); err != nil {
		return Receipt{}, err
	}
	return receipt, pg.Fault(s.q.EraseHandle(ctx, tx, handle))
}

// settled refuses to erase what is under review. All of it is the agency's own
// knowledge: an emergency is reviewed whoever asked, and flagged or sampled
// enquiries stand in nobody's way, or it would tell which they are.
func (s *Service) settled(ctx context.Context, tx *sql.Tx, agency ident.Agency, handle ident.HandleID) error {
	unjudged, err := s.q.CountUnjudged(ctx, tx, handle)
	if err != nil {
		return pg.Fault(err)
	}
	unruled, err := s.q.CountUnruled(ctx, tx, relmgrdb.CountUnruledParams{HandleID: handle, AgencyID: agency})
	if err != nil {
		return pg.Fault(err)
	}
	switch {
	case unjudged > 0:
		return fault.New(fault.Conflict, "an emergency was declared about this person and nobody has judged it: have it judged first")
	case unruled > 0:
		return fault.New(fault.Conflict, "the person objects to something and nobody has ruled on it: have it ruled on first")
	}
	return nil
}

// contentsOf lists what the act's agency recorded about a handle and can still
// read.
func (s *Service) contentsOf(ctx context.Context, tx *sql.Tx, d *deed, handle ident.HandleID) (relmgrdb.EraseContentsParams, error) {
	out := relmgrdb.EraseContentsParams{ActID: d.Act, RecordIds: []string{}, Commitments: [][]byte{}, Rests: [][]byte{}}
	declared, err := s.declared(ctx, tx, d.Agency)
	if err != nil {
		return out, err
	}
	var declarations []ident.DeclarationID
	for _, v := range declared {
		if v.Handle == handle {
			declarations = append(declarations, v.Declaration)
		}
	}
	rows, err := s.q.ListToErase(ctx, tx, relmgrdb.ListToEraseParams{AgencyID: d.Agency, HandleID: handle, Declarations: texts(declarations)})
	if err != nil {
		return out, pg.Fault(err)
	}
	for _, r := range rows {
		out.RecordIds, out.Commitments, out.Rests = append(out.RecordIds, r.RecordID.String()), append(out.Commitments, r.Commitment), append(out.Rests, r.Rest)
	}
	return out, nil
}

// certify signs what an erasure came to.
func (s *Service) certify(ctx context.Context, who decide.Caller, r Receipt) (Erased, error) {
	z, err := s.q.FindErasure(ctx, s.db, relmgrdb.FindErasureParams{ReferenceID: r.Act, AgencyID: who.Agency})
	if err != nil {
		return Erased{}, pg.Fault(err)
	}
	out := Erased{
		Receipt: r, Column: z.ColumnID, At: z.At.UTC(), Records: int(z.Records), Keeps: z.Keeps, Obligation: z.Obligation, CompleteAt: z.CompleteAt.UTC(),
	}
	out.Certificate, err = s.proofs.SignErasure(ctx, attest.ErasureCertificate{
		Issuer: who.Terms.Partnership.Hub, IssuedAt: s.now().Unix(), Act: r.Act.String(), Commitment: hex.EncodeToString(r.Commitment), Agency: who.Agency,
		Column: out.Column, ErasedAt: out.At, Records: out.Records, Keeps: out.Keeps, Obligation: out.Obligation, CompleteAt: out.CompleteAt,
	})
	return out, err
}
