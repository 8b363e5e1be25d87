package idmgr

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/spoken"
)

// A link may lead to another hub (IDM-19, docs/decisions/0102). Its opener names that hub in
// place of a column; somebody there brings the other side to a manager of theirs, with the
// code and an end of their own. Each manager has its half in its own journal: the two know one
// reference, drawn for the link. What one has to tell the other its federation duty carries,
// and each asks its own terms every time.

const (
	taken = "take"  // the other side of a link that was opened at another hub
	reply = "reply" // of another hub to a letter
	// aPeer stands where a practitioner and an agency of the partnership would.
	aPeer = "a-peer"

	mostReply    = 2048
	mostFarBytes = 64
	askingLives  = 20 * time.Second
	endingLives  = 30 * 24 * time.Hour
)

// answerWithin is how long another hub is waited for.
const answerWithin = 6 * time.Second

// far is the other end of a link, at another hub.
type far struct {
	Hub       string `json:"hub"`
	Reference string `json:"reference"`
}

// letter is what another hub's manager is to be told, by the record that says so.
type letter struct {
	Hub  string    `json:"hub"`
	Body string    `json:"body"`
	Ends time.Time `json:"ends"`
}

// farLetter is what managers of two hubs tell each other of a link: that somebody used its
// code, that they ask through it, or that it has ended.
type farLetter struct {
	Reference string `json:"reference"`
	Code      string `json:"code,omitempty"`
	Asks      bool   `json:"asks,omitempty"`
	Ended     bool   `json:"ended,omitempty"`
	Role      string `json:"role,omitempty"` // in codes that hubs share, as these are
	Purpose   string `json:"purpose,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// farAnswer is what may be told through a link to another hub: less than within a
// partnership (FED-27).
type farAnswer struct {
	AgencyName string              `json:"agency_name"`
	Contact    decide.ContactRoute `json:"contact"`
	Aspects    []string            `json:"aspects"`
	Until      time.Time           `json:"until"`
	Left       int                 `json:"left"`
}

func (f far) write(l farLetter, at time.Time, lives time.Duration) *letter {
	l.Reference = f.Reference
	text, err := json.Marshal(l)
	if err != nil { // strings and a number
		panic(err)
	}
	return &letter{Hub: f.Hub, Body: string(text), Ends: at.Add(lives)}
}

// ending is what the other hub is told when the link ends here; nil of a link within the hub.
func (l *link) ending(at time.Time) *letter {
	if l.far == nil {
		return nil
	}
	return l.far.write(farLetter{Ended: true}, at, endingLives)
}

// take brings the other side of a link that was opened at another hub. The caller passes
// the asker's four steps for the purpose that they name. The other hub is told, until it has taken
// it or the code is over; the answer is the same whatever it makes of that.
func (s *Service) take(ctx context.Context, who decide.Caller, a Acceptance, code spoken.Code, own side, column *decide.Column, at time.Time) (ident.LinkID, Receipt, error) {
	until := exact(a.Until)
	switch {
	case !slices.ContainsFunc(who.Terms.Agreements, func(g decide.Agreement) bool { return slices.Contains(g.Peers, a.Hub) }):
		return ident.LinkID{}, Receipt{}, fault.At("/hub", "name a hub of one of the partnership's agreements")
	case !decide.Has(who.Terms.Codes.Purposes, a.Purpose):
		return ident.LinkID{}, Receipt{}, fault.At("/purpose", "name the purpose for which the link was opened, of the partnership's list")
	case !until.After(at) || until.After(at.AddDate(longestYears, 0, 0)):
		return ident.LinkID{}, Receipt{}, fault.At("/until", "say until when you may need it: within %d years, and still to come", longestYears)
	}
	id, f := ident.NewLink(), far{a.Hub, rand.Text()}
	receipt, told, err := s.journal.write(ctx, func() (*record, error) {
		asking, err := s.mayAsk(who, column, a.Purpose, a.Reason, a.Hub, at)
		if asking.StoppedAt() > 0 {
			return s.refuse(who, asking.Decision, at)
		} else if err != nil {
			return nil, err
		}
		r := s.begin(taken, who, asking.Role, at)
		r.Link, r.Side, r.Reason, r.Decision, r.Far = id, &own, a.Reason, &asking.Decision, &f
		r.Terms = &terms{Hub: a.Hub, Decision: decide.Decision{Purposes: []string{a.Purpose}, Aspects: []string{}, Until: until}}
		r.Letter = f.write(shared(who.Terms, farLetter{Code: string(code), Role: asking.Role, Purpose: a.Purpose, Reason: a.Reason}), at, codeEnds(who.Terms, at).Sub(at))
		return r, nil
	})
	if err == nil {
		err = told
	}
	return id, receipt, err
}

// mayAsk is the asker's own decision to ask another hub through a link.
func (s *Service) mayAsk(who decide.Caller, column *decide.Column, purpose, reason, hub string, at time.Time) (decide.Asking, error) {
	asking := who.Terms.Ask(who.Actor, decide.Question{Column: column, Purpose: purpose, Reason: reason}, at)
	if asking.StoppedAt() == 0 && !slices.Contains(who.Terms.PeersOf(&asking), hub) {
		return asking, fault.New(fault.Forbidden, "no agreement under which you may ask for that purpose names the other hub")
	}
	return asking, nil
}

// shared puts the codes that hubs share in the place of the partnership's own.
func shared(t *decide.Terms, l farLetter) farLetter {
	l.Role, l.Purpose, l.Reason = decide.SharedOf(t.Codes.Roles, l.Role), decide.SharedOf(t.Codes.Purposes, l.Purpose), decide.SharedOf(t.Codes.Reasons, l.Reason)
	return l
}

// await is what the other hub tells of a question through a link, which was recorded, as
// that was. NotKnown is Ask's; Unavailable says that the other hub has not answered.
func (s *Service) await(ctx context.Context, question ident.ActID) (a Answer, err error) {
	defer s.journal.waitNoMore(question)
	within, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := s.journal.read(ctx); err != nil {
			return a, err
		}
		if said, ok := s.journal.replied(question); ok {
			return answerFrom(said)
		}
		select {
		case <-within.Done():
			f := fault.New(fault.Unavailable, "the other hub has not answered: ask again")
			f.RetryAfter = askingLives
			return a, f
		case <-tick.C:
		}
	}
}

// answerFrom reads another hub's reply; what no hub of this version says is nothing.
func answerFrom(text string) (Answer, error) {
	var said farAnswer
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(plain, &said) != nil || said.AgencyName == "" || said.Contact.Value == "" || said.Until.IsZero() {
		return Answer{}, notThere()
	}
	return Answer{
		Party:   Party{Provider: &decide.Provider{Kind: "agency", Title: said.AgencyName}, Agency: said.AgencyName, Contact: &said.Contact},
		Aspects: said.Aspects, Until: said.Until, Left: said.Left,
	}, nil
}

// Letter is what the federation duty is to carry to another hub's managers.
type Letter struct {
	ID   ident.ActID
	Hub  string
	Body string
}

// Told is what another hub replied to a letter.
type Told struct{ Letter, Reply string }

// Letters are those that other hubs are still to be told, for the hub's own federation duty,
// which says what was replied to others. Unauthenticated for whoever else asks.
func (s *Service) Letters(ctx context.Context, t *decide.Terms, voucher string, replies []Told) (out []Letter, err error) {
	defer fault.Wrap(&err, "idmgr.Letters")
	if _, err := s.vouched(ctx, voucher, "letters"); err != nil {
		return nil, err
	}
	for _, r := range replies {
		id, err := ident.ParseAct(r.Letter)
		if err != nil || len(r.Reply) > mostReply {
			continue
		}
		_, _, err = s.journal.write(ctx, func() (*record, error) {
			letter, waits := s.journal.letters[id]
			if !waits { // another manager's, or told before
				return nil, nil
			}
			rec := s.byHub(t, reply)
			rec.Link, rec.Answers, rec.Reply = letter.link, id, r.Reply
			return rec, nil
		})
		if err != nil {
			return nil, err
		}
	}
	at := s.now()
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	if err := s.journal.readOn(ctx, s.journal.db); err != nil {
		return nil, err
	}
	for id, l := range s.journal.letters {
		if at.Before(l.Ends) {
			out = append(out, Letter{id, l.Hub, l.Body})
		}
	}
	slices.SortFunc(out, func(a, b Letter) int { return s.journal.letters[a.ID].Ends.Compare(s.journal.letters[b.ID].Ends) })
	return out[:min(len(out), mostLetters)], nil
}

const mostLetters = 50

// byHub starts the record of what another hub, or this one's federation duty, brings.
func (s *Service) byHub(t *decide.Terms, kind string) *record {
	return &record{Act: ident.NewAct(), Manager: s.manager, Kind: kind, At: s.now(), Practitioner: aPeer, Agency: aPeer, TermsVersion: t.Version}
}

// vouched is the own federation duty's word for what it brings.
func (s *Service) vouched(ctx context.Context, voucher, what string) (attest.AxleVoucher, error) {
	if s.federation == nil {
		return attest.AxleVoucher{}, fault.New(fault.Unavailable, "this hub has no federation duty yet")
	}
	v, isFor, err := s.federation.VerifyVoucher(ctx, voucher, ProofAudience, what)
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

// TakeLetter takes what another hub's manager says of a link, and returns what is replied:
// nothing, save to a question through a link that is live, for that hub and purpose, by today's
// terms. Each question is recorded before it is answered, and counts as a use. A code
// that is none, and a reference that is none, change nothing, and look like any other.
func (s *Service) TakeLetter(ctx context.Context, t *decide.Terms, voucher, message string) (said string, err error) {
	defer fault.Wrap(&err, "idmgr.TakeLetter")
	v, err := s.vouched(ctx, voucher, message)
	if err != nil {
		return "", err
	}
	m, err := attest.VerifyVouched(ctx, v, message, t.Partnership.Hub, s.clock)
	var l farLetter
	if err == nil && m.Letter != nil {
		err = json.Unmarshal([]byte(m.Letter.Body), &l)
	}
	kinds := 0
	for _, is := range []bool{l.Code != "", l.Asks, l.Ended} {
		if is {
			kinds++
		}
	}
	if err != nil || m.Letter == nil || kinds != 1 || l.Reference == "" || len(l.Reference) > mostFarBytes {
		return "", fault.At("/message", "send a letter that its hub signed for this hub and for now, as a manager wrote it").Because(err)
	}
	if s.serves(t) != nil {
		return "", nil
	}
	f := far{v.Hub, l.Reference}
	asking, understood := s.asksFrom(t, v, l)
	_, _, err = s.journal.write(ctx, func() (*record, error) {
		said = "" // the closure may run again
		at := s.now()
		if l.Ended {
			known := s.journal.links[s.journal.fars[f]]
			if known == nil || !known.ended.IsZero() {
				return nil, nil
			}
			r := s.byHub(t, ended)
			r.Link = known.id
			return r, nil
		}
		if !understood || asking.StoppedAt() > 0 {
			return nil, nil
		}
		if l.Code != "" {
			return s.takenUp(t, f, l, &asking, at), nil
		}
		known := s.journal.links[s.journal.fars[f]]
		r := s.byHub(t, asked)
		r.Role, r.Reason, r.Decision, r.Far = asking.Role, asking.Reason, &asking.Decision, &far{Hub: v.Hub}
		if known != nil && known.to == nil && known.state(at) == Live && s.discloses(t, known, &asking, at) {
			r.Link = known.id
			a := known.tell(t)
			text, err := json.Marshal(farAnswer{a.Agency, *a.Contact, a.Aspects, a.Until, a.Left})
			if said = base64.RawURLEncoding.EncodeToString(text); err != nil || len(said) > mostReply {
				return nil, fault.New(fault.Internal, "idmgr: an answer cannot be written").Because(err)
			}
		}
		return r, nil
	})
	return said, err
}

// takenUp is the record that another hub has brought the other side of a link; nil where the
// code is none of its.
func (s *Service) takenUp(t *decide.Terms, f far, l farLetter, asking *decide.Asking, at time.Time) *record {
	code, ok := spoken.ParseCode(l.Code)
	known := s.journal.links[s.journal.codes[string(code)]]
	if _, used := s.journal.fars[f]; !ok || used || known == nil || known.state(at) != Waiting || known.terms.Hub != f.Hub || !s.discloses(t, known, asking, at) {
		return nil
	}
	r := s.byHub(t, accepted)
	r.Link, r.Role, r.Reason, r.Decision, r.Far = known.id, asking.Role, asking.Reason, &asking.Decision, &f
	return r
}

// discloses reports whether a link tells another hub, by today's terms.
func (s *Service) discloses(t *decide.Terms, l *link, asking *decide.Asking, at time.Time) bool {
	return s.attached(t, l.from.Column) == nil && t.Discloses(l.standing(), asking, at)
}

// asksFrom is another hub's question as this one's agreements with it have it; false where a code
// is none that the partnership has declared or mapped.
func (s *Service) asksFrom(t *decide.Terms, v attest.AxleVoucher, l farLetter) (decide.Asking, bool) {
	ours := func(list []decide.Code, codes []string) (local []string) {
		for _, c := range codes {
			if code, ok := decide.LocalOf(list, c); ok {
				local = append(local, code)
			}
		}
		return local
	}
	purpose, known := decide.LocalOf(t.Codes.Purposes, l.Purpose)
	role, alsoRole := decide.LocalOf(t.Codes.Roles, l.Role)
	reason, alsoReason := decide.LocalOf(t.Codes.Reasons, l.Reason)
	return t.AskedBy(decide.FromPeer{
		Hub: v.Hub, Role: role, Purpose: purpose, Reason: reason, Private: true, // it names nobody
		Agreed: decide.Agreed{Purposes: ours(t.Codes.Purposes, v.Purposes), Roles: ours(t.Codes.Roles, v.Roles)},
	}, s.now()), known && alsoRole && alsoReason
}
