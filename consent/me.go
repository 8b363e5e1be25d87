package consent

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// A person who has signed in says themself what a practitioner would record for them:
// as easily, and at once (PUB-12). The proof of their handles is all the authority there
// is; the evidence is the act itself.

// thePerson acts where the person does, without a practitioner or an agency.
const thePerson = "the-person"

// ByThePerson reports whether an act is the person's own, and not recorded for them.
func ByThePerson(who ident.Practitioner) bool { return who == thePerson }

// Mine is all that a person has said, over or not.
type Mine struct {
	Consents   []consentdb.ListMyConsentsRow
	Exclusions []consentdb.ListMyExclusionsRow
	Blocks     []consentdb.ListMyBlocksRow
	Erased     []consentdb.ListMyErasedRow // whoever acts for the person is shown none
}

// ListMine shows a person what they have said about their handles, and what was recorded
// of it for them. Somebody else's part in a consent is held until a person of its agency
// has looked (Review). Whoever acts for the person is shown no consent that the person
// gave themself, or could have (SUB-12).
func (s *Service) ListMine(ctx context.Context, who decide.Subject) (m Mine, err error) {
	defer fault.Wrap(&err, "consent.ListMine")
	handles := handlesOf(who)
	byOthers := who.Authority != ""
	if m.Consents, err = s.queries.ListMyConsents(ctx, s.db, consentdb.ListMyConsentsParams{Handles: handles, ByOthers: byOthers}); err != nil {
		return m, pg.Fault(err)
	}
	if m.Exclusions, err = s.queries.ListMyExclusions(ctx, s.db, handles); err != nil {
		return m, pg.Fault(err)
	}
	if m.Blocks, err = s.queries.ListMyBlocks(ctx, s.db, handles); err != nil || byOthers {
		return m, pg.Fault(err)
	}
	m.Erased, err = s.queries.ListMyErased(ctx, s.db, handles)
	return m, pg.Fault(err)
}

func handlesOf(who decide.Subject) []string {
	out := make([]string, len(who.Handles))
	for i, h := range who.Handles {
		out[i] = h.Handle.String()
	}
	return out
}

// asPerson starts the record of what a person does now about a handle of theirs, with
// its column; a handle that is not theirs is NotKnown.
func asPerson(kind string, who decide.Subject, handle ident.HandleID, at time.Time) (record, *decide.Column, error) {
	c := who.Terms.FindColumn(who.Column(handle), at)
	if c == nil {
		return record{}, nil, fault.New(fault.NotKnown, "no handle of yours has that id: list them with GET /relmgr/v1/me/relationships")
	}
	return record{
		Act: ident.NewAct(), Kind: kind, At: at, Practitioner: thePerson, Agency: thePerson, Role: thePerson, TermsVersion: who.Terms.Version,
		Handle: handle, Held: c.Agency, Evidence: Electronic,
	}, c, nil
}

// Give records the person's own consent for a handle of theirs, in force from now on.
func (s *Service) Give(ctx context.Context, who decide.Subject, handle ident.HandleID, req Request) (captured Captured, err error) {
	defer fault.Wrap(&err, "consent.Give")
	at := s.now()
	r, column, err := asPerson(capture, who, handle, at)
	if err != nil {
		return captured, err
	}
	req.Evidence = Electronic
	if err := req.check(who.Terms, at); err != nil {
		return captured, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		captured, err = s.capture(ctx, tx, &r, column.ID, &req, who.Terms)
		return err
	})
	return captured, err
}

// Hide records that the person hides a relationship, after they were told the likely
// effect.
func (s *Service) Hide(ctx context.Context, who decide.Subject, handle ident.HandleID, reach Reach, warning string) (made BlockReceipt, err error) {
	defer fault.Wrap(&err, "consent.Hide")
	r, _, err := asPerson(block, who, handle, s.now())
	if err != nil {
		return made, err
	}
	var c checks
	c.that(reach == Blocked || reach == CreatorOnly, "/reach", "write block or creator-only")
	c.that(isCode(warning), "/warning", "name the words that you were shown, as a code")
	if err := c.fault(); err != nil {
		return made, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r.Block, r.Reach, r.Warning = ident.NewBlock(), reach, warning
		made, err = s.block(ctx, tx, &r)
		return err
	})
	return made, err
}

// LeaveOut records that the person wants an agency left out.
func (s *Service) LeaveOut(ctx context.Context, who decide.Subject, handle ident.HandleID, agency ident.Agency) (excluded Excluded, err error) {
	defer fault.Wrap(&err, "consent.LeaveOut")
	at := s.now()
	r, column, err := asPerson(exclude, who, handle, at)
	if err != nil {
		return excluded, err
	}
	var c checks
	c.that(agency != column.Agency && who.Terms.FindAgency(agency, at) != nil, "/agency", "name a member agency that is not the column's own: to hide from all others, block")
	if err := c.fault(); err != nil {
		return excluded, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r.Exclusion, r.Excluded = ident.NewExclusion(), agency
		excluded, err = s.leaveOut(ctx, tx, &r)
		return err
	})
	return excluded, err
}

// TakeBack ends a consent of the person's, Show a block and LetIn an exclusion, at once,
// whoever recorded it. The second time and two at once get the first one's receipt; what
// is not theirs is NotKnown.
func (s *Service) TakeBack(ctx context.Context, who decide.Subject, id ident.ConsentID) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "consent.TakeBack")
	return s.finish(ctx, s.ended(withdraw, who), s.withdrawal(id, unknownToMe("consent"), func(tx *sql.Tx, r *record) error {
		row, err := s.queries.FindMyConsent(ctx, tx, consentdb.FindMyConsentParams{ConsentID: id, Handles: handlesOf(who), ByOthers: who.Authority != ""})
		r.Handle, r.Held, r.Consent = row.HandleID, row.AgencyID, id
		return err
	}))
}

// Show ends a block, as TakeBack a consent.
func (s *Service) Show(ctx context.Context, who decide.Subject, id ident.BlockID) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "consent.Show")
	return s.finish(ctx, s.ended(unblock, who), s.unblocking(id, unknownToMe("block"), func(tx *sql.Tx, r *record) error {
		row, err := s.queries.FindMyBlock(ctx, tx, consentdb.FindMyBlockParams{BlockID: id, Handles: handlesOf(who)})
		r.Handle, r.Held, r.Block, r.Reach, r.Warning = row.HandleID, row.AgencyID, id, Reach(row.Reach), row.Warning
		return err
	}))
}

// LetIn ends an exclusion, as TakeBack a consent.
func (s *Service) LetIn(ctx context.Context, who decide.Subject, id ident.ExclusionID) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "consent.LetIn")
	return s.finish(ctx, s.ended(include, who), s.inclusion(id, unknownToMe("exclusion"), func(tx *sql.Tx, r *record) error {
		row, err := s.queries.FindMyExclusion(ctx, tx, consentdb.FindMyExclusionParams{ExclusionID: id, Handles: handlesOf(who)})
		r.Handle, r.Held, r.Exclusion, r.Excluded = row.HandleID, row.AgencyID, id, row.Excluded
		return err
	}))
}

// ended starts the record of what a person ends now.
func (s *Service) ended(kind string, who decide.Subject) record {
	return record{
		Act: ident.NewAct(), Kind: kind, At: s.now(), Practitioner: thePerson, Agency: thePerson, Role: thePerson, TermsVersion: who.Terms.Version, Evidence: Electronic,
	}
}

func unknownToMe(what string) error {
	return fault.New(fault.NotKnown, "no %s of yours has this id: list them with GET /consent/v1/me/consents", what)
}
