package idmgr

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/idmgr/internal/idmgrdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
)

// The kinds of record.
const (
	opened   = "open"
	renewed  = "renew"
	accepted = "accept"
	ended    = "end"
	asked    = "ask"    // told something or nothing
	refused  = "refuse" // a step stopped it
	notified = "notify"
	expired  = "expire" // what was over long enough lost its contents; no person does it
)

// record is all that somebody did: what the ledger commits to and what is sealed.
// Pad brings every record to one length.
type record struct {
	Act          ident.ActID        `json:"act"`
	Manager      ident.Idmgr        `json:"manager"`
	Kind         string             `json:"kind"`
	At           time.Time          `json:"at"`
	Practitioner ident.Practitioner `json:"practitioner"`
	Agency       ident.Agency       `json:"agency"`
	Role         string             `json:"role"`
	TermsVersion int64              `json:"terms_version"`

	Link     ident.LinkID     `json:"link,omitzero"` // none of a question that was told nothing
	Side     *side            `json:"side,omitempty"`
	Terms    *terms           `json:"terms,omitempty"`     // open, renew
	Reason   string           `json:"reason,omitempty"`    // end, ask
	Decision *decide.Decision `json:"decision,omitempty"`  // of whoever asks or accepts; refuse: of anybody
	Notice   *notice          `json:"notice,omitempty"`    // notify
	Before   time.Time        `json:"before,omitzero"`     // expire: what was over by then is forgotten
	KeptDays int              `json:"kept_days,omitempty"` // expire: the rule
	Erases   *leaf.Erased     `json:"erases,omitempty"`    // expire: the leaves whose contents went
	Far      *far             `json:"far,omitempty"`       // take; accept and ask from another hub
	Letter   *letter          `json:"letter,omitempty"`    // what another hub is to be told
	Answers  ident.ActID      `json:"answers,omitzero"`    // reply: the record that had the letter
	Reply    string           `json:"reply,omitempty"`     // reply
	Pad      string           `json:"pad"`
}

// size is how long every record is, in bytes of canonical JSON.
const size = 6000

// notice is something that the opener has said has happened.
type notice struct {
	ID    ident.NoticeID `json:"id"` // drawn by the sender
	Event string         `json:"event"`
}

// said is a notice with its receipt.
type said struct {
	notice
	at      time.Time
	receipt Receipt
}

// terms are what a link is for.
type terms struct {
	To       ident.Column    `json:"to"`
	Hub      string          `json:"hub,omitempty"` // in place of To; of one that was taken, where it was opened
	Contact  string          `json:"contact"`       // route of the opener's column
	Uses     int             `json:"uses,omitempty"`
	Notify   []string        `json:"notify,omitempty"`
	Agreed   *Agreed         `json:"agreed,omitempty"`
	Code     string          `json:"code,omitempty"`
	CodeEnds time.Time       `json:"code_ends,omitzero"`
	Decision decide.Decision `json:"decision"`
	Order    string          `json:"order,omitempty"` // reference of an order, as evidence
}

// link is a private link as its records make it.
type link struct {
	id      ident.LinkID
	from    side
	by      ident.Practitioner
	at      time.Time
	terms   terms
	to      *side // nil until it is accepted, and where it is at another hub
	far     *far  // the end at another hub, if any
	taker   ident.Practitioner
	uses    int
	used    time.Time // last
	ended   time.Time // zero while it is not
	endedBy ident.Agency
	end     Receipt
	reason  string
	notices []said // the oldest first
	records []ident.UntypedID
}

// journal is what a manager has recorded, in the database and in memory. What is in
// memory is what the committed records make, up to a position, and nothing else.
type journal struct {
	db   *sql.DB
	q    *idmgrdb.Queries
	keys seal.Provider
	key  seal.KeyID

	mu    sync.Mutex
	upTo  int64
	links map[ident.LinkID]*link
	codes map[string]ident.LinkID
	loose []loose // records of no link: what was told nothing, or stopped by a step
	fars  map[far]ident.LinkID
	// letters are those that other hubs have not been told; waiting, what was replied to
	// the questions that this process waits for.
	letters map[ident.ActID]pending
	waiting map[ident.ActID]*string
}

// loose is a record that is of no link.
type loose struct {
	id ident.UntypedID
	at time.Time
}

// pending is a letter, and the link that it is about.
type pending struct {
	letter
	link ident.LinkID
}

// replied is what another hub has replied to a question that this process waits for.
func (j *journal) replied(question ident.ActID) (string, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r := j.waiting[question]; r != nil {
		return *r, true
	}
	return "", false
}

// waitNoMore ends the waiting for a reply.
func (j *journal) waitNoMore(question ident.ActID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.waiting, question)
}

// mostRead is how many records are read at once.
const mostRead = 1000

// read brings memory up to what is committed.
func (j *journal) read(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.readOn(ctx, j.db)
}

// readOn reads what was recorded since. The caller holds mu. What does not open
// under this manager's key is another's; what opens and does not match its
// commitment was altered, and stops the manager.
func (j *journal) readOn(ctx context.Context, db idmgrdb.DBTX) error {
	for {
		rows, err := j.q.ReadOn(ctx, db, idmgrdb.ReadOnParams{After: j.upTo, Most: mostRead})
		if err != nil {
			return pg.Fault(err)
		}
		for _, r := range rows {
			var rec record
			err := leaf.Open(ctx, j.keys, j.key, r.RecordID, leaf.Leaf{Commitment: r.Commitment, Sealed: r.Sealed, WrappedKey: r.Wrapped}, &rec)
			switch {
			case errors.Is(err, seal.ErrOpen):
			case err != nil:
				return fault.New(fault.Internal, "idmgr: a record of this manager's cannot be read: run fame verify").Because(err)
			default:
				j.apply(&rec, Receipt{rec.Act, r.Commitment})
			}
			j.upTo = r.Position
		}
		if len(rows) < mostRead {
			return nil
		}
	}
}

// apply makes of a link what one more record makes of it.
func (j *journal) apply(r *record, receipt Receipt) {
	if r.Kind == expired {
		j.forget(r.Before)
		return
	}
	l := j.links[r.Link]
	switch r.Kind {
	case opened:
		l = &link{id: r.Link, from: *r.Side, by: r.Practitioner, at: r.At, terms: *r.Terms}
		j.links[r.Link], j.codes[r.Terms.Code] = l, r.Link
	case taken:
		l = &link{id: r.Link, by: r.Practitioner, taker: r.Practitioner, at: r.At, terms: *r.Terms, to: r.Side, far: r.Far}
		j.links[r.Link], j.fars[*r.Far] = l, r.Link
	case reply:
		delete(j.letters, r.Answers)
		if _, waits := j.waiting[r.Answers]; waits {
			j.waiting[r.Answers] = &r.Reply
		}
	}
	if r.Letter != nil {
		j.letters[r.Act] = pending{*r.Letter, r.Link}
	}
	if l == nil {
		j.loose = append(j.loose, loose{ident.UntypedID(r.Act), r.At})
		return
	}
	l.records = append(l.records, ident.UntypedID(r.Act))
	switch r.Kind {
	case renewed:
		code, ends := l.terms.Code, l.terms.CodeEnds
		l.terms, l.by = *r.Terms, r.Practitioner
		l.terms.Code, l.terms.CodeEnds = code, ends
	case accepted:
		l.to, l.far, l.taker = r.Side, r.Far, r.Practitioner
		delete(j.codes, l.terms.Code)
		if r.Far != nil {
			j.fars[*r.Far] = r.Link
		}
	case ended:
		l.ended, l.endedBy, l.reason, l.end = r.At, r.Agency, r.Reason, receipt
	case notified:
		l.notices = append(l.notices, said{*r.Notice, r.At, receipt})
	case asked:
		l.uses++
		l.used = r.At
	}
}

// write decides on what is committed, and records what comes of it, in one
// transaction that no other writer of the journal shares its time with. decide
// returns the record, or a fault to give back with nothing recorded; a record with
// a fault beside it is recorded, and the fault given back.
func (j *journal) write(ctx context.Context, decide func() (*record, error)) (receipt Receipt, told error, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = pg.InTx(ctx, j.db, func(tx *sql.Tx) error {
		if err := j.q.WaitForTurn(ctx, tx); err != nil {
			return err
		}
		if err := j.readOn(ctx, tx); err != nil {
			return err
		}
		var r *record
		if r, told = decide(); r == nil {
			return told
		}
		receipt, err = j.append(ctx, tx, r)
		return err
	})
	return receipt, told, err
}

func (j *journal) append(ctx context.Context, tx *sql.Tx, r *record) (Receipt, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return Receipt{}, err
	}
	if len(text) > size {
		return Receipt{}, fault.At("", "say less: name fewer aspects")
	}
	r.Pad = strings.Repeat(".", size-len(text))
	l, err := leaf.Of(ctx, j.keys, j.key, r.Act, r)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{r.Act, l.Commitment}, j.q.AppendRecord(ctx, tx, idmgrdb.AppendRecordParams{
		RecordID: r.Act, Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey,
	})
}

// of are a column's links, the newest first. The caller holds mu.
func (j *journal) of(column ident.Column) (all []*link) {
	for _, l := range j.links {
		if l.from.Column == column || l.to != nil && l.to.Column == column {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b *link) int {
		if c := b.at.Compare(a.at); c != 0 {
			return c
		}
		return strings.Compare(a.id.String(), b.id.String())
	})
	return all
}

// begin starts the record of what the caller does.
func (s *Service) begin(kind string, who decide.Caller, role string, at time.Time) *record {
	if role == "" {
		role = who.AnyRole()
	}
	return &record{
		Act: ident.NewAct(), Manager: s.manager, Kind: kind, At: at,
		Practitioner: who.Practitioner, Agency: who.Agency, Role: role, TermsVersion: who.Terms.Version,
	}
}
