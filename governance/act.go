package governance

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// The kinds of act.
const (
	kindInitialise = "initialise"
	kindApply      = "apply"
	kindRegister   = "register-practitioner"
	kindEnd        = "end-practitioner"
	kindSignIn     = "sign-in"
	kindSplitView  = "split-view"
)

// Act is what may be shown of an act: who changed what kind of thing, when,
// and the leaf that the ledger keeps.
type Act struct {
	ID           ident.ActID
	Kind         string
	At           time.Time
	Practitioner ident.Practitioner
	Agency       ident.Agency
	Role         string
	Version      int64 // of the terms in force after it
	Commitment   []byte
	// Changes are what the act made of the terms, before and after, where it changed
	// them and they were few enough to be kept in it.
	Changes []partnership.Change
}

// record is what an act commits to and keeps sealed.
type record struct {
	Act          ident.ActID        `json:"act"`
	Kind         string             `json:"kind"`
	At           time.Time          `json:"at"`
	Practitioner ident.Practitioner `json:"practitioner"`
	Agency       ident.Agency       `json:"agency"`
	Role         string             `json:"role"`
	Version      int64              `json:"version"`
	Content      any                `json:"content"`
}

// by is an act of the caller in one of their roles.
func by(c decide.Caller, kind, role string, at time.Time) Act {
	return Act{ID: ident.NewAct(), Kind: kind, At: at, Practitioner: c.Practitioner, Agency: c.Agency, Role: role}
}

// append stores the act with its sealed content and puts its commitment into
// the ledger's inbox, in tx. It returns the act with the commitment.
func (s *Service) append(ctx context.Context, tx *sql.Tx, a Act, content any) (Act, error) {
	l, err := leaf.Of(ctx, s.keys, RecordsKey, a.ID, record{
		Act: a.ID, Kind: a.Kind, At: a.At, Practitioner: a.Practitioner, Agency: a.Agency, Role: a.Role,
		Version: a.Version, Content: content,
	})
	if err != nil {
		return Act{}, err
	}
	a.Commitment = l.Commitment
	return a, s.q.AppendAct(ctx, tx, governancedb.AppendActParams{
		ActID: a.ID, Kind: a.Kind, At: a.At, PractitionerID: a.Practitioner, AgencyID: a.Agency, Role: a.Role,
		TermsVersion: a.Version, Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey,
	})
}

// ActPage is a page of acts. Next is the cursor of the page after it, zero for
// the last.
type ActPage struct {
	Acts []Act
	Next ident.ActID
}

const longestPage = 100

// Acts lists what governance has changed, newest first, to a governance
// officer. The cursor is the Next of the page before, zero for the first page;
// a limit outside 1 to 100 is taken to the nearer end.
func (s *Service) Acts(ctx context.Context, c decide.Caller, cursor ident.ActID, limit int) (_ ActPage, err error) {
	defer fault.Wrap(&err, "governance.Acts")
	if err := needOfficer(c); err != nil {
		return ActPage{}, err
	}
	limit = min(max(limit, 1), longestPage)
	from := governancedb.ListActsParams{AfterAct: ident.UntypedID(cursor), Count: int32(limit + 1)}
	if !cursor.IsZero() {
		at, err := s.q.FindActTime(ctx, s.db, cursor)
		if errors.Is(err, sql.ErrNoRows) {
			return ActPage{}, fault.At("/cursor", "give the next of the page before, or no cursor for the first page")
		}
		if err != nil {
			return ActPage{}, pg.Fault(err)
		}
		from.Before = sql.NullTime{Time: at, Valid: true}
	}
	rows, err := s.q.ListActs(ctx, s.db, from)
	if err != nil {
		return ActPage{}, pg.Fault(err)
	}
	var page ActPage
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = rows[limit-1].ActID
	}
	page.Acts = make([]Act, len(rows))
	for i, r := range rows {
		page.Acts[i] = actOf(r)
		if r.Kind != kindApply || r.Wrapped == nil { // a content whose key is gone says nothing any more
			continue
		}
		var content applyContent
		if err := leaf.Open(ctx, s.keys, RecordsKey, r.ActID, leaf.Leaf{Commitment: r.Commitment, Sealed: r.Sealed, WrappedKey: r.Wrapped}, &record{Content: &content}); err != nil {
			return ActPage{}, err
		}
		for _, d := range content.Changes {
			page.Acts[i].Changes = append(page.Acts[i].Changes, partnership.Change(d))
		}
	}
	return page, nil
}
