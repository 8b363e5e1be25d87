package registrar

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// Somebody may become a new person for the index, as a child who is adopted or a
// witness who is protected (design section 3). What joins the two entries is one
// sealed record that two keepers made, and it is made before the new entry is: that one
// is entered later, by an act like any other. Nothing else of either entry, in clear
// or sealed, names the other. docs/decisions/0052 says what can still be seen.

const (
	setApart     = "set-apart"
	confirmApart = "confirm-apart"
	openApart    = "open-apart"

	// openWithin is for how long one keeper's wish to open a record waits for the other's.
	openWithin = 24 * time.Hour
)

const (
	// ApartKey wraps the keys of what joins two entries.
	ApartKey seal.KeyID = "duty/registrar/apart"
	// PairsKey is of the tokens by which the search for duplicates leaves a pair out.
	PairsKey seal.KeyID = "duty/registrar/pairs"
)

// joined is what a record holds.
type joined struct {
	Was ident.Subject `json:"was"`
	Is  ident.Subject `json:"is"`
}

// sealedPair is a record, as the act that made it commits to it: by its hash.
type sealedPair struct {
	Register ident.Register `json:"register"`
	Hash     string         `json:"sealed"` // SHA-256, in hexadecimal
}

// confirmedPair is what the second keeper's act made.
type confirmedPair struct {
	Record ident.ActID `json:"record"`
	Pairs  []string    `json:"pairs"` // in hexadecimal
}

// SetApart is the first keeper's half of making somebody a new person: it draws who
// they are to be and seals that with who they were. The receipt's act names the record.
// Errors: Forbidden, NotKnown, Invalid.
func (s *Service) SetApart(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.SetApart")
	at := s.now()
	role, err := s.opens(ctx, caller, id, reason)
	if err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		found, err := s.find(ctx, tx, caller, id, entry)
		if err != nil {
			return err
		}
		a := s.Begin(setApart, caller, role, at)
		text, err := json.Marshal(joined{found.SubjectID, ident.NewSubject()})
		if err != nil {
			return err
		}
		dek := seal.NewDEK()
		wrapped, err := s.keys.Wrap(ctx, ApartKey, a.ID[:], dek)
		if err != nil {
			return err
		}
		sealed, err := seal.Seal(dek, a.ID[:], text)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(sealed)
		a.Deed = deed{SetApart: &sealedPair{id, hex.EncodeToString(sum[:])}, Reason: reason}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		return s.queries.InsertSetApart(ctx, tx, registrardb.InsertSetApartParams{ActID: a.ID, RegisterID: id, Sealed: sealed, Wrapped: wrapped})
	})
	return receipt, err
}

// onRecord runs what a keeper does with a record of the register, in one transaction
// that nobody else's decision on it gets into.
func (s *Service) onRecord(ctx context.Context, caller decide.Caller, id ident.Register, record ident.ActID,
	do func(tx *sql.Tx, role string, at time.Time, r registrardb.LockSetApartRow, pair joined) error,
) error {
	at := s.now()
	role, err := s.mayKeep(caller)
	if err != nil {
		return err
	}
	if _, err := s.served(ctx, s.db, caller, id); err != nil {
		return err
	}
	return pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r, err := s.queries.LockSetApart(ctx, tx, registrardb.LockSetApartParams{ActID: record, RegisterID: id})
		if errors.Is(err, sql.ErrNoRows) {
			err = notThere("record")
		}
		if err != nil {
			return err
		}
		dek, err := s.keys.Unwrap(ctx, ApartKey, record[:], r.Wrapped)
		if err != nil {
			return err
		}
		text, err := seal.Open(dek, record[:], r.Sealed)
		if err != nil {
			return err
		}
		var pair joined
		if err := json.Unmarshal(text, &pair); err != nil {
			return errors.New("a record that opens is not JSON")
		}
		return do(tx, role, at, r, pair)
	})
}

// ConfirmApart is the second keeper's half: from now on nothing puts the two before
// anybody as a pair, and the new entry can be made. Errors: Forbidden to whoever made
// the first, NotKnown, Invalid, Conflict where it is confirmed.
func (s *Service) ConfirmApart(ctx context.Context, caller decide.Caller, id ident.Register, record ident.ActID, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.ConfirmApart")
	if !decide.Has(caller.Terms.Codes.Reasons, reason) {
		return Receipt{}, fault.At("/reason", "name one of the partnership's reasons")
	}
	err = s.onRecord(ctx, caller, id, record, func(tx *sql.Tx, role string, at time.Time, r registrardb.LockSetApartRow, pair joined) error {
		switch {
		case r.ProposedBy == caller.Practitioner:
			return fault.New(fault.Forbidden, "this takes two people: have somebody else who keeps the register confirm it")
		case r.ConfirmedBy != "":
			return fault.New(fault.Conflict, "somebody has confirmed this")
		}
		all, err := s.members(ctx, tx, pair.Was, false)
		if err != nil {
			return err
		}
		pairs := [][]byte{}
		made := confirmedPair{Record: record}
		for _, m := range all {
			p, err := s.pair(ctx, m.subject, pair.Is)
			if err != nil {
				return err
			}
			pairs, made.Pairs = append(pairs, p), append(made.Pairs, hex.EncodeToString(p))
		}
		a := s.Begin(confirmApart, caller, role, at)
		a.Deed = deed{Confirmed: &made, Reason: reason}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		if err := s.queries.ConfirmApart(ctx, tx, registrardb.ConfirmApartParams{SetApartID: record, ActID: a.ID}); err != nil {
			return err
		}
		return s.queries.PutApart(ctx, tx, registrardb.PutApartParams{Pairs: pairs, ActID: ident.UntypedID(a.ID)})
	})
	return receipt, err
}

// RegisterApart enters the new person of a confirmed record, once, by an act like any
// other's: by either of the two. Errors: Register's, and Conflict where it has been.
func (s *Service) RegisterApart(ctx context.Context, caller decide.Caller, id ident.Register, record ident.ActID, items []Item) (made Registered, err error) {
	defer fault.Wrap(&err, "registrar.RegisterApart")
	var c checks
	c.items(items, s.now())
	if err := c.fault(); err != nil {
		return Registered{}, err
	}
	var is ident.Subject
	var role string
	err = s.onRecord(ctx, caller, id, record, func(tx *sql.Tx, as string, _ time.Time, r registrardb.LockSetApartRow, pair joined) error {
		is, role = pair.Is, as
		switch {
		case r.ConfirmedBy == "":
			return fault.New(fault.Conflict, "nobody has confirmed this: have somebody else who keeps the register do so first")
		case caller.Practitioner != r.ProposedBy && string(caller.Practitioner) != r.ConfirmedBy:
			return fault.New(fault.Forbidden, "this is for the two who made the record")
		}
		done, err := s.queries.IsSubject(ctx, tx, is)
		if err == nil && done {
			err = fault.New(fault.Conflict, "the new entry has been made")
		}
		return err
	})
	if err != nil {
		return Registered{}, err
	}
	return s.enter(ctx, caller, role, s.now(), id, is, items)
}

// Opened is what two keepers are told of a record.
type Opened struct {
	Was, Is Entry // empty until both have asked; Is also until the new entry is made
	Receipt
}

// OpenApart tells a keeper what a record joins, when another has asked for it within
// a day: the first who asks is told nothing. Each asking is an act. Errors: Forbidden,
// NotKnown, Invalid.
func (s *Service) OpenApart(ctx context.Context, caller decide.Caller, id ident.Register, record ident.ActID, reason string) (o Opened, err error) {
	defer fault.Wrap(&err, "registrar.OpenApart")
	if !decide.Has(caller.Terms.Codes.Reasons, reason) {
		return Opened{}, fault.At("/reason", "name one of the partnership's reasons")
	}
	err = s.onRecord(ctx, caller, id, record, func(tx *sql.Tx, role string, at time.Time, _ registrardb.LockSetApartRow, pair joined) error {
		o = Opened{}
		other, err := s.queries.AskedToOpen(ctx, tx, registrardb.AskedToOpenParams{
			SetApartID: record, Practitioner: string(caller.Practitioner), Since: at.Add(-openWithin),
		})
		if err != nil {
			return err
		}
		a := s.Begin(openApart, caller, role, at)
		a.Deed = deed{Opens: record, Reason: reason}
		if o.Receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		if err := s.queries.OpenApart(ctx, tx, registrardb.OpenApartParams{ActID: a.ID, SetApartID: record}); err != nil || !other {
			return err
		}
		if o.Was, err = s.entry(ctx, pair.Was, caller.Agency); err != nil {
			return err
		}
		done, err := s.queries.IsSubject(ctx, tx, pair.Is)
		if err != nil || !done {
			return err
		}
		o.Is, err = s.entry(ctx, pair.Is, caller.Agency)
		return err
	})
	return o, err
}

// pair is the token of two entries, in whichever order.
func (s *Service) pair(ctx context.Context, a, b ident.Subject) ([]byte, error) {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	mac, err := s.keys.MAC(ctx, PairsKey, slices.Concat([]byte("fame/pair/1\x00"), a[:], b[:]))
	return mac[:], err
}

// kin are those who may be the same person as each of some entries; nobody in a hub
// where no entries are kept apart.
func (s *Service) kin(ctx context.Context, db registrardb.DBTX, entries ...ident.Subject) (map[ident.Subject][]ident.Subject, error) {
	of := map[ident.Subject][]ident.Subject{}
	asked := make([]ident.UntypedID, len(entries))
	for n, e := range entries {
		asked[n] = ident.UntypedID(e)
	}
	rows, err := s.queries.ListKin(ctx, db, asked)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		for _, k := range r.Kin {
			subject := ident.Subject(r.SubjectID)
			of[subject] = append(of[subject], ident.Subject(k))
		}
	}
	return of, nil
}

// apart reports whether somebody of the one and somebody of the other are kept apart.
func (s *Service) apart(ctx context.Context, db registrardb.DBTX, of, others []ident.Subject) (bool, error) {
	var pairs [][]byte
	for _, a := range of {
		for _, b := range others {
			p, err := s.pair(ctx, a, b)
			if err != nil {
				return false, err
			}
			pairs = append(pairs, p)
		}
	}
	if len(pairs) == 0 {
		return false, nil
	}
	is, err := s.queries.AreApart(ctx, db, pairs)
	return is, pg.Fault(err)
}

// areApart reports whether two entries, or who may be the same as either, are.
func (s *Service) areApart(ctx context.Context, db registrardb.DBTX, a, b ident.Subject) (bool, error) {
	kin, err := s.kin(ctx, db, a, b)
	if err != nil {
		return false, err
	}
	return s.apart(ctx, db, kin[a], kin[b])
}

// likely is somebody who may be the same person as the one that is searched for.
type likely struct {
	subject     ident.Subject
	probability float64
}

// presentable are those of them who may be put before a person beside subject: none
// where one of them is apart from it, and no two who are apart from each other, for
// whoever saw both beside one would join them.
func (s *Service) presentable(ctx context.Context, db registrardb.DBTX, subject ident.Subject, found []likely) ([]likely, error) {
	entries := []ident.Subject{subject}
	for _, f := range found {
		entries = append(entries, f.subject)
	}
	kin, err := s.kin(ctx, db, entries...)
	if err != nil || len(kin) == 0 {
		return found, err
	}
	left := map[ident.Subject]bool{}
	for n, a := range entries {
		for _, b := range entries[n+1:] {
			is, err := s.apart(ctx, db, kin[a], kin[b])
			if err != nil {
				return nil, err
			}
			if is {
				left[a], left[b] = true, true
			}
		}
	}
	if left[subject] { // what is like it may be like the other half too
		return nil, nil
	}
	return slices.DeleteFunc(found, func(f likely) bool { return left[f.subject] }), nil
}
