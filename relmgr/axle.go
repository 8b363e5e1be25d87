package relmgr

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Along an axle hubs ask each other, and each answers by its own decisions (design.md
// section 4, docs/decisions/0084). The person is named by an identifier of a scheme that
// both hubs' columns declare, or by ties (tie.go).

// aPeer stands where a practitioner and an agency of the partnership would, in the
// record of another hub's enquiry.
const aPeer = "a-peer"

// mostTold is how many another hub is told of at once.
const mostTold = 8

// sent is a request to another hub, as its asker's record has it.
type sent struct {
	Hub     string        `json:"hub"`
	Request string        `json:"request"`
	LookUp  decide.LookUp `json:"look_up,omitempty"` // private, first or only
	Tied    bool          `json:"tied,omitempty"`    // along ties, too
}

// Order is what relmgr has its own federation duty send to a hub.
type Order struct {
	Hub   string
	Order string // compact JWS
}

// peerAsker is who asked at another hub, as this one's record has it. Nothing of it names
// the person.
type peerAsker struct {
	Hub        string       `json:"hub"`
	Agency     ident.Agency `json:"agency"`
	AgencyName string       `json:"agency_name"`
	Power      string       `json:"power"`
	Request    string       `json:"request"` // its one-use id
	Hash       []byte       `json:"hash,omitempty"`
	Outcome    PeerOutcome  `json:"outcome"`
}

// PeerOutcome is what became of another hub's request.
type PeerOutcome string

// The outcomes. Not understood is a code that the partnership has not declared: nothing
// is recorded here, and recourse says what becomes of it (FED-05, FED-36).
const (
	PeerAnswered      PeerOutcome = "answered"
	PeerStopped       PeerOutcome = "stopped"
	PeerUsedBefore    PeerOutcome = "used-before"
	PeerNotUnderstood PeerOutcome = "not-understood"
	PeerEvaluated     PeerOutcome = "evaluated" // the steps of a private look-up
	PeerLookedUp      PeerOutcome = "looked-up"
	PeerOverQuota     PeerOutcome = "over-quota"
)

const (
	servesOnce = "each request serves once: ask again"
	overQuota  = "this hub has taken as many questions for that purpose today as it takes of one hub: ask tomorrow, or the holder directly"
)

// PeerAnswer is what another hub is told: less than an asker of the partnership
// (FED-27).
type PeerAnswer struct {
	Outcome    PeerOutcome
	Because    string
	Providers  []PeerProvider
	Commitment []byte
}

// PeerProvider is one who works with the person: which agency, and how to reach them.
type PeerProvider struct {
	AgencyName string
	Contact    decide.ContactRoute
}

// axleKey signs an agency's questions to other hubs. It is used in a verified request
// of that agency's own practitioner, and nowhere else.
func axleKey(agency ident.Agency) seal.KeyID {
	return seal.KeyID("sign/axle/" + string(agency) + "/1")
}

// mayLeave refuses a question that cannot go to other hubs, before anything is looked
// up. It depends on the asker and the terms alone.
func mayLeave(t *decide.Terms, q Question, asking *decide.Asking) error {
	switch {
	case q.Scope != OfTheFederation || asking.StoppedAt() > 0:
		return nil
	case q.Recognition != "" && len(q.Elsewhere) == 0:
		return fault.At("/scope", "other hubs are asked by an identifier of a shared scheme, along a tie, or by a registrar's word to each: give that under elsewhere")
	case len(t.PeersOf(asking)) == 0:
		return fault.At("/scope", "no agreement under which you may ask names another hub: ask the partnership alone")
	}
	for hub := range q.Elsewhere {
		if !slices.Contains(t.PeersOf(asking), hub) {
			return fault.At("/elsewhere", "name only hubs that an agreement under which you may ask names")
		}
	}
	return nil
}

// recognisedAt are the hubs that are asked by a registrar's word, each with a one-use id of its own.
func recognisedAt(q Question) (to []sent) {
	for _, hub := range slices.Sorted(maps.Keys(q.Elsewhere)) {
		to = append(to, sent{Hub: hub, Request: rand.Text()})
	}
	return to
}

// addressed draws a one-use id for each hub that the asker may ask, so that no two hubs
// have a value of the question in common but what it says. From a column without a scheme
// only those are asked to which a tie leads.
func addressed(t *decide.Terms, asking *decide.Asking, c *decide.Column, along map[string][]string) (to []sent) {
	for _, hub := range t.PeersOf(asking) {
		s := sent{Hub: hub, Request: rand.Text(), Tied: len(along[hub]) > 0}
		if c.Scheme != "" {
			s.LookUp = t.LookUpAt(asking, hub)
		} else if !s.Tied {
			continue
		}
		to = append(to, s)
	}
	return to
}

// orders signs what was recorded as sent.
func (s *Service) orders(ctx context.Context, who decide.Caller, q Question, c *decide.Column, e enquiry, along map[string][]string) (orders []Order, err error) {
	if len(e.Sent) == 0 {
		return nil, nil
	}
	key := axleKey(who.Agency)
	if err := s.keys.ensure(ctx, key, seal.KindSign); err != nil {
		return nil, err
	}
	set, err := attest.PublicKeys(ctx, s.keys.keys, key)
	if err != nil {
		return nil, err
	}
	public, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	agency := attest.NewSigner(s.keys.keys, key, who.Terms.Partnership.Hub)
	codes := who.Terms.Codes
	now, until := e.At.Unix(), e.At.Add(attest.AxleLife).Unix()
	for _, to := range e.Sent {
		order := attest.AxleOrder{
			Claims: attest.Claims{Issuer: Issuer, Audience: "federation", Subject: string(who.Practitioner), IssuedAt: now, NotBefore: now, Expires: until, ID: to.Request},
			Hub:    to.Hub, Agency: who.Agency, Scheme: c.Scheme, Keys: public,
		}
		question := attest.AxleQuestion{
			Claims: attest.Claims{Issuer: agency.Issuer(), Audience: to.Hub, IssuedAt: now, NotBefore: now, Expires: until, ID: to.Request},
			Agency: who.Agency, AgencyName: who.Terms.AgencyName(who.Agency), Role: decide.SharedOf(codes.Roles, e.Decision.Role), Power: e.Decision.Power,
			Purpose: decide.SharedOf(codes.Purposes, q.Purpose), Reason: decide.SharedOf(codes.Reasons, q.Reason), Concerning: q.Concerning,
			Transaction: decide.SharedOf(codes.Transactions, q.Transaction), Emergency: q.Emergency, Ties: along[to.Hub],
		}
		if to.Tied {
			if order.Tied, err = agency.Sign(ctx, attest.TypAxleQuestion, question); err != nil {
				return nil, err
			}
		}
		question.Scheme, question.Ties, question.Recognition = c.Scheme, nil, q.Elsewhere[to.Hub]
		if question.Recognition != "" {
			question.Scheme, order.Scheme = "", ""
		}
		if to.LookUp != "" {
			order.LookUp = &attest.AxleLookUp{Scheme: c.Scheme, Identifier: string(q.Identifier)}
			if order.LookUp.Question, err = agency.Sign(ctx, attest.TypAxleLookUp, question); err != nil {
				return nil, err
			}
		}
		if question.Recognition != "" || c.Scheme != "" && to.LookUp != decide.LookUpOnly {
			question.Identifier = string(q.Identifier)
			if order.Question, err = agency.Sign(ctx, attest.TypAxleQuestion, question); err != nil {
				return nil, err
			}
		}
		signed, err := s.proofs.Sign(ctx, attest.TypAxleOrder, order)
		if err != nil {
			return nil, err
		}
		orders = append(orders, Order{to.Hub, signed})
	}
	return orders, nil
}

// AnswerPeer answers what another hub asks, by this hub's own decisions (FED-31). The
// voucher is the own federation duty's word for the hub and its keys; the message is the
// hub's, and carries its agency's question. The agreements with the hub are asked first,
// and their refusal is explained and recorded; from the read on the work, the record and
// the answer's form are the same whatever is found: one read, one append, durable before
// the answer, with the request's one-use id, so that of two who bring it one is told.
// Errors: Unauthenticated for a voucher that is not the own federation duty's for this
// message and now; Invalid for a message that does not verify.
func (s *Service) AnswerPeer(ctx context.Context, t *decide.Terms, voucher, message string) (a PeerAnswer, err error) {
	defer fault.Wrap(&err, "relmgr.AnswerPeer")
	at := s.stamp()
	_, q, agreed, err := s.asksHere(ctx, t, voucher, message, (*attest.Verifier).VerifyQuestion)
	if err != nil {
		return PeerAnswer{}, err
	}
	if !understood(t, &q) {
		return PeerAnswer{Outcome: PeerNotUnderstood, Because: "the partnership has not declared one of the codes"}, nil
	}
	step := ""
	if len(q.Ties) > 0 {
		step = "tied" // it has the id of the question beside which it goes
	}
	e, asking, err := s.fromPeer(ctx, t, q, agreed, at, false, step)
	if err == nil && q.Recognition != "" {
		e.Recognition, e.Peer.Hash, err = s.recognisedElsewhere(ctx, t, q)
	}
	if err != nil {
		return PeerAnswer{}, err
	}
	a = PeerAnswer{Outcome: PeerAnswered, Providers: []PeerProvider{}}
	switch e.Peer.Outcome {
	case PeerStopped:
		a.Outcome, a.Because = PeerStopped, asking.Because()
	case PeerOverQuota:
		a.Outcome, a.Because = PeerOverQuota, overQuota
	default:
		var r row
		switch {
		case len(q.Ties) > 0:
			r, err = s.readTied(ctx, t, &asking, q.Ties, at)
		case e.Recognition != nil:
			r, err = s.readAnchored(ctx, t, &decide.Column{}, *e.Recognition, at)
		default:
			r, err = s.readSchemed(ctx, t, q.Scheme, Identifier(q.Identifier), at)
		}
		if err != nil {
			return PeerAnswer{}, err
		}
		told := r.tell(t, &asking, sought{q.Transaction, OfTheFederation}, at)
		e.Disclosed, e.Effects = told.disclosed, told.effects
		for _, p := range told.providers[:min(len(told.providers), mostTold)] {
			a.Providers = append(a.Providers, PeerProvider{p.AgencyName, p.Offers[0].Contact})
		}
	}
	a.Commitment, err = s.recordFromPeer(ctx, t, e)
	if pg.Constraint(err) == "peer_requests_pkey" {
		e.Enquiry, e.Peer.Outcome, e.Peer.Hash, e.Disclosed, e.Effects = ident.NewEnquiry(), PeerUsedBefore, nil, []disclosure{}, nil
		a = PeerAnswer{Outcome: PeerUsedBefore, Because: servesOnce, Providers: []PeerProvider{}}
		a.Commitment, err = s.recordFromPeer(ctx, t, e)
	}
	if err != nil {
		return PeerAnswer{}, err
	}
	if q.Emergency && a.Outcome == PeerAnswered {
		s.emergencies.Inc()
	}
	return a, nil
}

// recognisedElsewhere reads the word of a registrar of this partnership that another hub's question
// carries: made for this hub, for now and for the agency that signed the question. It
// serves once, whatever questions carry it: the hash says which it was.
func (s *Service) recognisedElsewhere(ctx context.Context, t *decide.Terms, q attest.AxleQuestion) (rec *recognised, hash []byte, err error) {
	err = ofARegistrar(t, s.now, func(v *attest.Verifier) error {
		c, err := v.VerifyRecognition(ctx, q.Recognition, Audience(t), statementLife(t))
		if err != nil {
			return err
		}
		if err := s.notSuspended(ctx, v.Issuer(), "/message"); err != nil {
			return err
		}
		rec = &recognised{Registrar: v.Issuer(), ID: c.ID, Level: decide.Confidence(c.Level), Types: slices.Sorted(slices.Values(c.Types))}
		if err := sayable(rec.Level, rec.Types); err != nil {
			return err
		}
		if c.Agency != q.Agency {
			return attest.ErrStatement
		}
		rec.secret, err = s.open(ctx, c.Secret)
		return err
	})
	if errors.Is(err, attest.ErrStatement) {
		return nil, nil, fault.At("/message", "send a recognition that a registrar of this partnership made for this hub, for the agency that asks, and for now").Because(err)
	} else if err != nil {
		return nil, nil, err
	}
	hash, err = s.keys.mac(ctx, recognitionKey, "peer's recognition\n"+rec.Registrar+"\n"+rec.ID.String())
	return rec, hash, err
}

// fromPeer begins the record of another hub's question, with what came of the steps that rest
// on the agreements with it, and of its quota. step tells the messages of one question apart.
func (s *Service) fromPeer(ctx context.Context, t *decide.Terms, q attest.AxleQuestion, agreed decide.Agreed, at time.Time, private bool, step string) (enquiry, decide.Asking, error) {
	asking := t.AskedBy(decide.FromPeer{Hub: q.Issuer, Role: q.Role, Purpose: q.Purpose, Reason: q.Reason, Emergency: q.Emergency, Private: private, Agreed: agreed}, at)
	hash, err := s.keys.mac(ctx, recognitionKey, "peer\n"+q.Issuer+"\n"+q.ID+step)
	if err != nil {
		return enquiry{}, asking, err
	}
	e := enquiry{
		Enquiry: ident.NewEnquiry(), At: at, Practitioner: aPeer, Agency: aPeer, Role: q.Role, Purpose: q.Purpose, Reason: q.Reason, Concerning: q.Concerning,
		Transaction: q.Transaction, Emergency: q.Emergency, Scope: OfTheFederation, Decision: asking.Decision, Disclosed: []disclosure{},
		Peer: &peerAsker{Hub: q.Issuer, Agency: q.Agency, AgencyName: q.AgencyName, Power: q.Power, Request: q.ID, Hash: hash, Outcome: PeerAnswered},
	}
	if asking.StoppedAt() > 0 {
		e.Peer.Outcome = PeerStopped
		return e, asking, nil
	}
	most := t.Settings.Quotas.OrDefault().PeerQuestions
	if private {
		most = lookUpSteps * t.Settings.Quotas.OrDefault().PeerLookUps
	}
	if within, err := s.within(ctx, at, q.Issuer, q.Purpose, private, most); err != nil {
		return e, asking, err
	} else if !within {
		e.Peer.Outcome = PeerOverQuota
	}
	return e, asking, nil
}

// within counts a question of the day, and reports whether it is within the quota: of those
// who ask at once, as many as it leaves are. One whose asker then dies is counted.
func (s *Service) within(ctx context.Context, at time.Time, asker, purpose string, private bool, most int) (bool, error) {
	_, err := s.q.CountAsked(ctx, s.db, relmgrdb.CountAskedParams{Day: at.UTC().Truncate(24 * time.Hour), Asker: asker, Purpose: purpose, Private: private, Most: int32(most)})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, pg.Fault(err)
}

// asksHere returns a message that verifies under the keys that the own federation duty
// vouches for, and its question.
func (s *Service) asksHere(ctx context.Context, t *decide.Terms, voucher, message string, verify func(*attest.Verifier, context.Context, string, string) (attest.AxleQuestion, error)) (m attest.AxleMessage, q attest.AxleQuestion, agreed decide.Agreed, err error) {
	v, err := s.vouched(ctx, voucher, message)
	if err != nil {
		return m, q, agreed, err
	}
	hub := t.Partnership.Hub
	if m, err = attest.VerifyVouched(ctx, v, message, hub, s.now); err == nil {
		var keys attest.KeySet
		if keys, err = attest.ParseKeySet(m.Keys); err == nil {
			q, err = verify(attest.NewVerifier(v.Hub, keys.Fixed, s.now), ctx, m.Question, hub)
		}
	}
	if err != nil {
		return m, q, agreed, fault.At("/message", "send a request that its hub and its agency signed for this hub and for now").Because(err)
	}
	return m, q, decide.Agreed{Purposes: ours(t.Codes.Purposes, v.Purposes), Roles: ours(t.Codes.Roles, v.Roles)}, nil
}

// understood reports whether the partnership has declared, or mapped, every code of the
// question, and puts its own in their place (FED-36).
func understood(t *decide.Terms, q *attest.AxleQuestion) bool {
	switch decide.Concerning(q.Concerning) {
	case decide.Child, decide.Adult, decide.Unborn, decide.NotKnown:
	default:
		return false
	}
	for _, c := range []struct {
		list []decide.Code
		code *string
	}{{t.Codes.Purposes, &q.Purpose}, {t.Codes.Reasons, &q.Reason}, {t.Codes.Roles, &q.Role}, {t.Codes.Transactions, &q.Transaction}} {
		if c.code == &q.Transaction && q.Transaction == "" {
			continue
		}
		local, ok := decide.LocalOf(c.list, *c.code)
		if !ok {
			return false
		}
		*c.code = local
	}
	return len(q.Ties) > 0 || q.Recognition != "" || slices.ContainsFunc(t.Columns, func(c decide.Column) bool { return c.Scheme == q.Scheme })
}

// ours are the partnership's own codes of what the officers of two hubs have agreed.
func ours(list []decide.Code, shared []string) (local []string) {
	for _, s := range shared {
		if code, ok := decide.LocalOf(list, s); ok {
			local = append(local, code)
		}
	}
	return local
}

// readSchemed reads every row on which a column of the scheme has the identifier, in one
// statement. An identifier that fits no pattern is looked up all the same.
func (s *Service) readSchemed(ctx context.Context, t *decide.Terms, scheme string, identifier Identifier, at time.Time) (row, error) {
	columns := t.ColumnsOf(scheme, at)
	for range maxReads {
		var places []place
		var reading []int32
		for _, c := range columns {
			k, err := s.keys.tokens(ctx, c, string(identifier))
			if err != nil {
				return row{}, err
			}
			places, reading = append(places, place{c.ID, k.a, k.b, at}), append(reading, k.reading)
		}
		rows, err := s.readRows(ctx, s.read, places)
		if err != nil {
			return row{}, pg.Fault(err)
		}
		current := true
		for i, r := range rows {
			if r.reading != reading[i] {
				s.keys.forget(columns[i].ID)
				current = false
			}
		}
		if current {
			return together(rows), nil
		}
	}
	return row{}, unavailable("the keys of a column are changing: try again")
}

// together is several rows as one read: the person was found on each, by a handle of
// each.
func together(rows []row) row {
	all := gather(nil)
	all.found = map[ident.HandleID]bool{}
	seen := map[ident.HandleID]bool{}
	for _, r := range rows {
		if !r.own.IsZero() {
			all.found[r.own] = true
		}
		for _, c := range r.cells {
			if !seen[c.handle] {
				all.cells = append(all.cells, c)
			}
			seen[c.handle] = true
		}
		for act, sides := range r.sides {
			all.sides[act] = sides
		}
		for h, agencies := range r.excluded {
			all.excluded[h] = agencies
		}
		for h, reaches := range r.blocked {
			all.blocked[h] = reaches
		}
		for h, effects := range r.effects {
			all.effects[h] = effects
		}
		all.apart = append(all.apart, r.apart...)
	}
	return all
}

// recordFromPeer appends another hub's enquiry. The constraint peer_requests_pkey says
// that its one-use id was used, and nothing is written.
func (s *Service) recordFromPeer(ctx context.Context, t *decide.Terms, e enquiry) ([]byte, error) {
	l, err := s.leafOf(ctx, e.Enquiry, e)
	if err != nil {
		return nil, err
	}
	p := relmgrdb.RecordFromPeerParams{
		EnquiryID: e.Enquiry, At: e.At, PractitionerID: aPeer, AgencyID: aPeer, Role: e.Role, Purpose: e.Purpose, Reason: e.Reason,
		Concerning: e.Concerning, Transaction: e.Transaction, Emergency: e.Emergency, TermsVersion: t.Version, Peer: e.Peer.Hub, PeerOutcome: string(e.Peer.Outcome),
		RequestHash: e.Peer.Hash, Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey, ReviewDue: e.At.Add(reviewWithin),
		ReviewedBy: reviewedBy(t, e), ToldHandles: []string{}, ToldDecisions: []string{},
	}
	if stopped := e.Decision.StoppedAt(); e.Peer.Outcome == PeerStopped {
		p.StoppedAt = sql.NullInt16{Int16: int16(stopped), Valid: true}
	}
	for _, d := range e.Disclosed {
		p.ToldHandles, p.ToldDecisions = append(p.ToldHandles, d.Handle.String()), append(p.ToldDecisions, d.Decision.String())
	}
	if err := s.q.RecordFromPeer(ctx, s.read, p); err != nil {
		return nil, pg.Fault(err)
	}
	return l.Commitment, nil
}

// reviewedBy is the agency whose reviewers look at another hub's emergency: the first
// party to the agreement under which it was asked.
func reviewedBy(t *decide.Terms, e enquiry) string {
	if a := t.Agreement(e.Decision.Agreement); a != nil && len(a.Parties) > 0 {
		return string(a.Parties[0])
	}
	return aPeer
}
