package registrar

import (
	"context"
	"database/sql"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
)

// Entry is what one agency calls an entry of a register (REG-25).
type Entry string

// Registered names a new entry, as the caller's agency knows it, and its act.
type Registered struct {
	Entry Entry
	Receipt
}

// Subject is what a register holds of a person.
type Subject struct {
	Entry        Entry
	Register     ident.Register
	RegisteredAt time.Time
	Items        []Kept
	Checks       []Check
	// Confidence is how far the entry can be relied on, NextReview when that is to be
	// looked at again: zero for one who has died (REG-21).
	Confidence     match.Confidence
	NextReview     time.Time
	SelfRegistered bool
	// Flagged: something rested on a check that was wrong, and is to be verified
	// again (REG-17).
	Flagged bool
}

// sealedItem names an item by what is sealed of it, which tells nothing once the
// person's key is gone.
type sealedItem struct {
	Item    ident.ItemID  `json:"item"`
	Subject ident.Subject `json:"subject"`
	Kind    string        `json:"kind"`
	Hash    string        `json:"sealed"` // SHA-256, in hexadecimal
	body    []byte
}

// Register enters a person. Nobody has to qualify: one datum is enough (REG-11,
// REG-12). Errors: Forbidden for all who do not keep the register, NotKnown, Invalid,
// Conflict where another entry has one of the identifiers.
func (s *Service) Register(ctx context.Context, caller decide.Caller, id ident.Register, items []Item) (made Registered, err error) {
	defer fault.Wrap(&err, "registrar.Register")
	at := s.now()
	role, err := s.mayKeep(caller)
	if err != nil {
		return Registered{}, err
	}
	var c checks
	c.items(items, at)
	if err := c.fault(); err != nil {
		return Registered{}, err
	}
	if _, err = s.served(ctx, s.db, caller, id); err != nil {
		return Registered{}, err
	}
	return s.enter(ctx, caller, role, at, id, ident.NewSubject(), items)
}

// enter makes the entry of a person, whose items have been checked.
func (s *Service) enter(ctx context.Context, caller decide.Caller, role string, at time.Time, id ident.Register, subject ident.Subject, items []Item) (made Registered, err error) {
	dek := seal.NewDEK()
	sealed, err := sealItems(dek, subject, items)
	if err != nil {
		return Registered{}, err
	}
	entry, err := s.entry(ctx, subject, caller.Agency)
	if err != nil {
		return Registered{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a := s.Begin(register, caller, role, at)
		a.Deed = deed{Entered: []entered{{id, subject}}, Named: []named{{subject, caller.Agency, entry}}, Items: sealed}
		receipt, err := s.Append(ctx, tx, &a)
		if err != nil {
			return err
		}
		made = Registered{Entry: entry, Receipt: receipt}
		by, _, err := s.subjectsKey(ctx)
		if err != nil {
			return err
		}
		wrapped, err := s.keys.Wrap(ctx, by, subject[:], dek)
		if err != nil {
			return err
		}
		if err := s.queries.InsertSubject(ctx, tx, registrardb.InsertSubjectParams{
			SubjectID: ident.UntypedID(subject), RegisterID: string(id), ActID: ident.UntypedID(a.ID), Wrapped: wrapped, WrappedBy: string(by),
		}); err != nil {
			return err
		}
		if err := s.insertItems(ctx, tx, a.ID, sealed); err != nil {
			return err
		}
		if err := s.claim(ctx, tx, id, items, sealed); err != nil {
			return err
		}
		if err := s.project(ctx, tx, id, subject, dek, items); err != nil {
			return err
		}
		_, err = s.queries.InsertEntry(ctx, tx, registrardb.InsertEntryParams{
			Entry: string(entry), SubjectID: subject, AgencyID: caller.Agency, ActID: a.ID,
		})
		return err
	})
	return made, err
}

// Look shows what the register holds of a person to one who keeps it, and records
// that it did before it answers. Errors: Forbidden, NotKnown, Invalid.
func (s *Service) Look(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, reason string) (p Subject, err error) {
	defer fault.Wrap(&err, "registrar.Look")
	at := s.now()
	role, err := s.mayKeep(caller)
	if err != nil {
		return Subject{}, err
	}
	if !decide.Has(caller.Terms.Codes.Reasons, reason) {
		return Subject{}, fault.At("/reason", "name one of the partnership's reasons")
	}
	r, err := s.served(ctx, s.db, caller, id)
	if err != nil {
		return Subject{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		found, err := s.find(ctx, tx, caller, id, entry)
		if err != nil {
			return err
		}
		all, err := s.members(ctx, tx, found.SubjectID, false)
		if err != nil {
			return err
		}
		p = Subject{Entry: entry, Register: id, RegisteredAt: found.RegisteredAt.UTC(), SelfRegistered: r.SelfRegistered}
		if p.Items, err = s.known(ctx, tx, all); err != nil {
			return err
		}
		if p.Checks, err = s.checksOf(ctx, tx, all); err != nil {
			return err
		}
		p.Confidence, p.NextReview, p.Flagged = standing(p.Items, p.Checks, r.SelfRegistered, at)
		a := s.Begin(look, caller, role, at)
		a.Deed = deed{Looked: &looked{id, found.SubjectID, reason}}
		_, err = s.Append(ctx, tx, &a)
		return err
	})
	return p, err
}

// find is the entry that the caller's agency calls so, or NotKnown.
func (s *Service) find(ctx context.Context, db registrardb.DBTX, caller decide.Caller, id ident.Register, entry Entry) (registrardb.FindEntryRow, error) {
	found, err := s.queries.FindEntry(ctx, db, registrardb.FindEntryParams{Entry: string(entry), AgencyID: caller.Agency, RegisterID: id})
	if errors.Is(err, sql.ErrNoRows) {
		err = notThere("entry")
	}
	return found, err
}

// entry is what an agency calls a subject: 128 bits of an HMAC, so that two agencies'
// references for one person have nothing in common.
func (s *Service) entry(ctx context.Context, subject ident.Subject, agency ident.Agency) (Entry, error) {
	mac, err := s.keys.MAC(ctx, EntriesKey, append([]byte("fame/entry/1\x00"+subject.String()+"\x00"), agency...))
	if err != nil {
		return "", err
	}
	return Entry(strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac[:16]))), nil
}
