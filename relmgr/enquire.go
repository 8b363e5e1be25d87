package relmgr

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Question is an enquiry: is this person known, who else works with them, with
// whom can I engage in a transaction (QRY-01 to 03). It names a person as the
// asker's own column does, or carries a registrar's recognition of a stranger.
type Question struct {
	Own
	Recognition string // compact JWS, in place of an identifier
	// Elsewhere is the same registrar's word to each other hub that is to be asked.
	Elsewhere   map[string]string
	Purpose     string
	Reason      string
	Concerning  string // child, adult, unborn or not-known; never read from stored age
	Transaction string // empty: who else works with the person
	Emergency   bool   // life or limb: what is blocked may be told, and a review opens
	Case        Case   // empty: none
	Scope       Scope  // empty: the partnership
	Grant       string // an identity manager's token that the asker bears; empty: none
}

// Scope is how far a question goes (QRY-12).
type Scope string

// The scopes that are not the partnership's: the asker's own agency's columns alone,
// and other hubs too.
const (
	OfTheAgency     Scope = "agency"
	OfTheFederation Scope = "federation"
)

// Case is what an asker's own records call the case that a question is for. It
// prints as a mask, and is stored sealed.
type Case string

// String masks the case.
func (Case) String() string { return "[case]" }

// GoString masks the case.
func (Case) GoString() string { return "[case]" }

// LogValue masks the case.
func (Case) LogValue() slog.Value { return slog.StringValue("[case]") }

// Answer is what recorded decisions allow the asker to know. What is not
// listed may be unknown, withheld or hidden: nothing here tells which.
type Answer struct {
	ID         ident.EnquiryID
	Published  bool // whether the asker's own column publishes the relationship
	Providers  []Provider
	Commitment []byte
	// Escalated is the case of the grant that the asker bears, as their agency is shown
	// it, where another manager withholds what it grants. Whoever bears none is told of
	// none (IDM-14).
	Escalated ident.ReferenceID
	// Recourse is to whom one turns under agreements with a third party (TRU-02).
	Recourse []string
	// Orders are what federation sends to other hubs, of a question of that scope.
	Orders []Order
}

// Provider is one who works with the person and may be told of.
type Provider struct {
	decide.Provider
	Role       string
	AgencyName string
	Offers     []Offered
}

// Offered is an offer with the route to take it up.
type Offered struct {
	Offer
	Contact decide.ContactRoute
}

// enquiry is the record of a question: its JSON is what the commitment covers.
type enquiry struct {
	Enquiry      ident.EnquiryID    `json:"enquiry"`
	At           time.Time          `json:"at"`
	Practitioner ident.Practitioner `json:"practitioner"`
	Agency       ident.Agency       `json:"agency"`
	Role         string             `json:"role,omitempty"` // of one that no role let ask: any of theirs
	Column       ident.Column       `json:"column"`
	Handle       ident.HandleID     `json:"handle,omitzero"`
	Purpose      string             `json:"purpose"`
	Reason       string             `json:"reason"`
	Concerning   string             `json:"concerning"`
	Transaction  string             `json:"transaction,omitempty"`
	Emergency    bool               `json:"emergency"`
	Case         Case               `json:"case,omitempty"`
	Scope        Scope              `json:"scope,omitempty"`
	AsOf         *time.Time         `json:"as_of,omitempty"` // of one that was refused about an earlier date
	Recognition  *recognised        `json:"recognition,omitempty"`
	Decision     decide.Decision    `json:"decision"`
	Disclosed    []disclosure       `json:"disclosed"`
	// Grant is what the asker bears. Effects decided, with the holders' own decisions,
	// what was told (IDM-16); of those that contradict each other a case is opened.
	Grant   ident.EffectID   `json:"grant,omitzero"`
	Effects []ident.EffectID `json:"effects,omitempty"`
	clashes []decide.Clash
	// Sent are the requests to other hubs that came of it, each by its one-use id; Peer
	// is which hub asked, of an enquiry of another.
	Sent []sent     `json:"sent,omitempty"`
	Peer *peerAsker `json:"peer,omitempty"`
}

// disclosure is one cell that was told of, and the decision it was told on.
type disclosure struct {
	Handle   ident.HandleID   `json:"handle"`
	Decision ident.DecisionID `json:"decision"`
	once     bool             // on an override, which tells each column once
}

// Enquire answers one question. The steps that depend on the asker alone come
// first and their failures are explained; from the look-up on the work is the
// same whatever is found: one read, one append, durable before the answer
// (QRY-11, design.md section 4). Only whether a case has to be named depends on
// the read, and there on the asker's own publication alone. Where ctx ends during the append, the enquiry
// may be recorded and nobody was told.
func (s *Service) Enquire(ctx context.Context, who decide.Caller, q Question) (_ Answer, err error) {
	defer fault.Wrap(&err, "relmgr.Enquire")
	at := s.stamp()
	if err := asked(who.Terms, q); err != nil {
		return Answer{}, err
	}
	c, err := s.column(who, q.Column, at)
	if err != nil {
		return Answer{}, err
	}
	if (q.Identifier == "") == (q.Recognition == "") {
		return Answer{}, fault.At("/identifier", "give an identifier of your column or a registrar's recognition, one of the two")
	}
	if q.Recognition == "" {
		if err := q.Identifier.check(c); err != nil {
			return Answer{}, err
		}
	}
	asking := who.Terms.Ask(who.Actor, q.put(c), at)
	if err := mayLeave(who.Terms, q, &asking); err != nil {
		return Answer{}, err
	}
	e := enquiry{
		Enquiry: ident.NewEnquiry(), At: at, Practitioner: who.Practitioner, Agency: who.Agency, Column: c.ID,
		Purpose: q.Purpose, Reason: q.Reason, Concerning: q.Concerning, Transaction: q.Transaction, Emergency: q.Emergency, Case: q.Case, Scope: q.Scope,
		Decision: asking.Decision, Disclosed: []disclosure{},
	}
	if q.Grant != "" && asking.StoppedAt() == 0 {
		if e.Grant, err = s.bears(ctx, c, q.Grant, at); err != nil {
			return Answer{}, err
		}
	}
	if q.Recognition != "" {
		return s.enquireRecognised(ctx, who, q, c, &asking, e)
	}
	if asking.StoppedAt() > 0 {
		return Answer{}, s.refuseEnquiry(ctx, who, e)
	}
	if err := s.mayLookUp(ctx, who, q, c, &asking, at); err != nil {
		return Answer{}, err
	}
	for range maxReads {
		answer, again, err := s.lookUp(ctx, who, q, c, &asking, e)
		if err == nil && !again && q.Emergency {
			s.emergencies.Inc()
		}
		if err != nil || !again {
			return answer, err
		}
	}
	return Answer{}, unavailable("many are asking about the same person: try again")
}

// maxReads bounds how often an enquiry starts over because another made the
// same handle between its read and its append, or because its column's keys have
// changed. Twice is already rare.
const maxReads = 5

// lookUp reads the row, decides in memory, and appends. again is true when the
// handle was made by another enquiry in between, or by keys of another epoch.
func (s *Service) lookUp(ctx context.Context, who decide.Caller, q Question, c *decide.Column, asking *decide.Asking, e enquiry) (a Answer, again bool, err error) {
	t, err := s.keys.tokens(ctx, c, string(q.Identifier))
	if err != nil {
		return Answer{}, false, err
	}
	fresh, err := s.keys.newHandle(ctx, c, t, string(q.Identifier))
	if err != nil {
		return Answer{}, false, err
	}
	r, err := s.rows.Ask(ctx, place{c.ID, t.a, t.b, e.At})
	if err != nil {
		return Answer{}, false, pg.Fault(err)
	}
	if r.reading != t.reading {
		s.keys.forget(c.ID)
		return Answer{}, true, nil
	}
	if q.Case == "" && !r.holds(who.Terms, e.At) {
		asking = withoutCase(who, q, c, e.At)
		if e.Decision = asking.Decision; asking.StoppedAt() > 0 {
			return Answer{}, false, s.refuseEnquiry(ctx, who, e)
		}
	}
	e.Handle = fresh.HandleID
	if !r.own.IsZero() {
		e.Handle = r.own
	}
	a = r.answer(who, asking, q.about(), &e)
	var along map[string][]string
	if q.Scope == OfTheFederation {
		if along, err = s.ties(ctx, who.Terms, r, asking, e.At); err != nil {
			return Answer{}, false, err
		}
		e.Sent = addressed(who.Terms, asking, c, along)
	}

	l, err := s.leafOf(ctx, e.Enquiry, e)
	if err != nil {
		return Answer{}, false, err
	}
	err = s.append.append(ctx, entry{
		enquiry: e, role: asking.Role, termsVersion: who.Terms.Version, token: t.read(), fresh: fresh, leaf: l,
	})
	if errors.Is(err, errReadAgain) {
		s.keys.forget(c.ID) // it may have been that
		return Answer{}, true, nil
	} else if err != nil {
		return Answer{}, false, err
	}
	a.Commitment = l.Commitment
	a.Orders, err = s.orders(ctx, who, q, c, e, along)
	return a, false, err
}

// withoutCase decides anew on a question that names no case, about somebody whom
// the asker's own column does not publish.
func withoutCase(who decide.Caller, q Question, c *decide.Column, at time.Time) *decide.Asking {
	put := q.put(c)
	put.NoCase = true
	asking := who.Terms.Ask(who.Actor, put, at)
	return &asking
}

// sought is whom a question asks for.
type sought struct {
	transaction string // empty: anybody
	scope       Scope
}

func (q Question) about() sought { return sought{q.Transaction, q.Scope} }

// put is the question as its decision sees it.
func (q Question) put(c *decide.Column) decide.Question {
	return decide.Question{Column: c, Purpose: q.Purpose, Reason: q.Reason, Transaction: q.Transaction, Emergency: q.Emergency}
}

// asked refuses codes that the partnership has not declared, before anything is
// recorded.
func asked(t *decide.Terms, q Question) error {
	if err := (Why{q.Purpose, q.Reason}).check(t); err != nil {
		return err
	}
	if q.Transaction != "" && !decide.Has(t.Codes.Transactions, q.Transaction) {
		return fault.At("/transaction", "name a transaction of the partnership's list")
	}
	return nil
}

// refuseEnquiry records that the asker's own side stopped the question, or that
// the recognition that it carries is not theirs to use.
func (s *Service) refuseEnquiry(ctx context.Context, who decide.Caller, e enquiry) error {
	stopped, role := e.Decision.StoppedAt(), e.Decision.Role
	if role == "" {
		role = who.AnyRole()
		e.Role = role
	}
	refused := stoppedBy
	p := relmgrdb.RecordRefusedEnquiryParams{StoppedAt: sql.NullInt16{Int16: int16(stopped), Valid: stopped > 0}}
	if e.Recognition != nil && stopped == 0 {
		p.Recognition = string(e.Recognition.Outcome)
		refused = func(*decide.Decision) error { return e.Recognition.Outcome.because() }
	} else if e.Recognition != nil { // it serves another time
		e.Recognition = &recognised{Registrar: e.Recognition.Registrar, ID: e.Recognition.ID, Level: e.Recognition.Level, Types: e.Recognition.Types}
	}
	l, err := s.leafOf(ctx, e.Enquiry, e)
	if err != nil {
		return err
	}
	p.EnquiryID, p.WrappedKey, p.Commitment, p.At = e.Enquiry, l.WrappedKey, l.Commitment, e.At
	p.PractitionerID, p.AgencyID, p.Role, p.ColumnID, p.Purpose = e.Practitioner, e.Agency, role, e.Column, e.Purpose
	p.Reason, p.Concerning, p.Transaction, p.Emergency = e.Reason, e.Concerning, e.Transaction, e.Emergency
	p.TermsVersion, p.Sealed = who.Terms.Version, l.Sealed
	if err := s.q.RecordRefusedEnquiry(ctx, s.db, p); err != nil {
		return pg.Fault(err)
	}
	return onRecord(refused(&e.Decision), l.Commitment)
}

// stoppedBy explains a refused decision of the caller's own side.
func stoppedBy(d *decide.Decision) error {
	f := fault.New(fault.DecisionRefused, "step %d: %s", d.StoppedAt(), d.Because())
	f.Step = d.StoppedAt()
	return f
}

// answer decides what the row tells this asker, and notes it in the enquiry.
func (r row) answer(who decide.Caller, asking *decide.Asking, s sought, e *enquiry) Answer {
	a := Answer{ID: e.Enquiry, Published: r.published, Recourse: who.Terms.Recourses(asking)}
	told := r.tell(who.Terms, asking, s, e.At)
	a.Providers, e.Disclosed, e.Effects, e.clashes = told.providers, told.disclosed, told.effects, told.clashes
	for _, c := range told.clashes {
		if c.Grant == e.Grant {
			a.Escalated = ident.ReferenceOf(ident.CaseOf(clash, ident.UntypedID(c.Grant), ident.UntypedID(c.Withholding)), who.Agency)
			break
		}
	}
	return a
}

// clash is the source of cases that come from two effects.
const clash = "clash"

// bears returns the grant that a token carries, if it is in force and for the
// column. It rests on the token alone: whether there is anybody for whom it counts
// nobody learns of it.
func (s *Service) bears(ctx context.Context, c *decide.Column, token string, at time.Time) (ident.EffectID, error) {
	hash := sha256.Sum256([]byte(token))
	g, err := s.q.FindGrant(ctx, s.db, hash[:])
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return ident.EffectID{}, pg.Fault(err)
	}
	to := decide.Audience{Kind: decide.AudienceKind(g.AudienceKind), Names: g.Audience}
	if err != nil || !g.Live || !at.Before(g.Until) || !to.Includes(c) {
		return ident.EffectID{}, fault.New(fault.Forbidden, "the grant is not one that your column may use now: it has ended, or is for others; ask without it, or have another made")
	}
	return g.EffectID, nil
}

// onRecord gives whoever was refused the commitment of the refusal, so that they
// hold proof of it (ACT-03, LEG-18).
func onRecord(refusal error, commitment []byte) error {
	if f, ok := errors.AsType[*fault.Error](refusal); ok {
		f.Commitment = commitment
	}
	return refusal
}

// row is everything on the asker's row, as read.
type row struct {
	own       ident.HandleID
	reading   int32                   // the epoch of the tokens, or anchors, by which it was looked up
	found     map[ident.HandleID]bool // by a recognition, on any number of rows; nil for a question by identifier
	published bool
	cells     []cell
	sides     map[ident.ActID][]side
	excluded  map[ident.HandleID][]ident.Agency
	blocked   map[ident.HandleID][]string // reaches of a person's blocks
	effects   map[ident.HandleID][]decide.Effect
	apart     [][2]ident.HandleID
}

type cell struct {
	handle   ident.HandleID
	decision ident.DecisionID
	role     string
	standing decide.Standing
	offers   []Offer
}

type side struct {
	handle, far ident.HandleID
	standing    decide.Standing
}

// place is where a row is found, by a token of odd and one of even epochs, and
// the instant as of which.
type place struct {
	column ident.Column
	a, b   []byte
	at     time.Time
}

// mostPlaces is how many rows are read at once.
const mostPlaces = 128

// readRows reads the rows of all places at once.
func (s *Service) readRows(ctx context.Context, db relmgrdb.DBTX, places []place) ([]row, error) {
	var p relmgrdb.ReadRowsParams
	for i, at := range places {
		p.Numbers = append(p.Numbers, int32(i))
		p.ColumnIds = append(p.ColumnIds, string(at.column))
		p.Tokens, p.TokensB = append(p.Tokens, at.a), append(p.TokensB, at.b)
		p.Ats = append(p.Ats, at.at)
	}
	lines, err := s.q.ReadRows(ctx, db, p)
	if err != nil {
		return nil, pg.Fault(err)
	}
	parts := make([][]relmgrdb.ReadRowsRow, len(places))
	for _, l := range lines {
		parts[l.Number] = append(parts[l.Number], l)
	}
	rows := make([]row, len(places))
	for i := range rows {
		rows[i] = gather(parts[i])
	}
	return rows, nil
}

// readOwn reads the row of an identifier of the column.
func (s *Service) readOwn(ctx context.Context, c *decide.Column, identifier Identifier, at time.Time) (row, error) {
	for range maxReads {
		t, err := s.keys.tokens(ctx, c, string(identifier))
		if err != nil {
			return row{}, err
		}
		r, err := s.rows.Ask(ctx, place{c.ID, t.a, t.b, at})
		if err != nil {
			return row{}, pg.Fault(err)
		}
		if r.reading == t.reading {
			return r, nil
		}
		s.keys.forget(c.ID)
	}
	return row{}, unavailable("the keys of the column are changing: try again")
}

// gather sorts the parts of one row.
func gather(parts []relmgrdb.ReadRowsRow) row {
	r := row{sides: map[ident.ActID][]side{}, excluded: map[ident.HandleID][]ident.Agency{}, blocked: map[ident.HandleID][]string{}, effects: map[ident.HandleID][]decide.Effect{}}
	listed := map[ident.HandleID]int{}
	for _, p := range parts {
		switch p.Part {
		case "own":
			r.own, r.reading = p.HandleID, p.Reading
		case "cell": // once for each of its offers
			i, again := listed[p.HandleID]
			if !again {
				i = len(r.cells)
				listed[p.HandleID] = i
				r.cells = append(r.cells, cell{handle: p.HandleID, decision: ident.DecisionID(p.DecisionID), role: p.Role, standing: standing(p)})
			}
			if p.Kind != "" {
				r.cells[i].offers = append(r.cells[i].offers, Offer{Kind: OfferKind(p.Kind), Transactions: p.Transactions, Contact: p.Contact})
			}
		case "side":
			act := ident.ActID(p.ActID)
			r.sides[act] = append(r.sides[act], side{handle: p.HandleID, far: ident.HandleID(p.FarHandle), standing: standing(p)})
		case "excluded":
			r.excluded[p.HandleID] = append(r.excluded[p.HandleID], ident.Agency(p.Excluded))
		case "blocked":
			r.blocked[p.HandleID] = append(r.blocked[p.HandleID], p.Kind)
		case "apart":
			r.apart = append(r.apart, [2]ident.HandleID{p.HandleID, ident.HandleID(p.FarHandle)})
		case "effect":
			r.effects[p.HandleID] = append(r.effects[p.HandleID], effect(p))
		}
	}
	if !r.own.IsZero() {
		_, r.published = listed[r.own]
	}
	return r
}

func standing(p relmgrdb.ReadRowsRow) decide.Standing {
	return decide.Standing{
		Column: ident.Column(p.ColumnID), Agreement: p.Agreement, Power: p.Power, Ground: decide.Ground(p.Ground),
		Purposes: p.Purposes, Audience: decide.Audience{Kind: decide.AudienceKind(p.AudienceKind), Names: p.Audience},
		Until: p.Until, Consented: p.Consented,
		Mode: decide.Mode(p.Mode), Aspects: p.Aspects, Conditions: decide.Conditions{Ordinary: p.Ordinary, Sensitive: p.Sensitive},
		Review: p.ReviewAt, Risk: p.Risk, Spent: p.Override == "spent", Rejected: p.Override == "rejected",
	}
}

func effect(p relmgrdb.ReadRowsRow) decide.Effect {
	e := decide.Effect{
		ID: ident.EffectID(p.FarHandle), Manager: ident.Idmgr(p.Contact), Withhold: p.Kind == "withhold", Standing: standing(p), Reasons: p.Transactions,
	}
	e.Standing.Risk = ""
	for _, id := range strings.Fields(p.Risk) {
		if to, err := ident.ParseEffect(id); err == nil {
			e.YieldsTo = append(e.YieldsTo, to)
		}
	}
	return e
}

// holds reports whether the asker's own column publishes the person, on a
// decision that stands. It is the asker's own knowledge: it may be explained.
func (r row) holds(t *decide.Terms, at time.Time) bool {
	return slices.ContainsFunc(r.cells, func(c cell) bool { return c.handle == r.own && t.Stands(c.standing, at) })
}

// opens reports whether one side's decision lets this asker follow the
// correlation: the asker's own agency knows what it decided itself, everybody
// else must be told by it.
func (v side) opens(t *decide.Terms, asking *decide.Asking, at time.Time) bool {
	if c := t.FindColumn(v.standing.Column, at); c != nil && c.Agency == asking.Column.Agency {
		return t.Stands(v.standing, at)
	}
	return t.Discloses(v.standing, asking, at)
}

// open are the correlations that this asker may follow.
func (r row) open(t *decide.Terms, asking *decide.Asking, at time.Time) graph {
	g := graph{}
	for _, both := range r.sides {
		if len(both) == 2 && both[0].opens(t, asking, at) && both[1].opens(t, asking, at) {
			g.connect(both[0].handle, both[0].far)
		}
	}
	return g
}

// tell decides which cells of the row answer this asker at this instant. The
// row answered is what the correlations in force reach: a correlation rests on
// both its sides' decisions, ends with either, and joins only for those to whom
// both disclose it.
func (r row) tell(t *decide.Terms, asking *decide.Asking, s sought, at time.Time) weighed {
	out := weighed{providers: []Provider{}, disclosed: []disclosure{}}
	reached, left := r.reached(r.open(t, asking, at))
	for _, c := range r.cells {
		column := t.FindColumn(c.standing.Column, at)
		if c.handle == r.own || !reached[c.handle] || column == nil || column.ID == asking.Column.ID ||
			left[column.Agency] || left[asking.Column.Agency] || r.hides(c.handle, asking) {
			continue
		}
		if s.scope == OfTheAgency && column.Agency != asking.Column.Agency {
			continue
		}
		p := present(t, column, c, s.transaction)
		if len(p.Offers) == 0 {
			continue
		}
		outcome := t.Weigh(c.standing, r.effects[c.handle], asking, at)
		out.effects, out.clashes = append(out.effects, outcome.By...), append(out.clashes, outcome.Clashes...)
		if outcome.Told {
			out.providers = append(out.providers, p)
			out.disclosed = append(out.disclosed, disclosure{c.handle, c.decision, c.standing.Risk != ""})
		}
	}
	inOrderOfCodes(out.providers)
	return out
}

// weighed is what a row came to for one asker: who is told of, and the managers' effects
// that had a part in it.
type weighed struct {
	providers []Provider
	disclosed []disclosure
	effects   []ident.EffectID
	clashes   []decide.Clash
}

// inOrderOfCodes sorts who is told of: the order of the read would tell who came
// first.
func inOrderOfCodes(providers []Provider) {
	slices.SortFunc(providers, func(a, b Provider) int {
		return cmp.Or(cmp.Compare(a.Agency, b.Agency), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Role, b.Role))
	})
}

// hides reports whether the person hides the handle from this asker: a block
// gives way to a recorded emergency, creator-only to nothing.
func (r row) hides(h ident.HandleID, asking *decide.Asking) bool {
	return slices.ContainsFunc(r.blocked[h], func(reach string) bool { return reach != "block" || !asking.Emergency })
}

// reached is the asker's component of the correlations of g, or those on which the
// person was found, and the agencies that a subject left out on a handle of it.
func (r row) reached(g graph) (map[ident.HandleID]bool, map[ident.Agency]bool) {
	reached, left := map[ident.HandleID]bool{}, map[ident.Agency]bool{}
	if r.found == nil {
		reached = among(g, r.own)
	}
	for h := range r.found {
		maps.Copy(reached, among(g, h))
	}
	for h := range reached {
		for _, agency := range r.excluded[h] {
			left[agency] = true
		}
	}
	// A row that holds both ends of a keep-apart contradicts itself: it answers
	// nobody until a person separates it.
	if slices.ContainsFunc(r.apart, func(k [2]ident.HandleID) bool { return reached[k[0]] && reached[k[1]] }) {
		reached = nil
	}
	return reached, left
}

// present is a cell as the asker sees it: who, as what, how to reach them, and
// what they offer, those that will do something first. With a transaction, only the
// offers of it.
func present(t *decide.Terms, column *decide.Column, c cell, transaction string) Provider {
	p := Provider{Provider: *t.ProviderOf(column), Role: decide.TitleOf(t.Codes.Roles, c.role), AgencyName: t.AgencyName(column.Agency)}
	p.Agency = column.Agency // who controls the column, also where a team's own agency is another
	for _, o := range c.offers {
		if transaction != "" && !slices.Contains(o.Transactions, transaction) {
			continue
		}
		if route := column.Route(o.Contact); route != nil {
			p.Offers = append(p.Offers, Offered{Offer: o, Contact: *route})
		}
	}
	// In an order of their own: the database's may change when it is moved or vacuumed.
	slices.SortFunc(p.Offers, func(a, b Offered) int {
		return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Offer.Contact, b.Offer.Contact), slices.Compare(a.Transactions, b.Transactions))
	})
	return p
}
