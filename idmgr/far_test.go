package idmgr_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

// hubs are two that have an agreement with each other, and what carries letters between
// them.
type hubs struct {
	here, there *hub
	url         map[*hub]string
	purposes    []string // that the hubs have agreed
}

const asHub = seal.KeyID("sign/federation/1")

func twoHubs(t *testing.T) *hubs {
	t.Helper()
	t.Parallel()
	x := &hubs{here: newHub(t), there: newHub(t), purposes: []string{"co-ordinate-care"}}
	x.there.now = x.here.now // one clock
	x.url = map[*hub]string{x.here: hubURL, x.there: "https://northvale.example"}
	for _, h := range []*hub{x.here, x.there} {
		other := x.other(h)
		h.edit(func(terms *decide.Terms) {
			terms.Partnership.Hub = x.url[h]
			for i := range terms.Agreements {
				if terms.Agreements[i].Code == "riverside-children" {
					terms.Agreements[i].Peers = []string{x.url[other]}
				}
			}
		})
		_, _, err := h.keys["relmgr"].Ensure(t.Context(), asHub, seal.KindSign)
		h.must(err)
		h.Service = x.open(h)
	}
	return x
}

func (x *hubs) other(h *hub) *hub {
	if h == x.here {
		return x.there
	}
	return x.here
}

// open starts a manager of a hub that takes the own federation duty's vouchers.
func (x *hubs) open(h *hub) *idmgr.Service {
	h.Helper()
	c := h.config(manager)
	c.Federation = attest.NewVerifier("federation", x.keys(h).Fixed, h.clock)
	s, err := idmgr.New(h.Context(), c)
	h.must(err)
	return s
}

func (x *hubs) keys(h *hub) attest.KeySet {
	h.Helper()
	set, err := attest.PublicKeys(h.Context(), h.keys["relmgr"], asHub)
	h.must(err)
	return set
}

func (h *hub) edit(by func(*decide.Terms)) {
	h.Helper()
	text, err := json.Marshal(h.terms)
	h.must(err)
	next := new(decide.Terms)
	h.must(json.Unmarshal(text, next))
	by(next)
	h.terms = next.Index()
}

func (x *hubs) claims(h *hub, audience string) attest.Claims {
	at := h.clock().Unix()
	return attest.Claims{Audience: audience, IssuedAt: at, Expires: at + 60, ID: ident.NewAct().String()}
}

// vouch is the federation duty's word of a hub for what it brings its manager.
func (x *hubs) vouch(h *hub, what string) string {
	h.Helper()
	keys, err := json.Marshal(x.keys(x.other(h)))
	h.must(err)
	sum := sha256.Sum256([]byte(what))
	token, err := attest.NewSigner(h.keys["relmgr"], asHub, "federation").Sign(h.Context(), attest.TypAxleVoucher, attest.AxleVoucher{
		Claims: x.claims(h, "idmgr"), Hub: x.url[x.other(h)], Keys: keys, Message: base64.RawURLEncoding.EncodeToString(sum[:]),
		Purposes: x.purposes, Roles: []string{"teacher", "clinic-nurse"},
	})
	h.must(err)
	return token
}

func (x *hubs) letters(h *hub, told ...idmgr.Told) []idmgr.Letter {
	h.Helper()
	all, err := h.Letters(h.Context(), h.terms, x.vouch(h, "letters"), told)
	h.must(err)
	return all
}

// take hands a letter of one hub to the manager of the other.
func (x *hubs) take(from *hub, body string) (reply string, err error) {
	from.Helper()
	to := x.other(from)
	message, err := attest.NewSigner(from.keys["relmgr"], asHub, x.url[from]).Sign(from.Context(), attest.TypAxleMessage, attest.AxleMessage{
		Claims: x.claims(from, x.url[to]), Kind: "letter", Version: 1, Letter: &attest.AxleLetter{Duty: "idmgr", ID: ident.NewAct().String(), Body: body},
	})
	from.must(err)
	return to.TakeLetter(from.Context(), to.terms, x.vouch(to, message), message)
}

// carry tells both hubs what there is to tell, and returns how many letters that was.
func (x *hubs) carry() (n int) {
	x.here.Helper()
	for _, from := range []*hub{x.here, x.there} {
		for _, l := range x.letters(from) {
			reply, err := x.take(from, l.Body)
			from.must(err)
			x.letters(from, idmgr.Told{Letter: l.ID.String(), Reply: reply})
			n++
		}
	}
	return n
}

// asks asks through a link while letters are carried.
func (x *hubs) asks(id ident.LinkID, patient ident.HandleID, purpose string) (idmgr.Answer, error) {
	x.here.Helper()
	type outcome struct {
		idmgr.Answer
		error
	}
	done := make(chan outcome, 1)
	proof := x.there.proof("nurse-tran", clinic, patient)
	go func() {
		a, err := x.there.Ask(x.there.Context(), x.there.as("nurse-tran"), id, proof, purpose, "working-with-person")
		done <- outcome{a, err}
	}()
	for {
		select {
		case o := <-done:
			return o.Answer, o.error
		case <-time.After(20 * time.Millisecond):
			x.carry()
		}
	}
}

// linked opens a link to the other hub, and has somebody there take it.
func (x *hubs) linked(change ...func(*idmgr.Acceptance)) (opened idmgr.Opened, theirs ident.LinkID, patient ident.HandleID) {
	x.here.Helper()
	o := x.here.opening(ident.NewHandle())
	o.To, o.Hub = "", x.url[x.there]
	opened, err := x.here.Open(x.here.Context(), x.here.as("ms-okafor"), o)
	x.here.must(err)
	patient = ident.NewHandle()
	a := idmgr.Acceptance{
		Proof: x.there.proof("nurse-tran", clinic, patient), Code: opened.Code, Reason: "working-with-person", Hub: x.url[x.here], Purpose: "co-ordinate-care", Until: x.there.clock().Add(24 * time.Hour),
	}
	for _, c := range change {
		c(&a)
	}
	theirs, _, err = x.there.Accept(x.there.Context(), x.there.as("nurse-tran"), a)
	x.there.must(err)
	return opened, theirs, patient
}

func (h *hub) stateOf(who ident.Practitioner, of idmgrSide, id ident.LinkID) idmgr.State {
	h.Helper()
	all, err := h.Links(h.Context(), h.as(who), of.column)
	h.must(err)
	for _, l := range all {
		if l.ID == id {
			return l.State
		}
	}
	return "none"
}

func wantNothing(t *testing.T, what string, err error) {
	t.Helper()
	if fault.KindOf(err) != fault.NotKnown {
		t.Errorf("%s: %v", what, err)
	}
}

// IDM-19, IDM-02, IDM-08, FED-27: a private link between handles of two hubs tells one thing to one, under both hubs' terms,
// survives a restart of either manager, and expires at both.
func TestALinkToAnotherHubWorksUnderBothHubsTermsAndEndsAtBoth(t *testing.T) {
	x := twoHubs(t)
	opened, theirs, patient := x.linked()
	if got := x.here.stateOf("ms-okafor", school, opened.Link); got != idmgr.Waiting {
		t.Errorf("before it is told: %s", got)
	}
	if n := x.carry(); n != 1 {
		t.Errorf("%d letters", n)
	}
	if got := x.here.stateOf("ms-okafor", school, opened.Link); got != idmgr.Live {
		t.Errorf("taken: %s", got)
	}
	x.here.Service, x.there.Service = x.open(x.here), x.open(x.there)
	a, err := x.asks(theirs, patient, "co-ordinate-care")
	x.there.must(err)
	if a.Agency != "Hillside School" || a.Contact == nil || a.Contact.Value == "" || a.Purpose != "co-ordinate-care" || len(a.Commitment) != 32 {
		t.Errorf("%+v", a)
	}
	if ends := x.there.clock().Add(24 * time.Hour); a.Until.After(ends) {
		t.Errorf("until %v, their own end is %v", a.Until, ends)
	}
	if _, err := x.asks(theirs, patient, "safeguarding"); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("for another purpose: %v", err)
	}
	// This hub's terms: another hub's agreement does not open it.
	x.purposes = []string{"safeguarding"}
	_, err = x.asks(theirs, patient, "co-ordinate-care")
	wantNothing(t, "for a purpose that the hubs have not agreed", err)
	x.purposes = []string{"co-ordinate-care"}
	before := x.here.terms // nor a decision of its own that does not stand any more
	x.here.edit(func(terms *decide.Terms) {
		for i := range terms.Agreements {
			terms.Agreements[i].Aspects = nil
		}
	})
	_, err = x.asks(theirs, patient, "co-ordinate-care")
	wantNothing(t, "on a decision that does not stand", err)
	x.here.terms = before
	// And that one's.
	before = x.there.terms
	x.there.edit(func(terms *decide.Terms) {
		for i := range terms.Agreements {
			terms.Agreements[i].Peers = nil
		}
	})
	if _, err := x.asks(theirs, patient, "co-ordinate-care"); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("under no agreement there: %v", err)
	}
	x.there.terms = before

	x.there.wait(25 * time.Hour) // their own end
	if _, err := x.asks(theirs, patient, "co-ordinate-care"); fault.KindOf(err) != fault.NotKnown {
		t.Errorf("after their end: %v", err)
	}
	if got := x.there.stateOf("nurse-tran", clinic, theirs); got != idmgr.Over {
		t.Errorf("after their end: %s", got)
	}
	x.here.wait(400 * 24 * time.Hour)
	if got := x.here.stateOf("ms-okafor", school, opened.Link); got != idmgr.Over {
		t.Errorf("after the end here: %s", got)
	}
}

// IDM-19, IDM-20, PUB-12, invariant 8: ended by either side, also while the other is away, the link tells nothing from
// the next question on, and the other side sees that it has ended once it has been told.
func TestALinkToAnotherHubIsEndedByEitherSide(t *testing.T) {
	for name, by := range map[string]func(x *hubs, opened idmgr.Opened, theirs ident.LinkID) error{
		"the side that opened it": func(x *hubs, opened idmgr.Opened, _ ident.LinkID) error {
			_, err := x.here.End(x.here.Context(), x.here.as("ms-okafor"), opened.Link, "work-ended")
			return err
		},
		"the side that took it": func(x *hubs, _ idmgr.Opened, theirs ident.LinkID) error {
			_, err := x.there.End(x.there.Context(), x.there.as("nurse-tran"), theirs, "work-ended")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := twoHubs(t)
			opened, theirs, patient := x.linked()
			x.carry()
			_, err := x.asks(theirs, patient, "co-ordinate-care")
			x.there.must(err)
			x.there.must(by(x, opened, theirs))
			x.here.Service, x.there.Service = x.open(x.here), x.open(x.there) // a letter outlives its writer
			_, err = x.asks(theirs, patient, "co-ordinate-care")
			wantNothing(t, "ended", err)
			for x.carry() > 0 { // what is taken is not told again
			}
			if here, there := x.here.stateOf("ms-okafor", school, opened.Link), x.there.stateOf("nurse-tran", clinic, theirs); here != idmgr.Ended || there != idmgr.Ended {
				t.Errorf("here %s, there %s", here, there)
			}
		})
	}
}

// IDM-19, QRY-11, IDM-07: a code that nobody made, that is over, for another hub or purpose gives whoever brings
// it the same as one that serves; rows of the journal look alike whatever was done.
func TestACodeOfAnotherHubTellsNothingOfWhetherItServes(t *testing.T) {
	x := twoHubs(t)
	for name, change := range map[string]func(*idmgr.Acceptance){
		"a code that nobody made": func(a *idmgr.Acceptance) { a.Code = "000 000 000" },
		"another purpose":         func(a *idmgr.Acceptance) { a.Purpose = "safeguarding" },
	} {
		opened, theirs, patient := x.linked(change)
		if got := x.there.stateOf("nurse-tran", clinic, theirs); got != idmgr.Live {
			t.Errorf("%s: %s", name, got)
		}
		x.carry()
		if got := x.here.stateOf("ms-okafor", school, opened.Link); got != idmgr.Waiting {
			t.Errorf("%s: %s", name, got)
		}
		purpose := "co-ordinate-care"
		if name == "another purpose" {
			purpose = "safeguarding"
		}
		if _, err := x.asks(theirs, patient, purpose); fault.KindOf(err) != fault.NotKnown {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Brought too late, it is told to nobody.
	x.linked()
	x.here.wait(time.Duration(x.here.terms.Settings.PairingMinutes)*time.Minute + time.Second)
	if n := x.carry(); n != 0 {
		t.Errorf("%d letters after the code is over", n)
	}
	for _, h := range []*hub{x.here, x.there} {
		var sizes int
		h.must(h.admin.QueryRow("select count(distinct length(sealed)) from idmgr.records").Scan(&sizes))
		if sizes != 1 {
			t.Errorf("records of %d sizes", sizes)
		}
	}
	for name, body := range map[string]string{"no JSON": "x", "nothing": "{}", "two things": `{"reference":"r","asks":true,"ended":true}`} {
		if _, err := x.take(x.here, body); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := x.there.Letters(t.Context(), x.there.terms, x.vouch(x.here, "letters"), nil); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("another hub's voucher: %v", err)
	}
}
