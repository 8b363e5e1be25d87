package relmgr

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A stranger is found by what a registrar says of them, without a number that
// anybody has in common (design.md section 3, docs/decisions/0045). A recognition
// carries a secret of the subject for this hub, encrypted to relmgr. From it relmgr
// derives values, for each column others, compares them with the anchors of
// handles, and forgets it: nothing stored tells that two handles are of one person.

// AttachAnchor is the act that makes a handle found by a registrar's recognition.
const AttachAnchor Kind = "attach-anchor"

// anchorsPerColumn is how many handles of one column may be of one person, such as
// where an agency has them on its books twice.
const anchorsPerColumn = 4

// anchorKey derives the values of anchors in an epoch.
func anchorKey(epoch int32) seal.KeyID {
	return seal.KeyID("duty/relmgr/anchors/" + strconv.Itoa(int(epoch)))
}

// recognised is what a record keeps of a recognition.
type recognised struct {
	Registrar string              `json:"registrar"`
	ID        ident.RecognitionID `json:"id"`
	Level     decide.Confidence   `json:"level"`
	Types     []string            `json:"types"`
	Hash      []byte              `json:"hash,omitempty"`    // by which it is known to be used
	Outcome   recognitionOutcome  `json:"outcome,omitempty"` // of one that was refused

	secret attest.HubSecret
}

// recognitionOutcome is what became of a recognition that came with an enquiry.
type recognitionOutcome string

const (
	ofAnother  recognitionOutcome = "of-another"  // it was made for somebody else
	usedBefore recognitionOutcome = "used-before" // each serves once
)

// because explains to the caller why their recognition was refused.
func (o recognitionOutcome) because() error {
	if o == ofAnother {
		return fault.At("/recognition", "ask the registrar yourself: this recognition was made for somebody else")
	}
	return fault.At("/recognition", "ask the registrar for a new recognition: this one has been used")
}

// anchored is the anchor that an act attaches, as it stood then.
type anchored struct {
	Anchor    ident.UntypedID `json:"anchor"`
	Registrar string          `json:"registrar"`
	Epoch     int32           `json:"epoch"`
	Value     []byte          `json:"value"`

	fresh bool // not stored yet
}

// recognise reads a recognition that one of the partnership's registrars made for
// this hub and for now, and opens its secret. Outcome says whether it was made for
// somebody else than the caller.
func (s *Service) recognise(ctx context.Context, who decide.Caller, token string) (rec *recognised, err error) {
	err = ofARegistrar(who.Terms, s.now, func(v *attest.Verifier) error {
		c, err := v.VerifyRecognition(ctx, token, Audience(who.Terms), statementLife(who.Terms))
		if err != nil {
			return err
		}
		if err := s.notSuspended(ctx, v.Issuer(), "/recognition"); err != nil {
			return err
		}
		rec = &recognised{Registrar: v.Issuer(), ID: c.ID, Level: decide.Confidence(c.Level), Types: slices.Sorted(slices.Values(c.Types))}
		if err := sayable(rec.Level, rec.Types); err != nil {
			return err
		}
		if c.Practitioner != who.Practitioner || c.Agency != who.Agency {
			rec.Outcome = ofAnother
			return nil
		}
		if rec.secret, err = s.open(ctx, c.Secret); err != nil {
			return err
		}
		rec.Hash, err = s.keys.mac(ctx, recognitionKey, rec.Registrar+"\n"+rec.ID.String())
		return err
	})
	if errors.Is(err, attest.ErrStatement) {
		return nil, fault.At("/recognition", "ask the registrar for a new recognition: this is none that a registrar of this partnership made for this hub and for now")
	}
	return rec, err
}

// notSuspended refuses a registrar that the register of registrars has suspended (FED-18),
// from the next recognition on. What it had recognised before stands.
func (s *Service) notSuspended(ctx context.Context, registrar, pointer string) error {
	suspended, err := s.q.IsSuspended(ctx, s.db, registrar)
	if err != nil {
		return pg.Fault(err)
	}
	if suspended {
		return fault.At(pointer, "ask another registrar: the register of registrars has suspended this one, since it does not do what it undertook")
	}
	return nil
}

// Attachment is a registrar's recognition of the person of one of the caller's own
// identifiers.
type Attachment struct {
	Own
	Recognition string // compact JWS
	Reason      string
}

// AttachAnchor lets whomever the registrar recognises as this person be asked about
// without their identifier, wherever the relationship's own decision discloses it:
// it publishes nothing. The caller is a member of the column, holds a role that may
// publish, and carries a recognition that was made for them; it is used up. Where
// the handle stands on, and whether the person is known elsewhere, changes nothing
// in the work or the receipt. Conflict says that the caller's own column has the
// identifier for somebody else whom that registrar recognised, or the person under
// too many already. One act, which the agency may undo.
func (s *Service) AttachAnchor(ctx context.Context, who decide.Caller, a Attachment) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.AttachAnchor")
	at := s.stamp()
	if err := declaredReason(who.Terms, a.Reason); err != nil {
		return Receipt{}, err
	}
	roles := editors(who, AttachAnchor)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return Receipt{}, fault.New(fault.Forbidden, "attaching a recognition needs one of the roles %v", roles)
	}
	c, err := s.column(who, a.Column, at)
	if err != nil {
		return Receipt{}, err
	}
	if err := a.Identifier.check(c); err != nil {
		return Receipt{}, err
	}
	rec, err := s.recognise(ctx, who, a.Recognition)
	if err != nil {
		return Receipt{}, err
	}
	if rec.Outcome == "" {
		err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
			receipt, err = s.attach(ctx, tx, who, a.Own, *rec, role, a.Reason, at)
			return err
		})
		if pg.Constraint(err) != recognitionIsUsedOnce {
			return s.orEarlier(ctx, receipt, err)
		}
		first, done, lookErr := s.earlier(ctx, s.db) // the same request may have come first
		if lookErr != nil {
			return Receipt{}, lookErr
		} else if done {
			return first, nil
		}
		rec.Outcome, rec.Hash = usedBefore, nil
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		d := begin(who, Refuse, role, at)
		d.Reason, d.Recognition = a.Reason, rec
		_, err := s.record(ctx, tx, d)
		return err
	})
	if err == nil {
		err = rec.Outcome.because()
	}
	return Receipt{}, err
}

// recognitionIsUsedOnce is the key that a second use breaks.
const recognitionIsUsedOnce = "recognitions_used_pkey"

func (s *Service) attach(ctx context.Context, tx *sql.Tx, who decide.Caller, o Own, rec recognised, role, reason string, at time.Time) (Receipt, error) {
	h, err := s.own(ctx, tx, who, o, at)
	if err != nil {
		return Receipt{}, err
	}
	if err := s.keep(ctx, tx, &h); err != nil {
		return Receipt{}, err
	}
	d := begin(who, AttachAnchor, role, at)
	d.Reason, d.Handles, d.Recognition = reason, []ident.HandleID{h.handle}, &rec
	if receipt, done, err := s.earlier(ctx, tx); err != nil || done {
		return receipt, err
	}
	// Two who attach one handle do so one after the other.
	if _, err := s.lockRows(ctx, tx, d.Handles); err != nil {
		return Receipt{}, err
	}
	if d.Anchor, err = s.anchorFor(ctx, tx, h, rec); err != nil {
		return Receipt{}, err
	}
	return s.enact(ctx, tx, d)
}

// anchorFor is the anchor of the handle for the person recognised: the one that it
// has, or the first that no other handle of the column has.
func (s *Service) anchorFor(ctx context.Context, tx *sql.Tx, h held, rec recognised) (*anchored, error) {
	v, err := s.keys.anchors(ctx, rec, h.column.ID)
	if err != nil {
		return nil, err
	}
	found, err := s.q.ListAnchors(ctx, tx, relmgrdb.ListAnchorsParams{AnchorValues: v.all(), HandleID: h.handle, Registrar: rec.Registrar})
	if err != nil {
		return nil, pg.Fault(err)
	}
	all := v.all()
	for _, f := range found {
		if f.HandleID == h.handle && f.Live && !slices.ContainsFunc(all, func(v []byte) bool { return bytes.Equal(v, f.Value) }) {
			return nil, fault.New(fault.Conflict, "that registrar has recognised somebody else as the person of this identifier: withdraw that act first, or ask the registrar again")
		}
	}
	out := &anchored{Registrar: rec.Registrar, Epoch: v.epoch}
	for _, candidate := range v.candidates {
		taken := slices.IndexFunc(found, func(f relmgrdb.ListAnchorsRow) bool {
			return slices.ContainsFunc(candidate, func(v []byte) bool { return bytes.Equal(v, f.Value) })
		})
		switch {
		case taken < 0 && !out.fresh:
			out.Anchor, out.Value, out.fresh = ident.UntypedID(ident.NewHandle()), candidate[len(candidate)-1], true
		case taken >= 0 && found[taken].HandleID == h.handle:
			f := found[taken]
			out.Anchor, out.Value, out.fresh = f.AnchorID, f.Value, false
			if !bytes.Equal(f.Value, candidate[len(candidate)-1]) { // not yet brought to the newest key
				out.Epoch--
			}
			return out, nil
		}
	}
	if !out.fresh {
		return nil, fault.New(fault.Conflict, "your column has this person under %d identifiers already: withdraw one of those acts first", anchorsPerColumn)
	}
	return out, nil
}

// keepAnchor stores what an act attaches.
func (s *Service) keepAnchor(ctx context.Context, tx *sql.Tx, d *deed) error {
	a := d.Anchor
	if a.fresh {
		n, err := s.q.KeepAnchor(ctx, tx, relmgrdb.KeepAnchorParams{
			AnchorID: a.Anchor, HandleID: ident.UntypedID(d.Handles[0]), Registrar: a.Registrar, Value: a.Value, Epoch: a.Epoch,
		})
		if err != nil {
			return pg.Fault(err)
		}
		if n == 0 { // taken meanwhile, or another key began: everything starts over
			s.keys.anchorEpoch.Store(0)
			return pg.ErrRetry
		}
	}
	return pg.Fault(s.q.AttachAnchor(ctx, tx, relmgrdb.AttachAnchorParams{ActID: d.Act, AnchorID: a.Anchor}))
}

// anchorValues are what a person's anchors in some columns can be.
type anchorValues struct {
	epoch      int32      // the newest
	candidates [][][]byte // each by the key before the newest, if there is one, and by the newest
}

func (v anchorValues) all() [][]byte { return slices.Concat(v.candidates...) }

// anchors derives the values of a recognised person in columns: value n+1 is the
// MAC of value n under key n+1, so that what is stored is brought to another key
// without the secret.
func (k *keyring) anchors(ctx context.Context, rec recognised, columns ...ident.Column) (anchorValues, error) {
	epoch := k.anchorEpoch.Load()
	if epoch == 0 {
		var err error
		if epoch, err = k.q.FindAnchorEpoch(ctx, k.db); err != nil {
			return anchorValues{}, pg.Fault(err)
		}
		k.anchorEpoch.Store(epoch)
	}
	for e := int32(1); e <= epoch; e++ {
		if err := k.ensure(ctx, anchorKey(e), seal.KindMAC); err != nil {
			return anchorValues{}, err
		}
	}
	v, secret := anchorValues{epoch: epoch}, rec.secret.Bytes()
	for _, column := range columns {
		for n := range byte(anchorsPerColumn) {
			msg := []byte("fame anchor v1\x00")
			for _, part := range []string{string(column), rec.Registrar} {
				msg = append(binary.BigEndian.AppendUint32(msg, uint32(len(part))), part...)
			}
			msg = append(append(msg, n), secret[:]...)
			var candidate [][]byte
			for e := int32(1); e <= epoch; e++ {
				sum, err := k.keys.MAC(ctx, anchorKey(e), msg)
				if err != nil {
					return anchorValues{}, fmt.Errorf("relmgr: anchor: %w", err)
				}
				msg = sum[:]
				if candidate = append(candidate, msg); len(candidate) > 2 {
					candidate = candidate[1:]
				}
			}
			v.candidates = append(v.candidates, candidate)
		}
	}
	return v, nil
}

// enquireRecognised is Enquire about somebody whom a registrar recognised. The
// asker's own steps come first; from the read on the work is the same whatever is
// found, and the recognition is used up with what was told.
func (s *Service) enquireRecognised(ctx context.Context, who decide.Caller, q Question, c *decide.Column, asking *decide.Asking, e enquiry) (Answer, error) {
	rec, err := s.recognise(ctx, who, q.Recognition)
	if err != nil {
		return Answer{}, err
	}
	e.Recognition = rec
	if asking.StoppedAt() > 0 || rec.Outcome != "" {
		return Answer{}, s.refuseEnquiry(ctx, who, e)
	}
	r, err := s.readAnchored(ctx, who.Terms, c, *rec, e.At)
	if err != nil {
		return Answer{}, err
	}
	if q.Case == "" && !r.holds(who.Terms, e.At) {
		asking = withoutCase(who, q, c, e.At)
		if e.Decision = asking.Decision; asking.StoppedAt() > 0 {
			return Answer{}, s.refuseEnquiry(ctx, who, e)
		}
	}
	a := r.answer(who, asking, q.about(), &e)
	if q.Scope == OfTheFederation {
		e.Sent = recognisedAt(q)
	}
	if a.Commitment, err = s.recordRecognised(ctx, who, asking.Role, e); pg.Constraint(err) == recognitionIsUsedOnce {
		e.Recognition = &recognised{Registrar: rec.Registrar, ID: rec.ID, Level: rec.Level, Types: rec.Types, Outcome: usedBefore}
		e.Disclosed, e.Effects = []disclosure{}, nil
		return Answer{}, s.refuseEnquiry(ctx, who, e)
	} else if err != nil {
		return Answer{}, err
	}
	if q.Emergency {
		s.emergencies.Inc()
	}
	a.Orders, err = s.orders(ctx, who, q, c, e, nil)
	return a, err
}

// readAnchored reads every row on which the person recognised has an anchor, in
// any column of the partnership: a handle that moved is found by the column that it
// left.
func (s *Service) readAnchored(ctx context.Context, t *decide.Terms, c *decide.Column, rec recognised, at time.Time) (row, error) {
	columns := make([]ident.Column, len(t.Columns))
	for i := range t.Columns {
		columns[i] = t.Columns[i].ID
	}
	for range maxReads {
		v, err := s.keys.anchors(ctx, rec, columns...)
		if err != nil {
			return row{}, err
		}
		lines, err := s.q.ReadAnchored(ctx, s.read, relmgrdb.ReadAnchoredParams{At: at, ColumnID: string(c.ID), AnchorValues: v.all()})
		if err != nil {
			return row{}, pg.Fault(err)
		}
		if r := gatherAnchored(lines, c.ID); r.reading == v.epoch {
			return r, nil
		}
		s.keys.anchorEpoch.Store(0)
	}
	return row{}, unavailable("the keys of anchors are changing: try again")
}

// gatherAnchored sorts the parts of the rows on which a person was found. What the
// asker's own column publishes of them is the asker's own.
func gatherAnchored(lines []relmgrdb.ReadAnchoredRow, asker ident.Column) row {
	parts := make([]relmgrdb.ReadRowsRow, len(lines))
	found := map[ident.HandleID]bool{}
	for i, l := range lines {
		parts[i] = relmgrdb.ReadRowsRow(l)
		if l.Part == "own" && !l.HandleID.IsZero() {
			found[l.HandleID] = true
		}
	}
	r := gather(parts)
	r.own, r.published, r.found = ident.HandleID{}, false, found
	for _, c := range r.cells {
		if found[c.handle] && c.standing.Column == asker {
			r.own, r.published = c.handle, true
		}
	}
	return r
}

// recordRecognised appends an enquiry with the recognition that it used up. The
// constraint recognitionIsUsedOnce says that another was first, and nothing is
// written.
func (s *Service) recordRecognised(ctx context.Context, who decide.Caller, role string, e enquiry) ([]byte, error) {
	l, err := s.leafOf(ctx, e.Enquiry, e)
	if err != nil {
		return nil, err
	}
	p := relmgrdb.RecordRecognisedParams{
		EnquiryID: e.Enquiry, At: e.At, PractitionerID: e.Practitioner, AgencyID: e.Agency, Role: role, ColumnID: e.Column, Purpose: e.Purpose,
		Reason: e.Reason, Concerning: e.Concerning, Transaction: e.Transaction, Emergency: e.Emergency, TermsVersion: who.Terms.Version,
		Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey, RecognitionHash: e.Recognition.Hash, ReviewDue: e.At.Add(reviewWithin),
		UsedDecisions: []string{}, ToldHandles: []string{}, ToldDecisions: []string{},
		ClashGrants: []string{}, ClashWithholdings: []string{},
	}
	for _, c := range e.clashes {
		p.ClashGrants, p.ClashWithholdings = append(p.ClashGrants, c.Grant.String()), append(p.ClashWithholdings, c.Withholding.String())
	}
	for _, d := range e.Disclosed {
		p.ToldHandles, p.ToldDecisions = append(p.ToldHandles, d.Handle.String()), append(p.ToldDecisions, d.Decision.String())
		if d.once {
			p.UsedDecisions = append(p.UsedDecisions, d.Decision.String())
		}
	}
	if err := s.q.RecordRecognised(ctx, s.read, p); err != nil {
		return nil, pg.Fault(err)
	}
	return l.Commitment, nil
}

// RotateAnchors brings all anchors to their next key, or carries on a rotation that
// was begun. Enquiries and attachments go on meanwhile. Keys of before are kept:
// what a recognition carries is brought to the newest through all of them.
func (s *Service) RotateAnchors(ctx context.Context, tell Progress) (err error) {
	defer fault.Wrap(&err, "relmgr.RotateAnchors")
	epoch, err := s.q.FindAnchorEpoch(ctx, s.db)
	if err != nil {
		return pg.Fault(err)
	}
	left, err := s.q.CountAnchorsBefore(ctx, s.db, epoch)
	if err != nil {
		return pg.Fault(err)
	}
	if left == 0 {
		tell("begin", 0, 1)
		for e := int32(1); e <= epoch+1; e++ {
			if err := s.keys.ensure(ctx, anchorKey(e), seal.KindMAC); err != nil {
				return err
			}
		}
		if _, err := s.q.BeginAnchorEpoch(ctx, s.db, epoch); err != nil {
			return pg.Fault(err)
		}
		if epoch, err = s.q.FindAnchorEpoch(ctx, s.db); err != nil { // whoever began it
			return pg.Fault(err)
		}
	}
	s.keys.anchorEpoch.Store(0)
	count := func() (int, error) {
		n, err := s.q.CountAnchorsBefore(ctx, s.db, epoch)
		return int(n), pg.Fault(err)
	}
	return s.passes(ctx, "advance", count, tell, func(tx *sql.Tx, after ident.HandleID) (ident.HandleID, int, error) {
		rows, err := s.q.ListAnchorsToAdvance(ctx, tx, relmgrdb.ListAnchorsToAdvanceParams{
			Epoch: epoch - 1, FromStart: after.IsZero(), AfterAnchor: ident.UntypedID(after), PageSize: batchOfKeys,
		})
		if err != nil || len(rows) == 0 {
			return after, 0, pg.Fault(err)
		}
		var p relmgrdb.AdvanceAnchorsParams
		for _, r := range rows {
			sum, err := s.keys.keys.MAC(ctx, anchorKey(epoch), r.Value)
			if err != nil {
				return after, 0, fmt.Errorf("relmgr: anchor: %w", err)
			}
			p.AnchorIds, p.AnchorValues = append(p.AnchorIds, r.AnchorID.String()), append(p.AnchorValues, sum[:])
		}
		return ident.HandleID(rows[len(rows)-1].AnchorID), len(rows), pg.Fault(s.q.AdvanceAnchors(ctx, tx, p))
	})
}
