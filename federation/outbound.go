package federation

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Axles carries questions between this hub and its peers (docs/decisions/0084). It
// decides nothing: whether a practitioner may ask is their relmgr's, which ordered it, and
// what is answered the other hub's. Safe for concurrent use.
type Axles struct {
	s        *Service
	orders   *attest.Verifier // relmgr's
	opener   *attest.Opener
	relmgr   string
	client   *http.Client // of other hubs,
	inside   *http.Client // and of this one
	deadline time.Duration

	mu    sync.Mutex
	quiet map[string]absence // by hub

	written chan struct{}        // there is something to tell another hub
	alerted map[ident.ActID]bool // disputes that are known to be overdue: Run's own

	desks     map[string]desk
	taken     map[string][]replied // letters of a duty that were taken and it has not heard so: RunLetters's own
	awayUntil map[string]time.Time // when a hub that has not taken a letter is tried again: likewise
}

// absence is how often a hub has failed to answer in a row, and until when it is not
// asked.
type absence struct {
	failures int
	until    time.Time
}

// The bounds of asking another hub.
const (
	// AxleDeadline is how long one hub is waited for; what it says later nobody hears.
	AxleDeadline = 5 * time.Second
	// quietAfter failures in a row a hub is left alone for quietFor: a dead peer costs a
	// practitioner nothing from then on.
	quietAfter = 3
	quietFor   = 30 * time.Second
	// mostTries are made where it is certain that the one before was not taken.
	mostTries = 2
	maxReply  = 32 << 10
	// MostAsked is how many hubs one call asks.
	MostAsked = 50
)

// AxleConfig is what Axles needs beside the duty. All of it is required, but Idmgrs and Deadline.
type AxleConfig struct {
	// Orders trusts relmgr's orders, Relmgr is where it is served.
	Orders *attest.Verifier
	Relmgr string
	// Idmgrs are where the hub's identity managers are served; none: private links stay
	// within the hub.
	Idmgrs []string
	// Transport reaches other hubs.
	Transport http.RoundTripper
	// Deadline of one hub; zero: AxleDeadline.
	Deadline time.Duration
}

// NewAxles opens the axles of a hub.
func NewAxles(ctx context.Context, s *Service, c AxleConfig) (*Axles, error) {
	if c.Orders == nil || c.Relmgr == "" || c.Transport == nil {
		return nil, errors.New("federation: axles need relmgr's orders and address, and a way to other hubs")
	}
	opener, err := attest.NewOpener(ctx, s.keys, OpenerKey)
	if err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	if c.Deadline == 0 {
		c.Deadline = AxleDeadline
	}
	a := &Axles{
		s: s, orders: c.Orders, opener: opener, relmgr: c.Relmgr,
		client:   &http.Client{Transport: c.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		inside:   &http.Client{Timeout: c.Deadline},
		deadline: c.Deadline, quiet: map[string]absence{}, written: make(chan struct{}, 1), alerted: map[ident.ActID]bool{},
		taken: map[string][]replied{}, awayUntil: map[string]time.Time{},
	}
	a.desks = map[string]desk{"relmgr": relmgrDesk{a}}
	if len(c.Idmgrs) > 0 {
		a.desks["idmgr"] = idmgrDesk{a, c.Idmgrs}
	}
	return a, nil
}

// PeerSays is what became of one question: the hub answered or it did not, and nothing
// finer (QRY-04).
type PeerSays struct {
	Hub      string
	Answered bool
	Answer   AxleAnswer
}

// AxleAnswer is what one hub tells another: what relmgr there decided, by which record
// of its log. It is kept by nobody: from the next question on what has ended is not told.
type AxleAnswer struct {
	attest.Claims
	ReplyTo    string         `json:"reply_to"`
	Outcome    string         `json:"outcome"`
	Because    string         `json:"because,omitempty"`
	Providers  []AxleProvider `json:"providers"`
	Commitment string         `json:"commitment,omitempty"` // in hexadecimal
	LookUp     *LookedUp      `json:"look_up,omitempty"`
	Carried    string         `json:"carried,omitempty"` // SHA-256 of what was passed back, base64url
	Reply      string         `json:"reply,omitempty"`   // to a letter that was taken
}

// check refuses what no hub of this version answers: another hub's word goes no further
// than that.
func (a AxleAnswer) check(to string) error {
	text, err := hex.DecodeString(a.Commitment)
	switch {
	case a.ReplyTo != to:
		return errors.New("the answer is to another message")
	case !slices.Contains([]string{"answered", "stopped", usedBefore, overQuota, evaluated, lookedUp, returned, discarded, escalated, taken, passed, noAnswer}, a.Outcome):
		return errors.New("the answer has an outcome that is none")
	case a.Commitment != "" && (err != nil || len(text) != sha256.Size):
		return errors.New("the answer has a commitment that is none")
	case (a.LookUp != nil) != (a.Outcome == evaluated || a.Outcome == lookedUp) || !a.LookUp.bounded():
		return errors.New("the answer has a look-up where there is none, or none where there is")
	case a.Outcome != taken && a.Reply != "" || len(a.Reply) > mostReply:
		return errors.New("the answer has a reply that is none")
	case len(a.Providers) > mostTold || a.Outcome != "answered" && len(a.Providers) > 0 || len(a.Because) > 500:
		return errors.New("the answer says more than an answer may")
	}
	for _, p := range a.Providers {
		c := p.Contact
		if !slices.Contains([]string{"telephone", "email", "page"}, c.Kind) || p.AgencyName == "" || c.Value == "" || !printable(p.AgencyName+c.Value+c.Hours+c.Confirmed) {
			return errors.New("the answer names somebody whom nobody could reach")
		}
	}
	return nil
}

// mostReply is how long a reply to a letter may be.
const mostReply = 2048

// mostTold is how many one hub tells another of (docs/decisions/0084).
const mostTold = 8

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// AxleProvider is one who works with the person: the agency and a route, and no more
// (FED-27).
type AxleProvider struct {
	AgencyName string              `json:"agency_name"`
	Contact    decide.ContactRoute `json:"contact"`
}

// Ask sends what relmgr ordered for the caller, each to its hub, all at once, and waits
// for each no longer than the deadline. One that is slow, dead or lying costs the others
// nothing. With an area, a hub that states that it knows nobody from there is not asked. Every
// order serves once. Errors: Invalid for orders that are not relmgr's for
// this caller and for now; then nothing is sent.
func (a *Axles) Ask(ctx context.Context, who decide.Caller, orders []string, area string) (says []PeerSays, err error) {
	defer fault.Wrap(&err, "federation.Ask")
	read := make([]attest.AxleOrder, len(orders))
	seen := map[string]bool{}
	for i, token := range orders {
		o := &read[i]
		err := a.orders.Verify(ctx, token, attest.Expect{Typ: attest.TypAxleOrder, Audience: "federation", MaxLifetime: attest.AxleLife}, o)
		if err != nil && !errors.Is(err, attest.ErrStatement) {
			return nil, err
		}
		if err != nil || o.Subject != string(who.Practitioner) || o.Agency != who.Agency || seen[o.Hub] {
			return nil, fault.At(fmt.Sprintf("/orders/%d", i), "send the orders that relmgr gave you for this question, within two minutes, each once").Because(err)
		}
		seen[o.Hub] = true
	}
	says = make([]PeerSays, len(read))
	sent := make([][]exchange, len(read))
	var all sync.WaitGroup
	for i, o := range read {
		all.Go(func() { says[i], sent[i] = a.askOne(ctx, o, area) })
	}
	all.Wait()
	// Who asked may be gone: what was sent is recorded all the same, before anybody hears.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.deadline)
	defer cancel()
	return says, a.keepExchanges(keep, true, slices.Concat(sent...)...)
}

// askOne asks one hub: along ties, where that is ordered; by a private look-up, and by the
// identifier where it is ordered and the look-up did not find that there is nothing. What
// comes of the two is one answer.
func (a *Axles) askOne(ctx context.Context, o attest.AxleOrder, area string) (says PeerSays, went []exchange) {
	says = PeerSays{Hub: o.Hub}
	if a.leftAlone(o.Hub) {
		kind := kindEnquiry
		if o.LookUp != nil {
			kind = kindLookUp
		}
		return says, []exchange{{hub: o.Hub, kind: kind, request: o.ID, outcome: noAnswer}}
	}
	within, cancel := context.WithTimeout(ctx, a.deadline)
	defer cancel()
	tell := func(kind string, m attest.AxleMessage) (AxleAnswer, error) {
		m.Kind, m.Version, m.Keys = kind, hubVersion, o.Keys
		answer, sent, err := a.carry(within, o.Hub, m)
		e := exchange{hub: o.Hub, kind: kind, request: o.ID, message: sent, outcome: noAnswer}
		if err == nil {
			e.outcome, e.commitment = answer.Outcome, answer.Commitment
		}
		went = append(went, e)
		return answer, err
	}
	err := error(nil)
	var tied AxleAnswer
	if o.Tied != "" {
		tied, err = tell(kindEnquiry, attest.AxleMessage{Question: o.Tied})
	}
	if err == nil && (o.Question != "" || o.LookUp != nil) {
		says.Answer, err = a.byIdentifier(within, o, area, tell)
	}
	says.Answer = together(tied, says.Answer)
	if ctx.Err() == nil { // else it was the asker who went away
		a.heard(o.Hub, err == nil)
	}
	if err != nil {
		a.s.log.InfoContext(ctx, "a peer did not answer", "hub", o.Hub, "cause", err.Error())
		return PeerSays{Hub: o.Hub}, went
	}
	says.Answered = true
	return says, went
}

// byIdentifier asks a hub that states that it can be asked so.
func (a *Axles) byIdentifier(ctx context.Context, o attest.AxleOrder, area string, tell func(string, attest.AxleMessage) (AxleAnswer, error)) (answer AxleAnswer, err error) {
	if peer, err := a.s.Peer(ctx, o.Hub); err == nil && o.Scheme != "" && !peer.Coverage.covers(o.Scheme, area) {
		return AxleAnswer{Outcome: notCovered}, nil
	}
	asks := true
	if o.LookUp != nil {
		answer, asks, err = a.lookUp(ctx, o, func(m attest.AxleMessage) (AxleAnswer, error) { return tell(kindLookUp, m) })
	}
	if err == nil && asks {
		answer, err = tell(kindEnquiry, attest.AxleMessage{Question: o.Question})
	}
	return answer, err
}

// together is what a hub says along ties and by the identifier, as one answer: who stands in
// both stands once.
func together(tied, other AxleAnswer) AxleAnswer {
	if len(tied.Providers) == 0 && other.Outcome != "" {
		return other
	}
	for _, p := range other.Providers {
		if !slices.Contains(tied.Providers, p) && len(tied.Providers) < mostTold {
			tied.Providers = append(tied.Providers, p)
		}
	}
	return tied
}

// carry signs a message as the hub, seals it, and returns the other hub's verified
// answer, and what was sent.
func (a *Axles) carry(ctx context.Context, hub string, m attest.AxleMessage) (answer AxleAnswer, sent string, err error) {
	peer, err := a.s.Peer(ctx, hub)
	if err != nil {
		return answer, "", err
	}
	m, sent, err = a.signed(ctx, hub, m)
	if err != nil {
		return answer, "", err
	}
	sealed, err := peer.Encryption.Seal(sent)
	if err != nil {
		return answer, sent, err
	}
	reply, err := a.bring(ctx, peer, sealed)
	if err != nil {
		return answer, sent, err
	}
	answer, err = a.opened(ctx, peer, m, reply)
	return answer, sent, err
}

// signed is a message to a hub, signed as this one, for now.
func (a *Axles) signed(ctx context.Context, hub string, m attest.AxleMessage) (attest.AxleMessage, string, error) {
	at := a.s.clock().UTC()
	m.Claims = attest.Claims{Audience: hub, IssuedAt: at.Unix(), Expires: at.Add(time.Minute).Unix(), ID: rand.Text()}
	signer, err := a.s.signer(ctx)
	if err != nil {
		return m, "", err
	}
	text, err := signer.Sign(ctx, attest.TypAxleMessage, m)
	return m, text, err
}

// opened is a peer's answer to a message, verified.
func (a *Axles) opened(ctx context.Context, peer Peer, m attest.AxleMessage, reply string) (answer AxleAnswer, err error) {
	said, err := a.opener.Unseal(ctx, reply)
	if err != nil {
		return answer, err
	}
	err = attest.NewVerifier(peer.Entity, peer.Keys.Fixed, a.s.clock).Verify(ctx, said, attest.Expect{Typ: attest.TypAxleAnswer, Audience: a.s.hub, MaxLifetime: attest.AxleLife}, &answer)
	if err == nil {
		err = answer.check(m.ID)
	}
	if err == nil && m.Kind != kindRelay && (answer.Outcome == passed || answer.Outcome == noAnswer) {
		err = errors.New("the answer has an outcome of what is passed on, and nothing was to be")
	}
	if err != nil {
		return AxleAnswer{}, err
	}
	return answer, nil
}

// exchange posts a sealed message to a hub, with what it is to pass on, and returns its
// sealed answer, with what was passed back.
func (a *Axles) exchange(ctx context.Context, hub, sealed, carried string) (reply, back string, err error) {
	body, err := json.Marshal(sealedMessage{sealed, carried})
	if err != nil {
		return "", "", err
	}
	said, err := a.post(ctx, hub+Prefix+"/messages", body)
	return said.Message, said.Carried, err
}

// sealedMessage is a message as it goes over the wire.
type sealedMessage struct {
	Message string `json:"message"`
	Carried string `json:"carried,omitempty"`
}

// errRefused is in what comes back where the other hub has read a message and does not take
// it, now or later.
var errRefused = errors.New("the other hub refuses it")

// post sends a message, again where it is certain that it was not taken: nobody
// listened, or the other hub said so.
func (a *Axles) post(ctx context.Context, url string, body []byte) (message sealedMessage, err error) {
	for try := 1; ; try++ {
		message, again, err := a.postOnce(ctx, url, body)
		if err == nil || !again || try == mostTries {
			return message, err
		}
		select {
		case <-ctx.Done():
			return message, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (a *Axles) postOnce(ctx context.Context, url string, body []byte) (said sealedMessage, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return said, false, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		op := (*net.OpError)(nil)
		return said, errors.As(err, &op) && op.Op == "dial", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return said, false, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnprocessableEntity: // the one refusal of what is no peer's message
		return said, false, fmt.Errorf("%w: %d", errRefused, resp.StatusCode)
	default:
		return said, resp.StatusCode == http.StatusServiceUnavailable, fmt.Errorf("the other hub answers %d", resp.StatusCode)
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return said, false, errors.New("the other hub's answer is no message")
	}
	return said, false, nil
}

// leftAlone reports whether a hub has been silent so often that it is not asked now.
func (a *Axles) leftAlone(hub string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.s.clock().Before(a.quiet[hub].until)
}

func (a *Axles) heard(hub string, answered bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.quiet[hub]
	if answered {
		delete(a.quiet, hub)
		return
	}
	if q.failures++; q.failures >= quietAfter {
		q.until = a.s.clock().Add(quietFor)
	}
	a.quiet[hub] = q
}

// exchange is one message between this hub and another, with nothing of whom it was
// about.
type exchange struct {
	hub        string
	kind       string
	request    string // its one-use id, as relmgr's record has it; empty of what was not read
	message    string // signed; empty of what was not sent
	outcome    string
	commitment string // in hexadecimal, of the answering hub's record
}

// booked is what the ledger commits to of what went between hubs at once.
type booked struct {
	Record    ident.ActID      `json:"record"`
	At        time.Time        `json:"at"`
	Outgoing  bool             `json:"outgoing"`
	Exchanges []bookedExchange `json:"exchanges"`
}

type bookedExchange struct {
	Exchange   ident.ActID `json:"exchange"`
	Hub        string      `json:"hub"`
	Kind       string      `json:"kind"`
	Request    string      `json:"request,omitempty"`
	Message    []byte      `json:"message"` // its hash
	Outcome    string      `json:"outcome"`
	Commitment []byte      `json:"commitment,omitempty"`
}

// keepExchanges records what went between hubs at once: one record and one leaf, whatever
// came of it, so that nobody who watches the log learns that.
func (a *Axles) keepExchanges(ctx context.Context, outgoing bool, list ...exchange) error {
	if len(list) == 0 {
		return nil
	}
	record := booked{Record: ident.NewAct(), At: a.s.now(), Outgoing: outgoing, Exchanges: []bookedExchange{}}
	p := federationdb.KeepExchangesParams{RecordID: ident.UntypedID(record.Record), At: record.At, Outgoing: outgoing}
	for _, e := range list {
		sum := sha256.Sum256([]byte(e.message))
		commitment, err := hex.DecodeString(e.commitment)
		if err != nil || len(commitment) != sha256.Size {
			commitment = []byte{}
		}
		id := ident.NewAct()
		record.Exchanges = append(record.Exchanges, bookedExchange{id, e.hub, e.kind, e.request, sum[:], e.outcome, commitment})
		p.ExchangeIds, p.Hubs, p.Kinds = append(p.ExchangeIds, id.String()), append(p.Hubs, e.hub), append(p.Kinds, e.kind)
		p.Requests, p.MessageHashes, p.Outcomes = append(p.Requests, e.request), append(p.MessageHashes, sum[:]), append(p.Outcomes, e.outcome)
		p.Commitments = append(p.Commitments, commitment)
	}
	l, err := leaf.Of(ctx, a.s.keys, RecordsKey, record.Record, record)
	if err != nil {
		return err
	}
	p.WrappedKey, p.Commitment, p.Sealed = l.WrappedKey, l.Commitment, l.Sealed
	return pg.Fault(a.s.q.KeepExchanges(ctx, a.s.db, p))
}
