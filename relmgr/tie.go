package relmgr

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/internal/spoken"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A tie is a standing link between somebody's handle here and one at another hub
// (FED-13, docs/decisions/0101). Each side is an act with a decision of its own, which names
// the other hub. What the two hubs have in common is a reference, drawn for the tie; it goes
// along axles and stands sealed. Nobody is shown it, nor whether the other side has taken the
// tie up, tells nothing along it or has ended it otherwise than by an act.

// The kinds of act on ties.
const (
	Tie   Kind = "tie"
	Untie Kind = "untie" // the hub notes that the other side, or what the tie rests on, has ended it
)

const (
	tiesKey      = seal.KeyID("duty/relmgr/ties")            // KindWrap: references and letters are sealed under it
	tiesMACKey   = seal.KeyID("duty/relmgr/ties/references") // KindMAC: how references are found
	untying      = "ties"                                    // the role in which the hub unties
	letterLives  = 30 * 24 * time.Hour                       // that a tie has ended: as long as a hub may be away
	mostLetters  = 50
	tiesPage     = 500
	mostTieBytes = 64
)

// Tying is what the caller states of somebody at another hub.
type Tying struct {
	Own
	Hub    string
	Code   string // as it was heard from there; empty: one is made, to be told there
	Reason string
	Proposal
}

// Tied is the caller's side of a tie.
type Tied struct {
	Receipt
	Code string // in groups of three, where one was made
	Ends time.Time
}

// tie is what an act says of one.
type tie struct {
	Hub string `json:"hub"`

	code []byte // hash of the code that was made
	ends time.Time
}

// tieLetter is what relmgr tells another hub's: that somebody there used its code, or that a
// tie has ended.
type tieLetter struct {
	Reference string `json:"reference"`
	Code      string `json:"code,omitempty"`
	Ended     bool   `json:"ended,omitempty"`
}

// TieTo records the caller's side of a tie to another hub. With a code it is the second
// side: the other hub is told, again until it has taken it, and what it makes of it nobody
// here learns. The decision must name the hub, and pass the four steps as a correlation's.
// Errors: Invalid, Forbidden; DecisionRefused, which is recorded.
func (s *Service) TieTo(ctx context.Context, who decide.Caller, t Tying) (tied Tied, err error) {
	defer fault.Wrap(&err, "relmgr.TieTo")
	at := s.stamp()
	if err := s.tying(ctx, who, &t); err != nil {
		return Tied{}, err
	}
	code, mode := spoken.Code(t.Code), modeFor(t.Ground)
	if t.Code == "" {
		code = spoken.NewCode()
	}
	hash, err := s.keys.mac(ctx, tiesMACKey, "code\n"+string(code))
	if err != nil {
		return Tied{}, err
	}
	ends := at.Add(time.Duration(who.Terms.Settings.PairingMinutes) * time.Minute)
	var refused error
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		refused = nil // the closure may run again
		h, err := s.own(ctx, tx, who, t.Own, at)
		if err != nil {
			return err
		}
		v, err := s.hold(ctx, tx, who, h, decide.Correlating, mode, t.Proposal, at)
		if err != nil {
			return err
		}
		if v.StoppedAt() > 0 {
			refused, err = s.refuseOrAsk(ctx, tx, who, mode, &h, v, at)
			return err
		}
		if err := s.keep(ctx, tx, &h); err != nil {
			return err
		}
		v.Handle = h.handle
		d := begin(who, Tie, v.Role, at)
		d.Mode, d.Reason, d.Agreement, d.Ground = mode, t.Reason, v.Agreement, v.Ground
		d.Handles, d.Decisions, d.Telling = []ident.HandleID{h.handle}, []sided{v}, toldOf(mode, nil)
		d.Tie = &tie{Hub: t.Hub}
		if t.Code == "" {
			d.Tie.code, d.Tie.ends = hash, ends
		}
		if tied.Receipt, err = s.enact(ctx, tx, d); err != nil {
			return err
		}
		if err := s.toTell(ctx, tx, d, d.Act, h.handle); err != nil || t.Code == "" {
			return err
		}
		reference := rand.Text()
		if err := s.keepReference(ctx, tx, d.Act, t.Hub, reference); err != nil {
			return err
		}
		return s.write(ctx, tx, t.Hub, tieLetter{Reference: reference, Code: t.Code}, ends)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Tied{}, err
	}
	if t.Code == "" {
		tied.Code, tied.Ends = code.Grouped(), ends
	}
	return tied, nil
}

// tying checks what needs no look at anybody, and brings the code to its canonical form.
func (s *Service) tying(ctx context.Context, who decide.Caller, t *Tying) error {
	if err := declaredReason(who.Terms, t.Reason); err != nil {
		return err
	}
	if t.Hub == who.Terms.Partnership.Hub || !slices.ContainsFunc(who.Terms.Agreements, func(a decide.Agreement) bool { return slices.Contains(a.Peers, t.Hub) }) {
		return fault.At("/hub", "name a hub of one of the partnership's agreements, and not this one: here, POST /relmgr/v1/correlations")
	}
	if t.Audience.Kind != decide.ToPeers || !slices.Contains(t.Audience.Names, t.Hub) {
		return fault.At("/decision/audience", "name the other hub under peers: what the tie finds is told there")
	}
	if t.Override != nil {
		return fault.At("/decision/override", "a tie tells again and again, and an override once: leave it out")
	}
	if t.Code != "" {
		code, ok := spoken.ParseCode(t.Code)
		if !ok {
			return fault.At("/code", "the code was misheard or mistyped: ask for it to be read out again")
		}
		t.Code = string(code)
	}
	return s.tieKeys(ctx)
}

func (s *Service) tieKeys(ctx context.Context) error {
	if err := s.keys.ensure(ctx, tiesKey, seal.KindWrap); err != nil {
		return err
	}
	return s.keys.ensure(ctx, tiesMACKey, seal.KindMAC)
}

// keepTie stores what an act says of a tie.
func (s *Service) keepTie(ctx context.Context, tx *sql.Tx, d *deed) error {
	if d.Tie == nil {
		return nil
	}
	return pg.Fault(s.q.KeepTie(ctx, tx, relmgrdb.KeepTieParams{
		ActID: d.Act, HandleID: d.Handles[0], DecisionID: d.Decisions[0].ID, Hub: d.Tie.Hub,
		CodeHash: d.Tie.code, CodeEnds: sql.NullTime{Time: d.Tie.ends, Valid: d.Tie.code != nil},
	}))
}

// referenceHash is how the reference of a tie to a hub is found.
func (s *Service) referenceHash(ctx context.Context, hub, reference string) ([]byte, error) {
	return s.keys.mac(ctx, tiesMACKey, "tie\n"+hub+"\n"+reference)
}

func (s *Service) keepReference(ctx context.Context, tx *sql.Tx, act ident.ActID, hub, reference string) error {
	hash, err := s.referenceHash(ctx, hub, reference)
	if err != nil {
		return err
	}
	sealed, wrapped, err := s.sealTie(ctx, ident.UntypedID(act), []byte(reference))
	if err != nil {
		return err
	}
	return pg.Fault(s.q.KeepTieReference(ctx, tx, relmgrdb.KeepTieReferenceParams{ActID: act, ReferenceHash: hash, Sealed: sealed, Wrapped: wrapped}))
}

// sealTie seals what is of a tie, in its place alone.
func (s *Service) sealTie(ctx context.Context, place ident.UntypedID, text []byte) (sealed, wrapped []byte, err error) {
	dek, aad := seal.NewDEK(), append([]byte("tie"), place[:]...)
	if sealed, err = seal.Seal(dek, aad, text); err != nil {
		return nil, nil, fmt.Errorf("relmgr: seal: %w", err)
	}
	if wrapped, err = s.keys.keys.Wrap(ctx, tiesKey, aad, dek); err != nil {
		return nil, nil, fmt.Errorf("relmgr: wrap: %w", err)
	}
	return sealed, wrapped, nil
}

func (s *Service) openTie(ctx context.Context, place ident.UntypedID, sealed, wrapped []byte) ([]byte, error) {
	aad := append([]byte("tie"), place[:]...)
	dek, err := s.keys.keys.Unwrap(ctx, tiesKey, aad, wrapped)
	if err != nil {
		return nil, fmt.Errorf("relmgr: unwrap: %w", err)
	}
	return seal.Open(dek, aad, sealed)
}

// write leaves a letter for another hub, until it is taken or has ended.
func (s *Service) write(ctx context.Context, tx *sql.Tx, hub string, l tieLetter, ends time.Time) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	id := ident.UntypedID(ident.NewAct())
	sealed, wrapped, err := s.sealTie(ctx, id, text)
	if err != nil {
		return err
	}
	return pg.Fault(s.q.WriteLetter(ctx, tx, relmgrdb.WriteLetterParams{LetterID: id, Hub: hub, EndsAt: ends, Sealed: sealed, Wrapped: wrapped}))
}

// untie takes the references of ties away, by their acts or their handle, and has the other
// hubs told: from the commit on nothing goes along them.
func (s *Service) untie(ctx context.Context, tx *sql.Tx, p relmgrdb.UntieParams, at time.Time) error {
	gone, err := s.q.Untie(ctx, tx, p)
	if err != nil {
		return pg.Fault(err)
	}
	for _, g := range gone {
		reference, err := s.openTie(ctx, ident.UntypedID(g.ActID), g.Sealed, g.Wrapped)
		if err != nil {
			return err
		}
		if err := s.write(ctx, tx, g.Hub, tieLetter{Reference: string(reference), Ended: true}, at.Add(letterLives)); err != nil {
			return err
		}
	}
	return nil
}

// standingTie is what a tie rests on here, as of the read.
func standingTie(r relmgrdb.ReadTiesRow) decide.Standing {
	return decide.Standing{
		Column: r.ColumnID, Agreement: r.Agreement, Power: r.Power, Ground: decide.Ground(r.Ground), Purposes: r.Purposes,
		Audience: decide.Audience{Kind: decide.AudienceKind(r.AudienceKind), Names: r.Audience}, Until: r.Until, Consented: r.Consented,
		Mode: decide.Mode(r.Mode), Aspects: r.Aspects, Conditions: decide.Conditions{Ordinary: r.Ordinary, Sensitive: r.Sensitive}, Review: r.ReviewAt,
	}
}

// ties are the references, by hub, of those along which the question may go: of what the
// asker's row reaches, where the tie's own decision is for this asker and purpose, and nobody
// whom the person leaves out or hides from stands at it. The asker's own agency knows what it decided.
func (s *Service) ties(ctx context.Context, t *decide.Terms, r row, asking *decide.Asking, at time.Time) (map[string][]string, error) {
	reached, left := r.reached(r.open(t, asking, at))
	if left[asking.Column.Agency] {
		reached = nil
	}
	p := relmgrdb.ReadTiesParams{At: at}
	for h := range reached {
		p.HandleIds = append(p.HandleIds, h.String())
	}
	found, err := s.q.ReadTies(ctx, s.read, p)
	if err != nil {
		return nil, pg.Fault(err)
	}
	peers, along := t.PeersOf(asking), map[string][]string{}
	for _, f := range found {
		standing, c := standingTie(f), t.FindColumn(f.ColumnID, at)
		if c == nil || left[c.Agency] || r.hides(f.HandleID, asking) || !slices.Contains(peers, f.Hub) || len(along[f.Hub]) == attest.MostTies {
			continue
		}
		if c.Agency == asking.Column.Agency {
			if !t.Stands(standing, at) || !slices.Contains(standing.Purposes, asking.Purpose) || !slices.Contains(asking.Agreements, standing.Agreement) {
				continue
			}
		} else if !t.Discloses(standing, asking, at) {
			continue
		}
		reference, err := s.openTie(ctx, ident.UntypedID(f.ActID), f.Sealed, f.Wrapped)
		if err != nil {
			return nil, err
		}
		along[f.Hub] = append(along[f.Hub], string(reference))
	}
	return along, nil
}

// readTied reads the rows at this end of what another hub's question names, in one statement
// whatever is found: as far as the ties' own decisions are for that hub.
func (s *Service) readTied(ctx context.Context, t *decide.Terms, asking *decide.Asking, references []string, at time.Time) (row, error) {
	if err := s.tieKeys(ctx); err != nil {
		return row{}, err
	}
	p := relmgrdb.ReadTiesParams{At: at}
	for _, reference := range references {
		hash, err := s.referenceHash(ctx, asking.Peer, reference)
		if err != nil {
			return row{}, err
		}
		p.ReferenceHashes = append(p.ReferenceHashes, hash)
	}
	found, err := s.q.ReadTies(ctx, s.read, p)
	if err != nil {
		return row{}, pg.Fault(err)
	}
	var places []place
	for _, f := range found {
		if t.Discloses(standingTie(f), asking, at) {
			places = append(places, place{f.ColumnID, f.Token, f.TokenB, at})
		}
	}
	if len(places) == 0 {
		places = []place{{at: at}} // nobody's
	}
	rows, err := s.readRows(ctx, s.read, places)
	if err != nil {
		return row{}, err
	}
	return together(slices.DeleteFunc(rows, func(r row) bool { return r.hides(r.own, asking) })), nil
}

// Letter is what the federation duty is to carry to another hub's relmgr.
type Letter struct {
	ID   ident.UntypedID
	Hub  string
	Body string
}

// Letters are those that other hubs are still to be told, for the hub's own federation duty,
// which says which of them were taken. Unauthenticated for whoever else asks.
func (s *Service) Letters(ctx context.Context, voucher string, taken []string) (out []Letter, err error) {
	defer fault.Wrap(&err, "relmgr.Letters")
	if _, err := s.vouched(ctx, voucher, "letters"); err != nil {
		return nil, err
	}
	if err := s.tieKeys(ctx); err != nil {
		return nil, err
	}
	if err := s.q.DropLetters(ctx, s.db, relmgrdb.DropLettersParams{Taken: taken, Now: s.stamp()}); err != nil {
		return nil, pg.Fault(err)
	}
	rows, err := s.q.ListLetters(ctx, s.db, mostLetters)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		body, err := s.openTie(ctx, r.LetterID, r.Sealed, r.Wrapped)
		if err != nil {
			return nil, err
		}
		out = append(out, Letter{r.LetterID, r.Hub, string(body)})
	}
	return out, nil
}

// vouched returns the own federation duty's word for what it brings.
func (s *Service) vouched(ctx context.Context, voucher, what string) (v attest.AxleVoucher, err error) {
	if s.federation == nil {
		return v, unavailable("this hub has no federation duty yet")
	}
	v, isFor, err := s.federation.VerifyVoucher(ctx, voucher, Issuer, what)
	if errors.Is(err, attest.ErrStatement) {
		return v, fault.New(fault.Unauthenticated, "this takes the hub's own federation duty, and a voucher of its").Because(err)
	} else if err != nil {
		return v, err
	}
	if !isFor {
		return v, fault.At("/message", "attach the very message that the voucher is for")
	}
	return v, nil
}

// TakeLetter takes what another hub's relmgr says of a tie: the reference of its side, with
// the code that was told there; or that a tie has ended. A code that is none, was used or
// is over, and a reference that is none, change nothing, and nobody is told. Errors: as AnswerPeer.
func (s *Service) TakeLetter(ctx context.Context, t *decide.Terms, voucher, message string) (err error) {
	defer fault.Wrap(&err, "relmgr.TakeLetter")
	v, err := s.vouched(ctx, voucher, message)
	if err != nil {
		return err
	}
	m, err := attest.VerifyVouched(ctx, v, message, t.Partnership.Hub, s.now)
	var l tieLetter
	if err == nil && m.Letter != nil {
		err = json.Unmarshal([]byte(m.Letter.Body), &l)
	}
	if err != nil || m.Letter == nil || l.Reference == "" || len(l.Reference) > mostTieBytes || l.Ended == (l.Code != "") {
		return fault.At("/message", "send a letter that its hub signed for this hub and for now, as relmgr wrote it").Because(err)
	}
	if err := s.tieKeys(ctx); err != nil {
		return err
	}
	if l.Ended {
		hash, err := s.referenceHash(ctx, v.Hub, l.Reference)
		if err != nil {
			return err
		}
		return s.endTie(ctx, t, func(tx *sql.Tx) (relmgrdb.FindTiedRow, error) {
			return s.q.FindTied(ctx, tx, relmgrdb.FindTiedParams{ReferenceHash: hash, Hub: v.Hub})
		}, false)
	}
	code, ok := spoken.ParseCode(l.Code)
	if !ok {
		return nil
	}
	hash, err := s.keys.mac(ctx, tiesMACKey, "code\n"+string(code))
	if err != nil {
		return err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		act, err := s.q.UseTieCode(ctx, tx, relmgrdb.UseTieCodeParams{CodeHash: hash, Hub: v.Hub, Now: s.stamp()})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return pg.Fault(err)
		}
		return s.keepReference(ctx, tx, act, v.Hub, l.Reference)
	})
	if pg.Constraint(err) == "reference_is_of_one_tie" { // the other hub gave it to two
		return nil
	}
	return err
}

// endTie undoes one side of a tie, by an act of the hub that its agency is shown, unless
// another has meanwhile. tell has the other hub told.
func (s *Service) endTie(ctx context.Context, t *decide.Terms, find func(*sql.Tx) (relmgrdb.FindTiedRow, error), tell bool) error {
	return pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		found, err := find(tx)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return pg.Fault(err)
		}
		handles, err := s.handlesOf(ctx, tx, found.ActID)
		if err != nil {
			return err
		}
		if !tell {
			if _, err := s.q.Untie(ctx, tx, relmgrdb.UntieParams{ActIds: texts([]ident.ActID{found.ActID})}); err != nil {
				return pg.Fault(err)
			}
		}
		_, err = s.enact(ctx, tx, &deed{
			Act: ident.NewAct(), Kind: Untie, At: s.stamp(), Practitioner: theHub, Agency: found.AgencyID, Role: untying, TermsVersion: t.Version,
			Handles: handles, Undoes: []ident.ActID{found.ActID}, shownTo: []ident.Agency{found.AgencyID},
		})
		return err
	})
}

// TendTies ends, for good, ties whose decision does not stand any more: a page of them, after
// a tie; it returns after which the next page is, none where there is none. That nothing
// goes along such a tie does not wait for it: each question sees for itself.
func (s *Service) TendTies(ctx context.Context, t *decide.Terms, after ident.UntypedID) (next ident.UntypedID, err error) {
	defer fault.Wrap(&err, "relmgr.TendTies")
	acts, err := s.q.ListTied(ctx, s.db, relmgrdb.ListTiedParams{After: after, PageSize: tiesPage})
	if err != nil || len(acts) == 0 {
		return ident.UntypedID{}, pg.Fault(err)
	}
	at := s.stamp()
	found, err := s.q.ReadTies(ctx, s.db, relmgrdb.ReadTiesParams{At: at, ActIds: texts(acts)})
	if err != nil {
		return after, pg.Fault(err)
	}
	for _, f := range found {
		if a := t.FindAgreement(f.Agreement, at); t.Stands(standingTie(f), at) && slices.Contains(a.Peers, f.Hub) {
			continue
		}
		err := s.endTie(ctx, t, func(tx *sql.Tx) (relmgrdb.FindTiedRow, error) {
			row, err := s.q.FindTie(ctx, tx, f.ActID)
			return relmgrdb.FindTiedRow(row), err
		}, true)
		if err != nil {
			return after, err
		}
	}
	if len(acts) == tiesPage {
		next = ident.UntypedID(acts[len(acts)-1])
	}
	return next, nil
}
