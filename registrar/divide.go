package registrar

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// An overlay is one entry of two people (REG-10). It is found where what is known of
// somebody contradicts itself, and divided by the person who decides that it is two
// people's: they say which items are the other's, who gets an entry of their own.
// That the two are not the same is a decision like any other on a duplicate, so they are
// not proposed to each other again, and taking it back and resolving them as one undoes
// the division. What was recognised by the entry before is suspended until then.

// overlayPriority is how pressing an entry is that contradicts itself.
const overlayPriority = 70

// Contradict reports whether the items can hardly be of one person: dates of birth that
// no slip explains, or two of numbers of one scheme, sexes and deaths that differ.
func Contradict(items []Item) bool {
	differ := map[string]int{}
	for n, a := range items {
		for _, b := range items[:n] {
			switch {
			case a.Birth != nil && b.Birth != nil && !oneBirth(a.Birth, b.Birth):
				return true
			case a.Identifier != nil && b.Identifier != nil && a.Identifier.Scheme == b.Identifier.Scheme && a.Identifier.Value != b.Identifier.Value:
				differ["identifier "+a.Identifier.Scheme] = 1
			case a.Sex != "" && b.Sex != "" && a.Sex != b.Sex:
				differ["sex"] = 1
			case a.Death != nil && b.Death != nil && a.Death.Date[:4] != b.Death.Date[:4]:
				differ["death"] = 1
			}
		}
	}
	return len(differ) > 1
}

// oneBirth reports whether two dates of birth may be one person's: what both say agrees,
// but for a slip or two, or parts in another order.
func oneBirth(a, b *Birth) bool {
	const full = len(time.DateOnly)
	if len(a.Date) < full || len(b.Date) < full {
		return within(a, b)
	}
	digits := func(s string) []byte { return []byte(s[:4] + s[5:7] + s[8:]) }
	x, y := digits(a.Date), digits(b.Date)
	differing := 0
	for n := range x {
		if x[n] != y[n] {
			differing++
		}
	}
	slices.Sort(x)
	slices.Sort(y)
	return differing <= 2 || slices.Equal(x, y) || a.Within+b.Within > 0 && within(a, b)
}

// within compares years, as far as they are known.
func within(a, b *Birth) bool {
	x, errX := strconv.Atoi(a.Date[:4])
	y, errY := strconv.Atoi(b.Date[:4])
	return errX != nil || errY != nil || max(x-y, y-x) <= a.Within+b.Within+1
}

// searchWithin puts the person whose surviving entry is root before a keeper if what
// is known of them contradicts itself.
func (s *Service) searchWithin(ctx context.Context, tx *sql.Tx, id ident.Register, root ident.Subject) error {
	all, err := s.members(ctx, tx, root, false)
	if err != nil {
		return err
	}
	known, err := s.known(ctx, tx, all)
	if err != nil {
		return err
	}
	items := make([]Item, len(known))
	for n, k := range known {
		items[n] = k.Item
	}
	if !Contradict(items) {
		return nil
	}
	_, err = s.putTask(ctx, tx, putTask{Kind: Overlay, Register: id, SubjectA: root}, ident.ActID{}, overlayPriority)
	return err
}

// part is what becomes another person's entry.
type part struct {
	subject ident.Subject
	dek     seal.DEK
	by      seal.KeyID
	wrapped []byte
	moved   []Item
	sealed  []sealedItem
	entry   Entry
	root    ident.Subject // of whom it was
}

// divide prepares the entry of the other person, of the items that are theirs, and
// completes the deed by it. At least one item stays.
func (s *Service) divide(ctx context.Context, tx *sql.Tx, caller decide.Caller, id ident.Register, of ident.Subject, theirs []ident.ItemID, d *deed) (*part, error) {
	root, err := s.queries.Root(ctx, tx, ident.UntypedID(of))
	if err != nil {
		return nil, err
	}
	p := &part{subject: ident.NewSubject(), dek: seal.NewDEK(), root: ident.Subject(root)}
	all, err := s.members(ctx, tx, p.root, true)
	if err != nil {
		return nil, err
	}
	known, err := s.known(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	for n, item := range theirs {
		i := slices.IndexFunc(known, func(k Kept) bool { return k.ID == item })
		if i < 0 {
			return nil, fault.At("/items/"+strconv.Itoa(n), "name an item that the entry has now, once")
		}
		p.moved = append(p.moved, known[i].Item)
		known = slices.Delete(known, i, i+1)
	}
	if len(known) == 0 {
		return nil, fault.At("/items", "leave something by which the person is known whose entry it was")
	}
	if p.by, _, err = s.subjectsKey(ctx); err != nil {
		return nil, err
	}
	if p.wrapped, err = s.keys.Wrap(ctx, p.by, p.subject[:], p.dek); err != nil {
		return nil, err
	}
	if p.sealed, err = sealItems(p.dek, p.subject, p.moved); err != nil {
		return nil, err
	}
	if p.entry, err = s.entry(ctx, p.subject, caller.Agency); err != nil {
		return nil, err
	}
	d.Entered, d.Items, d.Supersedes = []entered{{id, p.subject}}, p.sealed, theirs
	d.Named = []named{{p.subject, caller.Agency, p.entry}}
	// Who it was stays shielded, and so does the other: nobody has decided otherwise.
	shielded, err := s.queries.IsShielded(ctx, tx, ident.UntypedID(p.root))
	if err == nil && shielded {
		d.Shields = []ident.Subject{p.subject}
	}
	return p, err
}

// enterPart makes the entry, in the act that decides that it is another person's, and
// says by a second act that the two are not the same.
func (s *Service) enterPart(ctx context.Context, tx *sql.Tx, caller decide.Caller, role string, at time.Time, id ident.Register, p *part, made Receipt, d *deed) error {
	if err := s.queries.InsertSubject(ctx, tx, registrardb.InsertSubjectParams{
		SubjectID: ident.UntypedID(p.subject), RegisterID: string(id), ActID: ident.UntypedID(made.Act), Wrapped: p.wrapped, WrappedBy: string(p.by),
	}); err != nil {
		return err
	}
	if _, err := s.queries.InsertEntry(ctx, tx, registrardb.InsertEntryParams{
		Entry: string(p.entry), SubjectID: p.subject, AgencyID: caller.Agency, ActID: made.Act,
	}); err != nil {
		return err
	}
	if len(d.Shields) > 0 {
		if err := s.queries.InsertShield(ctx, tx, registrardb.InsertShieldParams{ActID: made.Act, SubjectID: p.subject}); err != nil {
			return err
		}
	}
	if err := s.replace(ctx, tx, made.Act, id, p.subject, p.dek, nil, d.Supersedes, p.moved, p.sealed); err != nil {
		return err
	}
	if err := s.reproject(ctx, tx, id, p.root); err != nil {
		return err
	}
	pair := putTask{Task: ident.NewTask(), Kind: Duplicate, Register: id, SubjectA: p.root, SubjectB: p.subject}.ordered()
	a := s.Begin(resolve, caller, role, at)
	a.Deed = deed{Reported: &pair, Resolved: &resolved{Task: pair.Task, Outcome: "not-the-same-person"}, Reason: d.Reason}
	if _, err := s.Append(ctx, tx, &a); err != nil {
		return err
	}
	if _, err := s.putTask(ctx, tx, pair, a.ID, 100); err != nil {
		return err
	}
	return s.queries.InsertResolution(ctx, tx, registrardb.InsertResolutionParams{ActID: a.ID, TaskID: pair.Task, Outcome: "not-the-same-person"})
}

// undivided refuses to take back that an entry was two people's while they have one
// each.
func (s *Service) undivided(ctx context.Context, tx *sql.Tx, decided ident.ActID, of ident.Subject) error {
	parts, err := s.queries.ListEnteredBy(ctx, tx, decided)
	if err != nil || len(parts) == 0 {
		return err
	}
	root, err := s.queries.Root(ctx, tx, ident.UntypedID(of))
	if err != nil {
		return err
	}
	other, err := s.queries.Root(ctx, tx, ident.UntypedID(parts[0]))
	if err == nil && root != other {
		err = fault.New(fault.Conflict, "the entry was divided: take back that the two are not the same person, and resolve them as one, first")
	}
	return err
}
