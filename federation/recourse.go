package federation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// A message that is not understood is returned to its sender, discarded or escalated, as
// the partnership has chosen, and which is recorded (FED-05). An escalation says that such
// a message came, where and when, never what it held. It ends: at the hub that nobody
// stands above or whose next ones cannot be reached, after mostHops, or at its deadline,
// where governance officers find it (FED-06, FED-07).

// The bounds of an escalation.
const (
	mostHops        = 4
	escalationLives = 72 * time.Hour
)

// What became of a message that was not understood, or of an escalation.
const (
	returned  = "returned"
	discarded = "discarded"
	passedOn  = "passed-on"
	owned     = "owned"
	escalated = "escalated" // as the hub is told that brought it
)

// notUnderstood does what the partnership has chosen with a message of a kind, a version
// or a code that it does not know.
func (a *Axles) notUnderstood(ctx context.Context, peer Peer, m attest.AxleMessage, message string) (AxleAnswer, error) {
	terms, err := a.s.terms(ctx)
	if err != nil {
		return AxleAnswer{}, err
	}
	sum := sha256.Sum256([]byte(message))
	if m.Kind == kindEscalation && m.Version == hubVersion && m.Escalation != nil {
		return a.escalate(ctx, terms, peer.Entity, *m.Escalation)
	}
	switch terms.Settings.UnknownMessages {
	case decide.Escalate:
		return a.escalate(ctx, terms, peer.Entity, attest.AxleEscalation{
			Case: rand.Text(), Origin: a.s.hub, From: peer.Entity, Kind: plainKind(m.Kind), Version: m.Version, Hash: hex.EncodeToString(sum[:]),
			Due: a.s.clock().Add(escalationLives).Unix(),
		})
	case decide.Discard:
		return AxleAnswer{Outcome: discarded}, a.keepUnknown(ctx, unknown{hub: peer.Entity, kind: plainKind(m.Kind), version: m.Version, hash: sum[:], became: discarded})
	default:
		return AxleAnswer{Outcome: returned, Because: "this hub does not understand the message: its kind, its version or one of its codes"},
			a.keepUnknown(ctx, unknown{hub: peer.Entity, kind: plainKind(m.Kind), version: m.Version, hash: sum[:], became: returned})
	}
}

var plainKindPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// plainKind is a kind as it may be recorded.
func plainKind(kind string) string {
	if plainKindPattern.MatchString(kind) {
		return kind
	}
	return "unreadable"
}

// escalate passes an escalation on to the next hub of the partnership's list that takes
// it, or makes this hub its final owner.
func (a *Axles) escalate(ctx context.Context, terms *decide.Terms, from string, e attest.AxleEscalation) (AxleAnswer, error) {
	hash, err := hex.DecodeString(e.Hash)
	if err != nil || len(hash) != sha256.Size || len(e.Case) > 64 || e.Case == "" || e.Hops < 0 || len(e.Origin) > 255 || len(e.From) > 255 {
		return AxleAnswer{}, notTaken(err)
	}
	now := a.s.clock()
	latest := now.Add(escalationLives)
	due := time.Unix(e.Due, 0).UTC()
	if due.After(latest) {
		due = latest
	}
	u := unknown{hub: from, kind: plainKind(e.Kind), version: e.Version, hash: hash, became: owned, escalation: &e, due: due}
	if e.Hops < mostHops && now.Before(due) {
		next := e
		next.Hops, next.Due = e.Hops+1, due.Unix()
		for _, hub := range terms.Settings.EscalateTo {
			if hub == a.s.hub || a.leftAlone(hub) {
				continue
			}
			within, cancel := context.WithTimeout(ctx, a.deadline)
			_, _, err := a.carry(within, hub, attest.AxleMessage{Kind: kindEscalation, Version: hubVersion, Escalation: &next})
			cancel()
			a.heard(hub, err == nil)
			if err == nil {
				u.became, u.to = passedOn, hub
				break
			}
		}
	}
	return AxleAnswer{Outcome: escalated}, a.keepUnknown(ctx, u)
}

// unknown is a message that was not understood, and what became of it.
type unknown struct {
	hub        string
	kind       string
	version    int
	hash       []byte
	became     string
	to         string
	escalation *attest.AxleEscalation
	due        time.Time
}

// notUnderstoodRecord is what the ledger commits to of such a message.
type notUnderstoodRecord struct {
	Record  ident.ActID `json:"record"`
	At      time.Time   `json:"at"`
	Hub     string      `json:"hub"`
	Kind    string      `json:"kind"`
	Version int32       `json:"version"`
	Message []byte      `json:"message"` // its hash
	Became  string      `json:"became"`
	SentTo  string      `json:"sent_to,omitempty"`
	Case    string      `json:"case,omitempty"`
	Origin  string      `json:"origin,omitempty"`
	Sender  string      `json:"sender,omitempty"`
	Hops    int32       `json:"hops"`
	Due     time.Time   `json:"due"`
}

func (a *Axles) keepUnknown(ctx context.Context, u unknown) error {
	r := notUnderstoodRecord{
		Record: ident.NewAct(), At: a.s.now(), Hub: u.hub, Kind: u.kind, Version: int32(min(max(u.version, -1), 1<<20)), Message: u.hash, Became: u.became, SentTo: u.to,
	}
	r.Due = r.At
	if e := u.escalation; e != nil {
		r.Case, r.Origin, r.Sender, r.Hops, r.Due = e.Case, e.Origin, e.From, int32(min(e.Hops, mostHops)), u.due
	}
	l, err := leaf.Of(ctx, a.s.keys, RecordsKey, r.Record, r)
	if err != nil {
		return err
	}
	return pg.Fault(a.s.q.KeepUnknown(ctx, a.s.db, federationdb.KeepUnknownParams{
		RecordID: ident.UntypedID(r.Record), At: r.At, Hub: r.Hub, Kind: r.Kind, Version: r.Version, MessageHash: r.Message, Became: r.Became, SentTo: r.SentTo,
		CaseID: r.Case, Origin: r.Origin, Sender: r.Sender, Hops: r.Hops, DueAt: r.Due, WrappedKey: l.WrappedKey, Commitment: l.Commitment, Sealed: l.Sealed,
	}))
}

// Escalation is one that ends at this hub.
type Escalation = federationdb.ListEscalationsRow

// Escalations lists what has been escalated and ends here, newest first, for governance
// officers.
func (s *Service) Escalations(ctx context.Context, who decide.Caller, limit int) (list []Escalation, err error) {
	defer fault.Wrap(&err, "federation.Escalations")
	if !slices.Contains(who.Roles, officer) {
		return nil, needOfficer(who)
	}
	list, err = s.q.ListEscalations(ctx, s.db, int32(limit))
	return list, pg.Fault(err)
}
