package registrar

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// Keys rotate while registers are used (docs/decisions/0026). What happens here is
// upkeep, done by whoever runs the registrar with its key file: it changes under which
// key something stands, and nothing of what anybody decided. Each step is one
// transaction, so whoever is killed in any of them, or meets another at the same, is
// carried on by whoever comes next.
//
// Tokens. An epoch begins: from the commit on every writer stores the tokens of the old
// epoch and of the new one. People of before are filled. When none is left, look-ups
// change over and writers store the new epoch's alone; the old ones are taken out, and
// their key is retired. Each look-up is told the epoch in the same statement, and asks
// again where it was another. Whoever stores somebody holds a lock, shared, so that no
// epoch changes before the commit; what a writer who has not heard tries to store is
// refused by a trigger.

// epochs are those of the key of tokens: the one that is looked up, and the newest that
// is written, which is that one or the next.
type epochs struct{ reading, writing int }

func (s *Service) epochs(ctx context.Context, db registrardb.DBTX) (epochs, error) {
	e, err := s.queries.FindTokenEpochs(ctx, db, s.registrar)
	return epochs{int(e.Reading), int(e.Writing)}, pg.Fault(err)
}

// hold has the epochs stay as they are until the transaction ends, and returns them:
// whoever is to store something by them reads them so.
func (s *Service) hold(ctx context.Context, tx *sql.Tx) (epochs, error) {
	if err := s.queries.HoldEpochs(ctx, tx); err != nil {
		return epochs{}, err
	}
	return s.epochs(ctx, tx)
}

// tokensKeyOf is the key of the tokens of an epoch.
func tokensKeyOf(epoch int) seal.KeyID {
	return seal.KeyID("duty/registrar/tokens/" + strconv.Itoa(epoch))
}

// mac is an HMAC under the key of an epoch's tokens. Whoever stands in with a copy of
// the keys from before the epoch cannot make it: Unavailable.
func (s *Service) mac(ctx context.Context, epoch int, text string) (mac [32]byte, err error) {
	mac, err = s.keys.MAC(ctx, tokensKeyOf(epoch), []byte(text))
	if errors.Is(err, seal.ErrNoKey) {
		err = fault.New(fault.Unavailable, "the keys of this registrar have been replaced since this copy of them was made: have the copy made anew").Because(err)
	}
	return mac, err
}

// lasting is the HMAC of what is found again however often the key of tokens is
// replaced. Where a release that had no key for it made one by the first key of tokens,
// and that one stands, it is that one, for as long as the key is there.
func (s *Service) lasting(ctx context.Context, text string, stands func(mac []byte) (bool, error)) ([]byte, error) {
	before, err := s.keys.MAC(ctx, TokensKey, []byte(text))
	if err == nil {
		if is, err := stands(before[:]); err != nil || is {
			return before[:], pg.Fault(err)
		}
	} else if !errors.Is(err, seal.ErrNoKey) {
		return nil, err
	}
	mac, err := s.keys.MAC(ctx, LastingKey, []byte(text))
	return mac[:], err
}

// Progress is told how far a rotation is.
type Progress func(step string, done, of int)

// rotatePage is how many people one transaction of a rotation changes: they are locked
// while it runs.
const rotatePage = 256

// RotateTokens brings the tokens by which people are found to their next key, or carries
// on what was begun, while the registers are used. The old key is retired.
func (s *Service) RotateTokens(ctx context.Context, tell Progress) (err error) {
	defer fault.Wrap(&err, "registrar.RotateTokens")
	e, err := s.epochs(ctx, s.db)
	if err != nil {
		return err
	}
	target := e.writing
	if gone, err := s.retired(ctx, tokensKeyOf(e.reading-1)); err != nil {
		return err
	} else if e.reading == e.writing && (e.reading == 1 || gone) {
		target++
	}
	for {
		if e, err = s.epochs(ctx, s.db); err != nil {
			return err
		}
		switch {
		case e.writing < target:
			tell("begin", 0, 1)
			if _, _, err = s.keys.Ensure(ctx, tokensKeyOf(e.reading+1), seal.KindMAC); err == nil {
				err = s.changeEpochs(ctx, func(tx *sql.Tx) error {
					return s.queries.BeginTokenEpoch(ctx, tx, registrardb.BeginTokenEpochParams{Registrar: s.registrar, Reading: int32(e.reading)})
				})
			}
		case e.reading < target:
			if err = s.eachLeft(ctx, "fill", true, target, tell, s.fillPeople, s.fillIdentifiers); err == nil {
				err = s.changeEpochs(ctx, func(tx *sql.Tx) error {
					return s.queries.SwitchTokenEpoch(ctx, tx, registrardb.SwitchTokenEpochParams{Registrar: s.registrar, Reading: int32(e.reading)})
				})
			}
		default:
			if err := s.eachLeft(ctx, "empty", false, target, tell, s.emptyPeople, s.emptyIdentifiers); err != nil {
				return err
			}
			return s.retire(ctx, tokensKeyOf(target-1), nil)
		}
		if err != nil {
			return err
		}
	}
}

// changeEpochs changes what is in use while nobody is storing anybody: those who did
// have committed, and those who will see the change.
func (s *Service) changeEpochs(ctx context.Context, change func(*sql.Tx) error) error {
	return pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if err := s.queries.WaitBriefly(ctx, tx); err != nil {
			return err
		}
		if err := s.queries.LockEpochs(ctx, tx); pg.Busy(err) {
			return pg.ErrRetry
		} else if err != nil {
			return err
		}
		return change(tx)
	})
}

// page brings some to an epoch, those after an id, and says which was the last; the
// zero id says that there was none.
type page func(ctx context.Context, tx *sql.Tx, epoch int, after ident.UntypedID) (last ident.UntypedID, n int, err error)

// eachLeft runs pages until nothing is left.
func (s *Service) eachLeft(ctx context.Context, step string, filling bool, epoch int, tell Progress, pages ...page) error {
	left := func() (int, error) {
		n, err := s.queries.CountTokensLeft(ctx, s.db, registrardb.CountTokensLeftParams{Registrar: s.registrar, Filling: filling, Epoch: int32(epoch)})
		return int(n), pg.Fault(err)
	}
	batches := make([]pg.Batch[ident.UntypedID], len(pages))
	for n, page := range pages {
		batches[n] = func(tx *sql.Tx, after ident.UntypedID) (ident.UntypedID, int, error) {
			return page(ctx, tx, epoch, after)
		}
	}
	return pg.Passes(ctx, s.db, left, func(done, of int) { tell(step, done, of) }, batches...)
}

// tokensLeft are the tokens of an epoch of some people who are to be filled with them,
// or to be rid of them.
func (s *Service) tokensLeft(ctx context.Context, tx *sql.Tx, filling bool, target, of int, after ident.UntypedID) (people []ident.UntypedID, tokens []int64, subjects []string, err error) {
	rows, err := s.queries.ListTokensLeft(ctx, tx, registrardb.ListTokensLeftParams{
		Registrar: s.registrar, Filling: filling, Epoch: int32(target), After: after, Most: rotatePage,
	})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, r := range rows {
		form, err := s.form(ctx, r.SubjectID, r.Sealed, r.Wrapped, r.WrappedBy)
		if err != nil {
			return nil, nil, nil, err
		}
		some, err := s.tokens(ctx, r.RegisterID, form.Keys(), epochs{of, of})
		if err != nil {
			return nil, nil, nil, err
		}
		people, tokens = append(people, ident.UntypedID(r.SubjectID)), append(tokens, some...)
		subjects = append(subjects, slices.Repeat([]string{r.SubjectID.String()}, len(some))...)
	}
	return people, tokens, subjects, nil
}

func (s *Service) fillPeople(ctx context.Context, tx *sql.Tx, epoch int, after ident.UntypedID) (ident.UntypedID, int, error) {
	people, tokens, subjects, err := s.tokensLeft(ctx, tx, true, epoch, epoch, after)
	if err != nil || len(people) == 0 {
		return after, 0, err
	}
	return people[len(people)-1], len(people), s.queries.FillTokens(ctx, tx, registrardb.FillTokensParams{
		Epoch: int32(epoch), Filled: people, Tokens: tokens, Subjects: subjects,
	})
}

func (s *Service) emptyPeople(ctx context.Context, tx *sql.Tx, epoch int, after ident.UntypedID) (ident.UntypedID, int, error) {
	people, tokens, subjects, err := s.tokensLeft(ctx, tx, false, epoch, epoch-1, after)
	if err != nil || len(people) == 0 {
		return after, 0, err
	}
	return people[len(people)-1], len(people), s.queries.EmptyTokens(ctx, tx, registrardb.EmptyTokensParams{
		Epoch: int32(epoch), Emptied: people, Tokens: tokens, Subjects: subjects,
	})
}

func (s *Service) fillIdentifiers(ctx context.Context, tx *sql.Tx, epoch int, after ident.UntypedID) (ident.UntypedID, int, error) {
	rows, err := s.queries.ListIdentifiersToFill(ctx, tx, registrardb.ListIdentifiersToFillParams{
		Registrar: s.registrar, Epoch: int32(epoch), After: after, Most: rotatePage,
	})
	if err != nil || len(rows) == 0 {
		return after, 0, err
	}
	p := registrardb.FillIdentifiersParams{Epoch: int32(epoch)}
	for _, r := range rows {
		dek, err := s.keys.Unwrap(ctx, seal.KeyID(r.WrappedBy), r.SubjectID[:], r.Wrapped)
		if err != nil {
			return after, 0, err
		}
		item, err := openItem(dek, r.ItemID, r.Sealed)
		if err != nil {
			return after, 0, err
		}
		if item.Identifier == nil {
			return after, 0, errors.New("an item that has an identifier's tokens is of another kind")
		}
		token, err := s.identifierToken(ctx, r.RegisterID, item.Identifier, epoch)
		if err != nil {
			return after, 0, err
		}
		p.Items, p.Tokens = append(p.Items, r.ItemID.String()), append(p.Tokens, token)
	}
	return ident.UntypedID(rows[len(rows)-1].ItemID), len(rows), s.queries.FillIdentifiers(ctx, tx, p)
}

func (s *Service) emptyIdentifiers(ctx context.Context, tx *sql.Tx, epoch int, after ident.UntypedID) (last ident.UntypedID, n int, err error) {
	done, err := s.queries.EmptyIdentifiers(ctx, tx, registrardb.EmptyIdentifiersParams{Registrar: s.registrar, Epoch: int32(epoch), After: after, Most: rotatePage})
	for _, id := range done { // in no order
		if last.String() < id.String() {
			last = ident.UntypedID(id)
		}
	}
	return last, len(done), err
}

// retire has nothing made with a key any more, and has it kept as long as backups are.
// It does nothing where unless reports that something of it is left.
func (s *Service) retire(ctx context.Context, id seal.KeyID, unless func(*sql.Tx) (bool, error)) error {
	days, err := s.queries.FindBackupDays(ctx, s.db)
	if err != nil {
		return pg.Fault(err)
	}
	at := s.now()
	return s.changeEpochs(ctx, func(tx *sql.Tx) error {
		if unless != nil {
			if left, err := unless(tx); err != nil || left {
				return err
			}
		}
		return s.queries.RetireKey(ctx, tx, registrardb.RetireKeyParams{
			Registrar: s.registrar, KeyID: string(id), RetiredAt: at, DestroyAfter: at.AddDate(0, 0, int(days)),
		})
	})
}

func (s *Service) retired(ctx context.Context, id seal.KeyID) (bool, error) {
	all, err := s.queries.ListRetired(ctx, s.db, s.registrar)
	return slices.ContainsFunc(all, func(r registrardb.ListRetiredRow) bool { return r.KeyID == string(id) }), pg.Fault(err)
}

// Key is a key of the registrar's that rotates.
type Key struct {
	ID           seal.KeyID
	Retired      bool // nothing is made with it any more
	DestroyAfter time.Time
	Destroyed    bool // the key file no longer has it
}

// Keys lists the registrar's keys that rotate.
func (s *Service) Keys(ctx context.Context) (all []Key, err error) {
	defer fault.Wrap(&err, "registrar.Keys")
	rows, err := s.queries.ListRetired(ctx, s.db, s.registrar)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, of := range []func(int) seal.KeyID{subjectsKeyOf, tokensKeyOf} {
		for epoch := 1; ; epoch++ {
			k := Key{ID: of(epoch)}
			_, err := s.keys.Check(ctx, k.ID)
			k.Destroyed = errors.Is(err, seal.ErrDestroyed)
			if errors.Is(err, seal.ErrNoKey) && !k.Destroyed {
				break
			}
			if err != nil && !k.Destroyed {
				return nil, err
			}
			if n := slices.IndexFunc(rows, func(r registrardb.ListRetiredRow) bool { return r.KeyID == string(k.ID) }); n >= 0 {
				k.Retired, k.DestroyAfter = true, rows[n].DestroyAfter.UTC()
			}
			all = append(all, k)
		}
	}
	return all, nil
}

// DestroyRetired destroys the retired keys whose time has come, and returns them. One
// that is named is destroyed before its time: nothing is found in backups of before by
// it any more. Errors: Invalid for one that is not retired, Conflict for one that
// something still stands under.
func (s *Service) DestroyRetired(ctx context.Context, early ...seal.KeyID) (gone []seal.KeyID, err error) {
	defer fault.Wrap(&err, "registrar.DestroyRetired")
	keys, err := s.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range early {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.ID == id && k.Retired }) {
			return nil, fault.New(fault.Invalid, "%s is no retired key: rotate first, and list them with fame keys list", id)
		}
	}
	for _, k := range keys {
		if !k.Retired || k.Destroyed || s.now().Before(k.DestroyAfter) && !slices.Contains(early, k.ID) {
			continue
		}
		if n, err := s.queries.CountWrapped(ctx, s.db, registrardb.CountWrappedParams{Registrar: s.registrar, WrappedBy: string(k.ID)}); err != nil {
			return gone, pg.Fault(err)
		} else if n > 0 {
			return gone, fault.New(fault.Conflict, "%s still wraps the keys of %d people: fame keys people first", k.ID, n)
		}
		if err := s.keys.Destroy(ctx, k.ID); err != nil {
			return gone, err
		}
		gone = append(gone, k.ID)
	}
	return gone, nil
}
