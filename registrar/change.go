package registrar

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// ChangeKind says what happened to what is known of a person; it is the kind of the
// act (REG-21).
type ChangeKind string

// The kinds.
const (
	Correct    ChangeKind = "correct"     // items are added, replaced or taken out
	Verify     ChangeKind = "verify"      // the items superseded were seen again to be so
	ChangeName ChangeKind = "change-name" // the names superseded are former ones from now on
	Born       ChangeKind = "birth"       // of one who was unborn
	Died       ChangeKind = "death"
)

// Change is one change of an entry.
type Change struct {
	Kind       ChangeKind
	Reason     string
	Items      []Item
	Supersedes []ident.ItemID
}

// what checks the items that the kind of change needs, as far as they say.
func (c *checks) what(kind ChangeKind, items []Item, supersedes int) {
	only := func(allowed ...string) bool {
		return !slices.ContainsFunc(items, func(i Item) bool { return !slices.Contains(allowed, i.kind()) })
	}
	has := func(kind string) bool {
		return slices.ContainsFunc(items, func(i Item) bool { return i.kind() == kind })
	}
	switch kind {
	case Correct:
		c.that(len(items)+supersedes > 0, "say what is added or taken out", "/items")
		c.that(!has("death"), "record a death as one: change death", "/items")
	case Verify:
		c.that(len(items) == 0, "leave this out: the items superseded are kept as they are", "/items")
		c.that(supersedes > 0, "name the items that were seen to be so", "/supersedes")
	case ChangeName:
		c.that(len(items) > 0 && only("name"), "give the new names, and nothing else", "/items")
	case Born:
		c.that(has("birth") && !has("unborn") && !has("death"), "give the date of birth, and what else is known now", "/items")
	case Died:
		c.that(len(items) == 1 && has("death"), "give the death, and nothing else", "/items")
		c.that(supersedes == 0, "leave this out: what is known of the dead stays", "/supersedes")
	default:
		c.that(false, "name a kind of change", "/change")
	}
}

// Change records what happened to an entry, as one act. Two changes of one entry
// follow one another. Errors: Forbidden for all who do not keep the register,
// NotKnown, Invalid, Conflict where the entry or an identifier says otherwise.
func (s *Service) Change(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, change Change) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.Change")
	at := s.now()
	role, err := s.opens(ctx, caller, id, change.Reason, func(c *checks) {
		c.items(change.Items, at)
		c.what(change.Kind, change.Items, len(change.Supersedes))
	})
	if err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		found, err := s.queries.LockEntry(ctx, tx, registrardb.LockEntryParams{Entry: string(entry), AgencyID: caller.Agency, RegisterID: id})
		if errors.Is(err, sql.ErrNoRows) {
			err = notThere("entry")
		}
		if err != nil {
			return err
		}
		dek, err := s.keys.Unwrap(ctx, seal.KeyID(found.WrappedBy), found.SubjectID[:], found.Wrapped)
		if err != nil {
			return err
		}
		all, err := s.members(ctx, tx, found.SubjectID, true)
		if err != nil {
			return err
		}
		known, err := s.known(ctx, tx, all)
		if err != nil {
			return err
		}
		gone, items, err := change.applied(known, at)
		if err != nil {
			return err
		}
		sealed, err := sealItems(dek, found.SubjectID, items)
		if err != nil {
			return err
		}
		a := s.Begin(string(change.Kind), caller, role, at)
		a.Deed = deed{Items: sealed, Supersedes: gone, Reason: change.Reason}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		return s.replace(ctx, tx, a.ID, id, found.SubjectID, dek, known, gone, items, sealed)
	})
	return receipt, err
}

// replace has items take the place of those that are gone, in one act.
func (s *Service) replace(ctx context.Context, tx *sql.Tx, act ident.ActID, id ident.Register, subject ident.Subject, dek seal.DEK,
	known []Kept, gone []ident.ItemID, items []Item, sealed []sealedItem,
) error {
	for _, g := range gone {
		if err := s.queries.Supersede(ctx, tx, registrardb.SupersedeParams{ItemID: g, ActID: act}); err != nil {
			return err
		}
		if err := s.queries.ReleaseIdentifier(ctx, tx, g); err != nil {
			return err
		}
	}
	if err := s.insertItems(ctx, tx, act, sealed); err != nil {
		return err
	}
	if err := s.claim(ctx, tx, id, items, sealed); err != nil {
		return err
	}
	now := slices.Clone(items)
	for _, k := range known {
		if !slices.Contains(gone, k.ID) {
			now = append(now, k.Item)
		}
	}
	return s.project(ctx, tx, id, subject, dek, now)
}

// applied is which items go and which come, given what is known.
func (c *Change) applied(known []Kept, at time.Time) (gone []ident.ItemID, items []Item, err error) {
	items = slices.Clone(c.Items)
	gone = slices.Clone(c.Supersedes)
	left := len(known) + len(items)
	for n, id := range c.Supersedes {
		k := slices.IndexFunc(known, func(k Kept) bool { return k.ID == id })
		if k < 0 {
			return nil, nil, fault.At("/supersedes/"+strconv.Itoa(n), "name an item that the entry has now")
		}
		item := known[k].Item
		switch left--; c.Kind {
		case Verify:
			item.VerifiedAt = &at
			items = append(items, item)
		case ChangeName:
			if item.Name == nil {
				return nil, nil, fault.At("/supersedes/"+strconv.Itoa(n), "name a name that the entry has now")
			}
			former := *item.Name
			if former.Use = "former"; former.Until == "" && len(c.Items) > 0 {
				former.Until = c.Items[0].Name.From
			}
			if item.Name = &former; former.Until < former.From {
				former.Until = ""
			}
			items = append(items, item)
		}
	}
	is := func(kind string) int { return slices.IndexFunc(known, func(k Kept) bool { return k.Kind == kind }) }
	switch {
	case c.Kind == Born && is("unborn") < 0:
		return nil, nil, fault.New(fault.Conflict, "the entry is of somebody who is born: correct the date of birth instead")
	case c.Kind == Born && !slices.Contains(gone, known[is("unborn")].ID):
		gone = append(gone, known[is("unborn")].ID)
	case c.Kind == Died && is("death") >= 0:
		return nil, nil, fault.New(fault.Conflict, "the entry is of somebody who has died: correct that item instead")
	case c.Kind == Correct && left == 0:
		return nil, nil, fault.At("/supersedes", "leave something by which the person is known")
	case len(known)-len(gone)+len(items) > mostItems:
		return nil, nil, fault.New(fault.Conflict, "an entry holds %d items: supersede what is out of date", mostItems)
	}
	return gone, items, nil
}

// mostItems bounds an entry.
const mostItems = 100
