package governance

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gowebpki/jcs"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// InForce is the partnership document in force. No subject stands in it: each
// practitioner's is Hidden.
type InForce struct {
	Version  int64
	Document partnership.Document
}

// Hidden is what stands for a practitioner's subject in a document that is
// read. Written back, for the same practitioner and issuer, it means the
// subject that is registered, so that a document can be read, edited and
// applied.
func Hidden(who ident.Practitioner) string { return "(hidden: " + string(who) + ")" }

// Read returns the document in force to any registered user. The users who are
// registered by hand are in it for a governance officer only: to others it
// lists none.
func (s *Service) Read(ctx context.Context, c decide.Caller) (_ InForce, err error) {
	defer fault.Wrap(&err, "governance.Read")
	var in InForce
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		current, err := s.current(ctx, tx)
		if err != nil {
			return err
		}
		in = InForce{current.version, current.document}
		if needOfficer(c) != nil {
			return nil
		}
		now := s.now()
		users, err := s.users(ctx, tx, now, everyone)
		if err != nil {
			return err
		}
		in.Document.Practitioners = byHand(users, now)
		for i, p := range in.Document.Practitioners {
			in.Document.Practitioners[i].Subject = Hidden(p.ID)
		}
		return nil
	})
	return in, err
}

// current is the newest version of the terms; its document has no practitioners.
type current struct {
	version  int64
	document partnership.Document
}

func (s *Service) current(ctx context.Context, db governancedb.DBTX) (c current, err error) {
	row, err := s.findTerms(ctx, db)
	if err != nil {
		return current{}, err
	}
	if err := json.Unmarshal(row.Applied, &c.document); err != nil {
		return current{}, fmt.Errorf("governance: version %d of the terms cannot be read: %w", row.Version, err)
	}
	c.version = row.Version
	return c, nil
}

// termsIn is what the duties read, as of this transaction.
func (s *Service) termsIn(ctx context.Context, db governancedb.DBTX) (*decide.Terms, error) {
	row, err := s.findTerms(ctx, db)
	if err != nil {
		return nil, err
	}
	t := new(decide.Terms)
	if err := json.Unmarshal(row.Document, t); err != nil {
		return nil, fmt.Errorf("governance: version %d of the terms cannot be read: %w", row.Version, err)
	}
	return t.Index(), nil
}

func (s *Service) findTerms(ctx context.Context, db governancedb.DBTX) (governancedb.FindTermsRow, error) {
	row, err := s.q.FindTerms(ctx, db)
	if errors.Is(err, sql.ErrNoRows) {
		return row, fault.New(fault.Unavailable, "the hub has no partnership yet: run fame init")
	}
	return row, pg.Fault(err)
}

// keep stores the document as a new version under the act. Its practitioners
// are not stored with it: they stand in the register of users, by hash.
func (s *Service) keep(ctx context.Context, tx *sql.Tx, act Act, doc partnership.Document) error {
	applied, err := stored(doc)
	if err != nil {
		return err
	}
	terms, err := json.Marshal(doc.Terms(act.Version))
	if err != nil {
		return fmt.Errorf("governance: %w", err)
	}
	return s.q.AddTerms(ctx, tx, governancedb.AddTermsParams{
		Version: act.Version, ActID: act.ID, AppliedAt: act.At, Document: terms, Applied: applied,
	})
}

func stored(doc partnership.Document) ([]byte, error) {
	doc.Practitioners = []partnership.Practitioner{}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("governance: %w", err)
	}
	return b, nil
}

// applyContent is what an act that changes the terms keeps sealed: the
// document's hash, and what changed, with no subject in it. Where that is more
// than one record holds, its hash stands for it; both versions are kept whole,
// so that it can be worked out again.
type applyContent struct {
	Document   string       `json:"document"` // SHA-256 of terms.applied in JCS, in hexadecimal
	Changes    []difference `json:"changes,omitempty"`
	ChangesSum string       `json:"changes_sha256,omitempty"`
	Count      int          `json:"count"`
}

type difference struct {
	Change  string `json:"change"`
	Pointer string `json:"pointer"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
}

// mostContent leaves room for the rest of a record within seal.MaxPlaintext.
const mostContent = 60 << 10

func contentOf(doc partnership.Document, changes []partnership.Change) (applyContent, error) {
	applied, err := stored(doc)
	if err != nil {
		return applyContent{}, err
	}
	if applied, err = jcs.Transform(applied); err != nil {
		return applyContent{}, fmt.Errorf("governance: %w", err)
	}
	c := applyContent{Document: hexSum(applied), Changes: make([]difference, len(changes)), Count: len(changes)}
	for i, ch := range changes {
		c.Changes[i] = difference(ch)
	}
	list, err := json.Marshal(c.Changes)
	if err != nil {
		return applyContent{}, fmt.Errorf("governance: %w", err)
	}
	if len(list) <= mostContent {
		return c, nil
	}
	if list, err = jcs.Transform(list); err != nil {
		return applyContent{}, fmt.Errorf("governance: %w", err)
	}
	c.Changes, c.ChangesSum = nil, hexSum(list)
	return c, nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// everyone is no condition.
var everyone = governancedb.ListUsersParams{}

// byHand is the part of the register that a document lists. Each subject is the
// hexadecimal of its hash. A beginning that has passed is as good as none.
func byHand(users []registered, now time.Time) []partnership.Practitioner {
	list := []partnership.Practitioner{}
	for _, u := range users {
		if u.source() == ByHand && !u.ended(now) {
			list = append(list, partnership.Practitioner{
				ID: u.PractitionerID, Agency: u.AgencyID, Issuer: u.Issuer, Subject: hex.EncodeToString(u.SubjectHash),
				Roles: u.Roles, Providers: providers(u.Providers), Starts: toCome(&u.StartsAt, now), Ends: endOf(u.EndsAt),
			})
		}
	}
	return list
}

// asRegistered is the document's practitioners in the form of byHand. Whoever's
// registration has ended is left out: that is what ended means.
func (p plan) asRegistered(list []partnership.Practitioner) []partnership.Practitioner {
	out := []partnership.Practitioner{}
	for _, who := range list {
		want, ok := p.wanted[who.ID]
		if !ok {
			continue
		}
		who.Subject = hex.EncodeToString(want.Hash)
		who.Starts, who.Ends = toCome(who.Starts, p.now), want.Until
		out = append(out, who)
	}
	return out
}

func toCome(t *time.Time, now time.Time) *time.Time {
	if t == nil || !t.After(now) {
		return nil
	}
	return exactly(t)
}
