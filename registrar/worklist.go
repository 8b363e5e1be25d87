package registrar

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
)

// The kinds of act that keep a register sound.
const (
	report   = "report"
	take     = "take"
	resolve  = "resolve"
	reopen   = "reopen"
	shield   = "shield"
	unshield = "unshield"
)

// TaskKind says what a person is to look at.
type TaskKind string

// The kinds.
const (
	Duplicate     TaskKind = "duplicate"     // two entries that may be one person's
	Review        TaskKind = "review"        // a recognition that came close (AUT-15)
	Misdetermined TaskKind = "misdetermined" // one that somebody says was wrong (AUT-04)
	Overlay       TaskKind = "overlay"       // one entry that may be two people's
)

// outcomes are what a person can make of each kind: what was feared first.
var outcomes = map[TaskKind][]string{
	Duplicate: {"same-person", "not-the-same-person"}, Review: {"accepted", "none-of-them"},
	Misdetermined: {"wrong", "right"}, Overlay: {"two-people", "one-person"},
}

// mostTasks bounds one page of the worklist, mostSearched what is compared at a time.
const mostTasks, mostSearched = 100, 200

// putTask is a task, as the act that reported it commits to it.
type putTask struct {
	Task        ident.TaskID        `json:"task"`
	Kind        TaskKind            `json:"kind"`
	Register    ident.Register      `json:"register"`
	SubjectA    ident.Subject       `json:"a"`
	SubjectB    ident.Subject       `json:"b,omitzero"`
	Recognition ident.RecognitionID `json:"recognition,omitzero"`
}

// resolved is what a person made of a task.
type resolved struct {
	Task     ident.TaskID  `json:"task"`
	Outcome  string        `json:"outcome"`
	Survivor ident.Subject `json:"survivor,omitzero"`
}

// member is one entry of a person, with what opens it.
type member struct {
	subject ident.Subject
	dek     seal.DEK
}

// members are the entries of the person whose surviving entry is root, locked where
// they are to be changed.
func (s *Service) members(ctx context.Context, db registrardb.DBTX, root ident.Subject, lock bool) ([]member, error) {
	var all []member
	add := func(subject ident.Subject, wrapped []byte, by string) error {
		dek, err := s.keys.Unwrap(ctx, seal.KeyID(by), subject[:], wrapped)
		all = append(all, member{subject, dek})
		return err
	}
	if lock {
		rows, err := s.queries.LockMembers(ctx, db, ident.UntypedID(root))
		if err != nil {
			return nil, pg.Fault(err)
		}
		for _, r := range rows {
			if err := add(r.SubjectID, r.Wrapped, r.WrappedBy); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	rows, err := s.queries.ListMembers(ctx, db, ident.UntypedID(root))
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		if err := add(r.SubjectID, r.Wrapped, r.WrappedBy); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// known is what is known of a person now, over all their entries.
func (s *Service) known(ctx context.Context, db registrardb.DBTX, all []member) (items []Kept, err error) {
	for _, m := range all {
		some, err := s.itemsOf(ctx, db, m.subject, m.dek)
		if err != nil {
			return nil, err
		}
		items = append(items, some...)
	}
	return items, nil
}

// reproject projects anew the person whose surviving entry is root.
func (s *Service) reproject(ctx context.Context, tx *sql.Tx, id ident.Register, root ident.Subject) error {
	all, err := s.members(ctx, tx, root, true)
	if err != nil {
		return err
	}
	kept, err := s.known(ctx, tx, all)
	if err != nil {
		return err
	}
	items := make([]Item, len(kept))
	for n, k := range kept {
		items[n] = k.Item
	}
	own := slices.IndexFunc(all, func(m member) bool { return m.subject == root })
	if own < 0 {
		return notThere("entry")
	}
	return s.project(ctx, tx, id, root, all[own].dek, items)
}

// Search compares entries that are new or have changed with the others of their
// register, and puts likely pairs, and entries that contradict themselves, before a
// person. It joins and divides nothing. more says that
// there is more to compare.
func (s *Service) Search(ctx context.Context) (more bool, err error) {
	defer fault.Wrap(&err, "registrar.Search")
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		taken, err := s.queries.TakeUnsearched(ctx, tx, registrardb.TakeUnsearchedParams{Registrar: s.registrar, Most: mostSearched})
		if err != nil {
			return err
		}
		more = len(taken) == mostSearched
		for _, t := range taken {
			if err := s.searchFor(ctx, tx, t.RegisterID, t.SubjectID); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

func (s *Service) searchFor(ctx context.Context, tx *sql.Tx, id ident.Register, subject ident.Subject) error {
	rows, err := s.queries.ListProfiles(ctx, tx, []ident.UntypedID{ident.UntypedID(subject)})
	if err != nil || len(rows) == 0 { // merged since
		return err
	}
	form, err := s.form(ctx, subject, rows[0].Sealed, rows[0].Wrapped, rows[0].WrappedBy)
	if err != nil {
		return err
	}
	model, _, err := s.model(ctx, id)
	if err != nil {
		return err
	}
	found, _, err := s.candidates(ctx, id, form)
	if err != nil {
		return err
	}
	var close []likely
	for _, c := range found {
		if c.subject == subject {
			continue
		}
		if p := model.Explain(form, c.form).Probability; p >= match.Likely {
			close = append(close, likely{c.subject, p})
		}
	}
	if close, err = s.presentable(ctx, tx, subject, close); err != nil {
		return err
	}
	for _, c := range close {
		if _, err := s.putTask(ctx, tx, putTask{Kind: Duplicate, Register: id, SubjectA: subject, SubjectB: c.subject}, ident.ActID{}, int(c.probability*100)); err != nil {
			return err
		}
	}
	return s.searchWithin(ctx, tx, id, subject)
}

// putTask puts a task before those who keep the register, once: its id is zero where
// the same was put before.
func (s *Service) putTask(ctx context.Context, tx *sql.Tx, t putTask, act ident.ActID, priority int) (ident.TaskID, error) {
	t = t.ordered()
	if t.Task.IsZero() {
		t.Task = ident.NewTask()
	}
	n, err := s.queries.PutTask(ctx, tx, registrardb.PutTaskParams{
		TaskID: t.Task, Kind: string(t.Kind), RegisterID: t.Register, SubjectA: t.SubjectA, SubjectB: t.SubjectB, RecognitionID: t.Recognition,
		ActID: act, FoundAt: s.now(), Priority: int32(priority),
	})
	if err != nil || n == 0 {
		return ident.TaskID{}, err
	}
	return t.Task, nil
}

func (t putTask) ordered() putTask {
	if !t.SubjectB.IsZero() && bytes.Compare(t.SubjectA[:], t.SubjectB[:]) > 0 {
		t.SubjectA, t.SubjectB = t.SubjectB, t.SubjectA
	}
	return t
}

// Report is what somebody says is wrong with a register.
type Report struct {
	Kind        TaskKind // Misdetermined, Overlay or Duplicate
	Recognition ident.RecognitionID
	Entry       Entry
	Other       Entry
	Reason      string
}

// Report puts what is wrong before those who keep the register (AUT-04): that a
// recognition named the wrong person, by whoever made it or keeps the register; that an
// entry is two people's, or two entries one person's, by those who keep it. What was
// reported before is recorded again and put once. Errors: Forbidden, Invalid, NotKnown.
func (s *Service) Report(ctx context.Context, caller decide.Caller, id ident.Register, r Report) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.Report")
	at := s.now()
	role, err := s.mayKeep(caller)
	keeps := err == nil
	if !keeps {
		if r.Kind != Misdetermined {
			return Receipt{}, err
		}
		role = caller.AnyRole()
	}
	var c checks
	c.that(decide.Has(caller.Terms.Codes.Reasons, r.Reason), "name one of the partnership's reasons", "/reason")
	switch r.Kind {
	case Misdetermined:
		c.that(!r.Recognition.IsZero(), "name the recognition", "/recognition")
		c.that(r.Entry == "" && r.Other == "", "leave this out: the recognition says whom it named", "/subject")
	case Overlay, Duplicate:
		c.that(r.Recognition.IsZero(), "leave this out: name entries", "/recognition")
		c.that(r.Entry != "", "name the entry", "/subject")
		c.that((r.Other != "") == (r.Kind == Duplicate) && r.Other != r.Entry, "name the other entry of a duplicate, and of nothing else", "/other")
	default:
		c.that(false, "report misdetermined, overlay or duplicate", "/kind")
	}
	if err := c.fault(); err != nil {
		return Receipt{}, err
	}
	if _, err := s.served(ctx, s.db, caller, id); err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		t := putTask{Task: ident.NewTask(), Kind: r.Kind, Register: id, Recognition: r.Recognition}
		if r.Kind == Misdetermined {
			found, err := s.queries.FindOwnRecognition(ctx, tx, registrardb.FindOwnRecognitionParams{
				RecognitionID: r.Recognition, RegisterID: id, Practitioner: string(caller.Practitioner), Keeps: keeps,
			})
			if errors.Is(err, sql.ErrNoRows) || err == nil && found.SubjectID.IsZero() {
				return notThere("recognition that named somebody")
			}
			if err != nil {
				return err
			}
			t.SubjectA = found.SubjectID
		} else {
			for _, e := range []struct {
				entry Entry
				to    *ident.Subject
			}{{r.Entry, &t.SubjectA}, {r.Other, &t.SubjectB}} {
				if e.entry == "" {
					continue
				}
				found, err := s.find(ctx, tx, caller, id, e.entry)
				if err != nil {
					return err
				}
				*e.to = found.SubjectID
			}
			if t.SubjectA == t.SubjectB {
				return fault.New(fault.Conflict, "these entries are one already")
			}
		}
		t = t.ordered()
		a := s.Begin(report, caller, role, at)
		// The act is appended first: it commits to the task whether or not the same was
		// put before.
		a.Deed = deed{Reported: &t, Reason: r.Reason}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		if !t.SubjectB.IsZero() {
			if is, err := s.areApart(ctx, tx, t.SubjectA, t.SubjectB); err != nil || is {
				return err
			}
		}
		_, err := s.putTask(ctx, tx, t, a.ID, 100)
		return err
	})
	return receipt, err
}

// Task is what a person is to look at.
type Task struct {
	ID          ident.TaskID
	Kind        TaskKind
	Entries     []Entry // as the caller's agency knows them
	Recognition ident.RecognitionID
	FoundAt     time.Time
	Priority    int
	Owner       ident.Practitioner
	Outcome     string // of one that is resolved
	Compared    *Compared
}

// TaskCount is how many tasks of a kind are open, and since when.
type TaskCount struct {
	Kind   TaskKind
	Open   int
	Oldest time.Time
}

// Worklist is the tasks of a register, the most pressing first, with how many there
// are. Reading it is an act. Errors: Forbidden, NotKnown, Invalid.
func (s *Service) Worklist(ctx context.Context, caller decide.Caller, id ident.Register, open bool, reason string) (counts []TaskCount, tasks []Task, err error) {
	defer fault.Wrap(&err, "registrar.Worklist")
	at := s.now()
	role, err := s.opens(ctx, caller, id, reason)
	if err != nil {
		return nil, nil, err
	}
	model, _, err := s.model(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		counts, tasks = nil, nil
		counted, err := s.queries.CountTasks(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, c := range counted {
			counts = append(counts, TaskCount{TaskKind(c.Kind), int(c.Open), c.Oldest.UTC()})
		}
		rows, err := s.queries.ListTasks(ctx, tx, registrardb.ListTasksParams{RegisterID: id, Open: open, Most: mostTasks})
		if err != nil {
			return err
		}
		a := s.Begin(look, caller, role, at)
		d := deed{Looked: &looked{Register: id, Reason: reason}}
		for _, r := range rows {
			t := Task{
				ID: r.TaskID, Kind: TaskKind(r.Kind), Recognition: r.RecognitionID, FoundAt: r.FoundAt.UTC(), Priority: int(r.Priority),
				Owner: ident.Practitioner(r.Owner), Outcome: r.Outcome,
			}
			var forms []*match.Form
			for _, subject := range []ident.Subject{r.SubjectA, r.SubjectB} {
				if subject.IsZero() {
					continue
				}
				entry, err := s.entry(ctx, subject, caller.Agency)
				if err != nil {
					return err
				}
				drawn, err := s.name(ctx, tx, a.ID, subject, caller.Agency, entry)
				if err != nil {
					return err
				}
				d.Named, t.Entries = append(d.Named, drawn...), append(t.Entries, entry)
				profiles, err := s.queries.ListProfiles(ctx, tx, []ident.UntypedID{ident.UntypedID(subject)})
				if err != nil {
					return err
				}
				for _, p := range profiles {
					f, err := s.form(ctx, subject, p.Sealed, p.Wrapped, p.WrappedBy)
					if err != nil {
						return err
					}
					forms = append(forms, f)
				}
			}
			if len(forms) == 2 {
				t.Compared = &comparedAs([]match.Explanation{model.Explain(forms[0], forms[1])})[0]
			}
			tasks = append(tasks, t)
		}
		a.Deed = d
		_, err = s.Append(ctx, tx, &a)
		return err
	})
	return counts, tasks, err
}

// onTask runs what a keeper does with a task, in one transaction that nobody else's
// decision on it gets into.
func (s *Service) onTask(ctx context.Context, caller decide.Caller, id ident.Register, task ident.TaskID, reason string,
	do func(tx *sql.Tx, role string, at time.Time, t registrardb.LockTaskRow, decided *registrardb.FindDecidedRow) error,
) error {
	at := s.now()
	role, err := s.opens(ctx, caller, id, reason)
	if err != nil {
		return err
	}
	return pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		t, err := s.queries.LockTask(ctx, tx, registrardb.LockTaskParams{TaskID: task, RegisterID: id})
		if errors.Is(err, sql.ErrNoRows) {
			err = notThere("task")
		}
		if err != nil {
			return err
		}
		row, err := s.queries.FindDecided(ctx, tx, task)
		decided := &row
		if errors.Is(err, sql.ErrNoRows) {
			decided, err = nil, nil
		}
		if err != nil {
			return err
		}
		return do(tx, role, at, t, decided)
	})
}

// Take makes the caller the owner of a task. Errors: Forbidden, NotKnown, Invalid.
func (s *Service) Take(ctx context.Context, caller decide.Caller, id ident.Register, task ident.TaskID, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.Take")
	err = s.onTask(ctx, caller, id, task, reason, func(tx *sql.Tx, role string, at time.Time, _ registrardb.LockTaskRow, _ *registrardb.FindDecidedRow) (err error) {
		a := s.Begin(take, caller, role, at)
		a.Deed = deed{Took: task, Reason: reason}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		return s.queries.SetOwner(ctx, tx, registrardb.SetOwnerParams{Owner: string(caller.Practitioner), TaskID: task})
	})
	return receipt, err
}

// Resolution is what a person makes of a task. Of a duplicate that is the same person,
// Survivor is the entry that remains, and the other resolves to it. Of an entry that is
// two people's, Items are those of the other person, who gets an entry; none leaves it
// as it is.
type Resolution struct {
	Outcome  string
	Survivor Entry
	Items    []ident.ItemID
	Reason   string
}

// Resolve records what the caller makes of a task, with their name and reason. It
// holds until it is taken back, and the same is never proposed again (REG-10, AUT-15,
// AUT-04). What relied on a recognition that was wrong, or on an entry that was two
// people's, is published to relmgr to suspend. Errors: Forbidden, NotKnown, Invalid,
// Conflict where somebody has decided already.
func (s *Service) Resolve(ctx context.Context, caller decide.Caller, id ident.Register, task ident.TaskID, r Resolution) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.Resolve")
	err = s.onTask(ctx, caller, id, task, r.Reason, func(tx *sql.Tx, role string, at time.Time, t registrardb.LockTaskRow, decided *registrardb.FindDecidedRow) error {
		if decided != nil {
			return fault.New(fault.Conflict, "somebody has decided on this: take that back first")
		}
		if !slices.Contains(outcomes[TaskKind(t.Kind)], r.Outcome) {
			return fault.At("/outcome", "write what can be made of a task of this kind")
		}
		if same := r.Outcome == "same-person"; same != (r.Survivor != "") {
			return fault.At("/survivor", "name the entry that remains where two are the same person's, and nowhere else")
		}
		if len(r.Items) > 0 && r.Outcome != "two-people" {
			return fault.At("/items", "leave this out: items are divided between two people alone")
		}
		a := s.Begin(resolve, caller, role, at)
		made := resolved{Task: task, Outcome: r.Outcome}
		d := deed{Reason: r.Reason}
		loser, err := s.loser(ctx, tx, caller, id, &t, r.Survivor)
		if err != nil {
			return err
		}
		var other *part
		switch {
		case !loser.IsZero():
			made.Survivor = t.SubjectA
			if loser == t.SubjectA {
				made.Survivor = t.SubjectB
			}
		case len(r.Items) > 0:
			if other, err = s.divide(ctx, tx, caller, id, t.SubjectA, r.Items, &d); err != nil {
				return err
			}
		case r.Outcome == "accepted":
			asker, err := s.queries.FindAsker(ctx, tx, t.RecognitionID)
			if err != nil {
				return err
			}
			entry, err := s.entry(ctx, t.SubjectA, ident.Agency(asker.AgencyID))
			if err != nil {
				return err
			}
			if d.Named, err = s.name(ctx, tx, a.ID, t.SubjectA, ident.Agency(asker.AgencyID), entry); err != nil {
				return err
			}
		}
		d.Resolved = &made
		a.Deed = d
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		if !loser.IsZero() {
			if err := s.unproject(ctx, tx, id, loser); err != nil {
				return err
			}
		}
		if err := s.queries.InsertResolution(ctx, tx, registrardb.InsertResolutionParams{
			ActID: a.ID, TaskID: task, Outcome: r.Outcome, Survivor: made.Survivor,
		}); err != nil {
			return err
		}
		if !loser.IsZero() {
			return s.reproject(ctx, tx, id, made.Survivor)
		}
		if other != nil {
			return s.enterPart(ctx, tx, caller, role, at, id, other, receipt, &d)
		}
		return nil
	})
	return receipt, err
}

// loser is which of two entries resolves to the other, which the caller's agency calls
// survivor; zero where none does. Both must be entries that survive so far.
func (s *Service) loser(ctx context.Context, tx *sql.Tx, caller decide.Caller, id ident.Register, t *registrardb.LockTaskRow, survivor Entry) (ident.Subject, error) {
	if survivor == "" {
		return ident.Subject{}, nil
	}
	for _, subject := range []ident.Subject{t.SubjectA, t.SubjectB} {
		root, err := s.queries.Root(ctx, tx, ident.UntypedID(subject))
		if err != nil {
			return ident.Subject{}, err
		}
		if ident.Subject(root) != subject {
			return ident.Subject{}, resolvedElsewhere()
		}
	}
	found, err := s.find(ctx, tx, caller, id, survivor)
	if err != nil {
		return ident.Subject{}, err
	}
	if is, err := s.areApart(ctx, tx, t.SubjectA, t.SubjectB); err != nil {
		return ident.Subject{}, err
	} else if is {
		return ident.Subject{}, resolvedElsewhere()
	}
	switch found.SubjectID {
	case t.SubjectA:
		return t.SubjectB, nil
	case t.SubjectB:
		return t.SubjectA, nil
	}
	return ident.Subject{}, fault.At("/survivor", "name one of the two entries of the task")
}

func resolvedElsewhere() error {
	return fault.New(fault.Conflict, "one of these entries has been resolved to another since: look at that one")
}

// unproject has an entry that resolves to another be found no more.
func (s *Service) unproject(ctx context.Context, tx *sql.Tx, id ident.Register, subject ident.Subject) error {
	all, err := s.members(ctx, tx, subject, true)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.subject != subject {
			continue
		}
		if err := s.dropTokens(ctx, tx, id, subject, m.dek); err != nil {
			return err
		}
	}
	return s.queries.DropProfile(ctx, tx, subject)
}

// Reopen takes back what a person made of a task: two entries are two again, what was
// suspended is so no more. Errors: Forbidden, NotKnown, Invalid, Conflict where nobody
// has decided, or an entry has been divided since.
func (s *Service) Reopen(ctx context.Context, caller decide.Caller, id ident.Register, task ident.TaskID, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.Reopen")
	err = s.onTask(ctx, caller, id, task, reason, func(tx *sql.Tx, role string, at time.Time, t registrardb.LockTaskRow, decided *registrardb.FindDecidedRow) error {
		if decided == nil {
			return fault.New(fault.Conflict, "nobody has decided on this: there is nothing to take back")
		}
		if !decided.Survivor.IsZero() {
			root, err := s.queries.Root(ctx, tx, ident.UntypedID(decided.Survivor))
			if err != nil {
				return err
			}
			if ident.Subject(root) != decided.Survivor {
				return fault.New(fault.Conflict, "the entry that remained has been resolved to another since: take that back first")
			}
		}
		if err := s.undivided(ctx, tx, decided.ActID, t.SubjectA); err != nil {
			return err
		}
		a := s.Begin(reopen, caller, role, at)
		a.Deed = deed{Reopens: []ident.ActID{decided.ActID}, Reason: reason}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		if err := s.queries.InsertReopening(ctx, tx, registrardb.InsertReopeningParams{ResolutionID: decided.ActID, ActID: a.ID}); err != nil {
			return err
		}
		if decided.Survivor.IsZero() {
			return nil
		}
		if err := s.reproject(ctx, tx, id, t.SubjectA); err != nil {
			return err
		}
		return s.reproject(ctx, tx, id, t.SubjectB)
	})
	return receipt, err
}

// Shield has an entry be recognised by nobody, or by everybody again: whoever asks is
// answered as if it were not there. An entry that may be the same person's inherits
// it. Errors: Forbidden, NotKnown, Invalid, Conflict where it is so already.
func (s *Service) Shield(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, shielded bool, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.Shield")
	at := s.now()
	role, err := s.opens(ctx, caller, id, reason)
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
		standing, err := s.queries.ShieldsOf(ctx, tx, found.SubjectID)
		if err != nil {
			return err
		}
		if (len(standing) > 0) == shielded {
			return fault.New(fault.Conflict, "that is so already")
		}
		if shielded {
			a := s.Begin(shield, caller, role, at)
			a.Deed = deed{Shields: []ident.Subject{found.SubjectID}, Reason: reason}
			if receipt, err = s.Append(ctx, tx, &a); err != nil {
				return err
			}
			return s.queries.InsertShield(ctx, tx, registrardb.InsertShieldParams{ActID: a.ID, SubjectID: found.SubjectID})
		}
		a := s.Begin(unshield, caller, role, at)
		a.Deed = deed{Unshields: standing, Reason: reason}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		for _, act := range standing {
			if err := s.queries.InsertUnshield(ctx, tx, registrardb.InsertUnshieldParams{ShieldID: act, ActID: a.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	return receipt, err
}

// Outcome is what has become of a recognition, for whoever made it.
type Outcome struct {
	Outcome    match.Kind
	Confidence match.Confidence
	Decided    string // "accepted" by a person, or "wrong"; empty: nobody has decided
	Entry      Entry
}

// OutcomeOf says what has become of a recognition that the caller made: a person may
// have accepted what only came close, or found that it was wrong (AUT-15, AUT-04). Errors:
// NotKnown.
func (s *Service) OutcomeOf(ctx context.Context, caller decide.Caller, id ident.Register, recognition ident.RecognitionID) (o Outcome, err error) {
	defer fault.Wrap(&err, "registrar.OutcomeOf")
	if _, err := s.served(ctx, s.db, caller, id); err != nil {
		return Outcome{}, err
	}
	found, err := s.queries.FindOwnRecognition(ctx, s.db, registrardb.FindOwnRecognitionParams{
		RecognitionID: recognition, RegisterID: id, Practitioner: string(caller.Practitioner),
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = notThere("recognition of yours")
	}
	if err != nil {
		return Outcome{}, pg.Fault(err)
	}
	o = Outcome{Outcome: match.Kind(found.Outcome), Confidence: match.Confidence(found.Confidence), Decided: found.Decided}
	subject := found.SubjectID
	switch found.Decided {
	case "accepted":
		o.Outcome, o.Confidence, subject = match.Determined, match.Low, found.Accepted
	case "wrong":
		o.Confidence, subject = match.NoConfidence, ident.Subject{}
	}
	if !subject.IsZero() && caller.Agency == ident.Agency(found.AgencyID) {
		o.Entry, err = s.entry(ctx, subject, caller.Agency)
	}
	return o, err
}

// Quality is what a register says of how well it does (REG-20).
type Quality struct {
	Counts map[string]int // recognitions by outcome, tasks by kind and outcome
	Levels *Levels
	// Recall is how the register finds its own people, as it was measured last.
	Recall []Recall
	// LatencyP95 and ErrorsPerMille are of this process's last thousand recognitions,
	// at most: Measured of them.
	LatencyP95     time.Duration
	ErrorsPerMille int
	Measured       int
	// Breach: what the register undertakes is not met.
	Breach bool
}

// Quality is for those who keep the register: counts would tell others who is in it.
// Errors: Forbidden, NotKnown.
func (s *Service) Quality(ctx context.Context, caller decide.Caller, id ident.Register) (q Quality, err error) {
	defer fault.Wrap(&err, "registrar.Quality")
	if _, err := s.mayKeep(caller); err != nil {
		return Quality{}, err
	}
	r, err := s.served(ctx, s.db, caller, id)
	if err != nil {
		return Quality{}, err
	}
	rows, err := s.queries.CountOutcomes(ctx, s.db, id)
	if err != nil {
		return Quality{}, pg.Fault(err)
	}
	q = Quality{Counts: map[string]int{}, Levels: r.Levels}
	for _, row := range rows {
		q.Counts[row.What] = int(row.N)
	}
	q.Recall = s.meter.recallsOf(id)
	q.LatencyP95, q.ErrorsPerMille, q.Measured = s.meter.last(id)
	if l := r.Levels; l != nil && q.Measured > 0 {
		q.Breach = q.LatencyP95 > time.Duration(l.LatencyMS)*time.Millisecond || q.ErrorsPerMille > l.ErrorsPerMille
	}
	return q, nil
}
