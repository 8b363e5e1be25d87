package idmgr_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	hubURL  = "https://riverside.example"
	manager = ident.Idmgr("local-links")
	another = ident.Idmgr("family-links") // of the same hub
)

// The two parties: a teacher whom a pupil has told something, and the nurse who may
// help (E2E-04). All people are made up.
var (
	school = idmgrSide{"school-pastoral", "hillside-school"}
	clinic = idmgrSide{"clinic-bridge", "bridge-clinic"}
	gp     = idmgrSide{"gp-riverside", "riverside-gp"}
)

type idmgrSide struct {
	column ident.Column
	agency ident.Agency
}

// hub is a database with two identity managers, each with a key file of its own, and
// relmgr's key for proofs.
type hub struct {
	*testing.T
	db, admin *sql.DB
	keys      map[ident.Idmgr]*seal.File
	relmgr    *attest.Signer
	public    attest.KeySet
	terms     *decide.Terms
	now       *atomic.Int64
	*idmgr.Service
}

func setup(t *testing.T) *hub {
	t.Helper()
	t.Parallel()
	return newHub(t)
}

func newHub(t *testing.T) *hub {
	t.Helper()
	p := pgtest.New(t)
	h := &hub{T: t, db: p.DB(t, "idmgr"), admin: p.Admin(t), keys: map[ident.Idmgr]*seal.File{}, now: new(atomic.Int64)}
	h.now.Store(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC).UnixMicro())
	for _, m := range []ident.Idmgr{manager, another, "relmgr"} {
		dir := t.TempDir()
		keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
		h.must(err)
		h.keys[m] = keys
	}
	_, _, err := h.keys["relmgr"].Ensure(t.Context(), "sign/relmgr", seal.KindSign)
	h.must(err)
	h.public, err = attest.PublicKeys(t.Context(), h.keys["relmgr"], "sign/relmgr")
	h.must(err)
	h.relmgr = attest.NewSigner(h.keys["relmgr"], "sign/relmgr", hubURL)

	js, _, err := partnership.FromYAML(riverside.Partnership())
	h.must(err)
	doc, err := partnership.Parse(js, h.clock())
	h.must(err)
	doc.Managers = append(doc.Managers, decide.Idmgr{Code: another, Title: "A family's own", Agency: "riverside-social-care"})
	h.terms = doc.Terms(1)
	h.Service = h.open(manager)
	return h
}

func (h *hub) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *hub) clock() time.Time     { return time.UnixMicro(h.now.Load()).UTC() }
func (h *hub) wait(d time.Duration) { h.now.Add(d.Microseconds()) }

// open starts a process of a manager.
func (h *hub) open(m ident.Idmgr) *idmgr.Service {
	h.Helper()
	s, err := idmgr.New(h.Context(), h.config(m))
	h.must(err)
	return s
}

func (h *hub) config(m ident.Idmgr) idmgr.Config {
	return idmgr.Config{Manager: m, DB: h.db, Keys: h.keys[m], Proofs: attest.NewVerifier(hubURL, h.public.Fixed, h.clock), Now: h.clock}
}

// as is a practitioner as the register of users has them.
func (h *hub) as(name ident.Practitioner) decide.Caller {
	people := map[ident.Practitioner]decide.Actor{
		"ms-okafor":  {Agency: "hillside-school", Roles: []string{"teacher"}, Providers: []ident.Provider{"school-pastoral-lead"}},
		"mr-bell":    {Agency: "hillside-school", Roles: []string{"caretaker"}, Providers: []ident.Provider{"school-pastoral-lead"}},
		"nurse-tran": {Agency: "bridge-clinic", Roles: []string{"clinic-nurse"}, Providers: []ident.Provider{"bridge-street-clinic"}},
		"clerk-ada":  {Agency: "bridge-clinic", Roles: []string{"clerk"}, Providers: []ident.Provider{"bridge-street-clinic"}},
		"dr-patel":   {Agency: "riverside-gp", Roles: []string{"gp"}, Providers: []ident.Provider{"riverside-surgery"}},
	}
	a := people[name]
	a.Practitioner = name
	return decide.Caller{Actor: a, Terms: h.terms}
}

// proof is what relmgr signs for somebody who looked their handle up.
func (h *hub) proof(who ident.Practitioner, of idmgrSide, handle ident.HandleID) string {
	h.Helper()
	token, err := h.relmgr.SignHandleProof(h.Context(), attest.HandleProof{
		Audience: idmgr.ProofAudience, Subject: who, Handle: handle, Column: of.column, Agency: of.agency,
		IssuedAt: h.clock(), Expires: h.clock().Add(10 * time.Minute),
	})
	h.must(err)
	return token
}

// opening is the teacher's, with the pupil's word for it.
func (h *hub) opening(pupil ident.HandleID) idmgr.Opening {
	h.Helper()
	return idmgr.Opening{
		Proof: h.proof("ms-okafor", school, pupil), To: clinic.column, Contact: "desk",
		Agreed: &idmgr.Agreed{Evidence: "spoken-and-noted", Wording: "v1", Competent: true},
		Proposal: idmgr.Proposal{
			Agreement: "riverside-children", Power: "education-act-2002-s175", Purpose: "co-ordinate-care", Aspects: []string{"relationship"},
			Until: h.clock().AddDate(0, 1, 0), Necessary: true, Safeguards: true, Aim: "protect-health", Ground: decide.ExplicitConsent,
			Conditions: decide.Conditions{Ordinary: h.terms.Profile.Ordinary[0].Code},
		},
	}
}

// linked is a link of a pupil and whoever the nurse knows, live.
func (h *hub) linked(change ...func(*idmgr.Opening)) (link ident.LinkID, pupil, patient ident.HandleID) {
	h.Helper()
	pupil, patient = ident.NewHandle(), ident.NewHandle()
	o := h.opening(pupil)
	for _, f := range change {
		f(&o)
	}
	opened, err := h.Open(h.Context(), h.as("ms-okafor"), o)
	h.must(err)
	link, _, err = h.Accept(h.Context(), h.as("nurse-tran"), h.acceptance(opened.Code, patient))
	h.must(err)
	if link != opened.Link {
		h.Fatal("another link was accepted")
	}
	return link, pupil, patient
}

func (h *hub) acceptance(code string, patient ident.HandleID) idmgr.Acceptance {
	h.Helper()
	return idmgr.Acceptance{Proof: h.proof("nurse-tran", clinic, patient), Code: code, Reason: "working-with-person"}
}

func (h *hub) ask(link ident.LinkID, patient ident.HandleID) (idmgr.Answer, error) {
	h.Helper()
	return h.Ask(h.Context(), h.as("nurse-tran"), link, h.proof("nurse-tran", clinic, patient), "co-ordinate-care", "working-with-person")
}

func (h *hub) wants(err error, kind fault.Kind) {
	h.Helper()
	if err == nil || fault.KindOf(err) != kind {
		h.Fatalf("got %v, want a fault of kind %s", err, kind)
	}
}

func (h *hub) count() (n int) {
	h.Helper()
	h.must(h.admin.QueryRow("select count(*) from idmgr.records").Scan(&n))
	return n
}

// IDM-02, IDM-04, IDM-08, E2E-04 (b) and (c): the nurse hears of the teacher under
// the nurse's own handle, and nothing after the end.
func TestALinkTellsTheOtherSideWhoToTurnToUntilItsEnd(t *testing.T) {
	h := setup(t)
	link, pupil, patient := h.linked()
	a, err := h.ask(link, patient)
	h.must(err)
	if a.Provider.ID != "school-pastoral-lead" || a.Contact.Value != "01632 960103" || a.Purpose != "co-ordinate-care" || a.Left != -1 || len(a.Commitment) != 32 {
		t.Errorf("told %+v", a)
	}
	mine, err := h.Links(t.Context(), h.as("nurse-tran"), clinic.column)
	h.must(err)
	theirs, err := h.Links(t.Context(), h.as("ms-okafor"), school.column)
	h.must(err)
	if len(mine) != 1 || mine[0].Handle != patient || mine[0].Opened || mine[0].State != idmgr.Live || mine[0].With.Provider.ID != "school-pastoral-lead" {
		t.Errorf("the nurse sees %+v", mine)
	}
	if len(theirs) != 1 || theirs[0].Handle != pupil || !theirs[0].Opened || theirs[0].With.Provider.ID != "bridge-street-clinic" {
		t.Errorf("the teacher sees %+v", theirs)
	}
	h.wait(31 * 24 * time.Hour)
	_, err = h.ask(link, patient)
	h.wants(err, fault.NotKnown)
}

// IDM-20: either party ends it, with the next question on; it stays as it was ended.
func TestEitherPartyEndsALinkAtOnce(t *testing.T) {
	for _, who := range []ident.Practitioner{"ms-okafor", "nurse-tran"} {
		t.Run(string(who), func(t *testing.T) {
			h := setup(t)
			link, _, patient := h.linked()
			_, err := h.End(t.Context(), h.as("dr-patel"), link, "working-with-person")
			h.wants(err, fault.NotKnown)
			_, err = h.End(t.Context(), h.as(who), link, "working-with-person")
			h.must(err)
			_, err = h.ask(link, patient)
			h.wants(err, fault.NotKnown)
			_, err = h.End(t.Context(), h.as(who), link, "working-with-person")
			h.wants(err, fault.Conflict)
		})
	}
}

// Of those who use the last use of a link at once, in two processes, one is told.
func TestAUseIsCountedOnceHoweverManyAskAtOnce(t *testing.T) {
	h := setup(t)
	link, _, patient := h.linked(func(o *idmgr.Opening) { o.Uses = 1 })
	second := h.open(manager)
	proof := h.proof("nurse-tran", clinic, patient)
	var told atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		s := []*idmgr.Service{h.Service, second}[i%2]
		wg.Go(func() {
			switch _, err := s.Ask(t.Context(), h.as("nurse-tran"), link, proof, "co-ordinate-care", "working-with-person"); {
			case err == nil:
				told.Add(1)
			case fault.KindOf(err) != fault.NotKnown:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if told.Load() != 1 {
		t.Errorf("%d were told, want 1", told.Load())
	}
}

// A code has one use, and it is for one column and some minutes.
func TestACodeIsOfNoUseToAnybodyElse(t *testing.T) {
	h := setup(t)
	opened, err := h.Open(t.Context(), h.as("ms-okafor"), h.opening(ident.NewHandle()))
	h.must(err)
	patient := ident.NewHandle()
	other := idmgr.Acceptance{Proof: h.proof("dr-patel", gp, patient), Code: opened.Code, Reason: "working-with-person"}
	_, _, err = h.Accept(t.Context(), h.as("dr-patel"), other)
	h.wants(err, fault.Invalid)
	_, _, err = h.Accept(t.Context(), h.as("nurse-tran"), h.acceptance(opened.Code, patient))
	h.must(err)
	_, _, again := h.Accept(t.Context(), h.as("nurse-tran"), h.acceptance(opened.Code, patient))
	late, err := h.Open(t.Context(), h.as("ms-okafor"), h.opening(ident.NewHandle()))
	h.must(err)
	h.wait(time.Hour)
	_, _, over := h.Accept(t.Context(), h.as("nurse-tran"), h.acceptance(late.Code, patient))
	for _, err := range []error{again, over} {
		h.wants(err, fault.Invalid)
		if err.Error() != again.Error() {
			t.Errorf("%v tells why, beside %v", err, again)
		}
	}
}

// IDM-02, A-27: what lacks an end, a purpose or something to pass on is not made; nor
// is what leads nowhere. Nothing of it is recorded.
func TestALinkThatIsNotSpecificIsNotMade(t *testing.T) {
	h := setup(t)
	for at, change := range map[string]func(*idmgr.Opening){
		"/until 0":     func(o *idmgr.Opening) { o.Proposal.Until = time.Time{} },
		"/until past":  func(o *idmgr.Opening) { o.Proposal.Until = h.clock() },
		"/until far":   func(o *idmgr.Opening) { o.Proposal.Until = h.clock().AddDate(3, 0, 0) },
		"/purpose":     func(o *idmgr.Opening) { o.Proposal.Purpose = "" },
		"/aspects":     func(o *idmgr.Opening) { o.Proposal.Aspects = nil },
		"/to self":     func(o *idmgr.Opening) { o.To = school.column },
		"/to nowhere":  func(o *idmgr.Opening) { o.To = "nowhere" },
		"/contact":     func(o *idmgr.Opening) { o.Contact = "nowhere" },
		"/uses":        func(o *idmgr.Opening) { o.Uses = -1 },
		"/agreed none": func(o *idmgr.Opening) { o.Agreed = nil },
		"/agreed how":  func(o *idmgr.Opening) { o.Agreed.Evidence = "" },
		"/agreed who":  func(o *idmgr.Opening) { o.Agreed.Competent = false },
		"/agreed too":  func(o *idmgr.Opening) { o.Proposal.Ground = decide.SignificantHarm },
		"/proof of another": func(o *idmgr.Opening) {
			o.Proof = h.proof("nurse-tran", clinic, ident.NewHandle())
		},
		"/proof of consent": func(o *idmgr.Opening) { o.Proof = "a.b.c" },
		"/decision/power":   func(o *idmgr.Opening) { o.Proposal.Power = "" },
	} {
		o := h.opening(ident.NewHandle())
		change(&o)
		_, err := h.Open(t.Context(), h.as("ms-okafor"), o)
		pointer, _, _ := strings.Cut(at, " ")
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Pointer != pointer {
			t.Errorf("%s: %v", at, err)
		}
	}
	if n := h.count(); n != 0 {
		t.Errorf("%d records", n)
	}
}

// IDM-05, LEG-18: a step that fails is told and recorded, and names nobody.
func TestWhatAStepStopsIsRecorded(t *testing.T) {
	h := setup(t)
	o := h.opening(ident.NewHandle())
	o.Proposal.Necessary = false
	_, err := h.Open(t.Context(), h.as("ms-okafor"), o)
	h.wants(err, fault.DecisionRefused)
	o = h.opening(ident.NewHandle())
	o.Agreed, o.Proposal.Ground = nil, decide.SignificantHarm // mandated: for the higher role
	_, err = h.Open(t.Context(), h.as("ms-okafor"), o)
	h.wants(err, fault.DecisionRefused)
	opened, err := h.Open(t.Context(), h.as("ms-okafor"), h.opening(ident.NewHandle()))
	h.must(err)
	a := h.acceptance(opened.Code, ident.NewHandle())
	a.Proof = h.proof("clerk-ada", clinic, ident.NewHandle())
	_, _, err = h.Accept(t.Context(), h.as("clerk-ada"), a)
	h.wants(err, fault.DecisionRefused)
	if n := h.count(); n != 4 {
		t.Errorf("%d records, want 3 refusals and a link", n)
	}
}

// A link is renewed by a fresh decision alone, and not when it is over.
func TestALinkIsRenewedByAFreshDecision(t *testing.T) {
	h := setup(t)
	link, pupil, patient := h.linked(func(o *idmgr.Opening) { o.Uses = 1 })
	longer := h.opening(pupil)
	longer.Proposal.Until, longer.Uses = h.clock().AddDate(0, 2, 0), 2
	_, err := h.Renew(t.Context(), h.as("ms-okafor"), link, longer)
	h.must(err)
	for range 2 {
		_, err = h.ask(link, patient)
		h.must(err)
	}
	_, err = h.ask(link, patient)
	h.wants(err, fault.NotKnown)
	_, err = h.Renew(t.Context(), h.as("ms-okafor"), link, longer)
	h.wants(err, fault.NotKnown)
	other, _, _ := h.linked()
	_, err = h.Renew(t.Context(), h.as("ms-okafor"), other, longer) // of another pupil
	h.wants(err, fault.NotKnown)
}

// Whoever is no member any more, or is under terms that do not disclose, is told
// nothing from the next question on, and cannot tell why (TRU-09).
func TestTodaysTermsHoldForYesterdaysLink(t *testing.T) {
	h := setup(t)
	link, _, patient := h.linked()
	now := h.clock()
	for i := range h.terms.Agreements {
		if h.terms.Agreements[i].Code == "riverside-safeguarding-duty" {
			h.terms.Agreements[i].Ends = &now
		}
	}
	_, err := h.ask(link, patient)
	h.must(err)
	for i := range h.terms.Columns {
		if h.terms.Columns[i].ID == school.column {
			h.terms.Columns[i].Closes = &now
		}
	}
	h.terms.Index()
	_, err = h.ask(link, patient)
	h.wants(err, fault.NotKnown)
	h.terms.Managers = nil
	_, err = h.ask(link, patient)
	h.wants(err, fault.Forbidden)
}

// IDM-07: to another manager of the hub, who reads the same table with a key of its
// own, a link is one that never was.
func TestAManagerReadsNoOthersRecords(t *testing.T) {
	h := setup(t)
	link, _, patient := h.linked()
	other := h.open(another)
	_, err := other.Ask(t.Context(), h.as("nurse-tran"), link, h.proof("nurse-tran", clinic, patient), "co-ordinate-care", "working-with-person")
	h.wants(err, fault.NotKnown)
	all, err := other.Links(t.Context(), h.as("nurse-tran"), clinic.column)
	h.must(err)
	if len(all) != 0 {
		t.Errorf("it sees %+v", all)
	}
	_, err = h.ask(link, patient) // and is not in the way of it
	h.must(err)
}

// IDM-07: what the database holds of a link are rows that look alike whatever was
// done, without a value in common, and without a handle, a code or a name.
func TestTheDatabaseTellsNothingOfALink(t *testing.T) {
	h := setup(t)
	link, pupil, patient := h.linked()
	_, err := h.ask(link, patient)
	h.must(err)
	_, err = h.ask(ident.NewLink(), patient) // of none
	h.wants(err, fault.NotKnown)
	_, err = h.End(t.Context(), h.as("nurse-tran"), link, "working-with-person")
	h.must(err)
	o := h.opening(pupil)
	o.Proposal.Necessary = false
	_, err = h.Open(t.Context(), h.as("ms-okafor"), o)
	h.wants(err, fault.DecisionRefused)

	var sizes []string
	h.must(h.admin.QueryRow(`select array_agg(distinct octet_length(r.commitment) || ' ' || octet_length(r.sealed) || ' ' || octet_length(k.wrapped))
		from idmgr.records r join idmgr.content_keys k using (record_id)`).Scan(pq.Array(&sizes)))
	if len(sizes) != 1 || h.count() != 6 {
		t.Errorf("%d records of the sizes %v", h.count(), sizes)
	}
	var whole []byte
	h.must(h.admin.QueryRow(`select string_agg(r::text || k::text, '')::bytea from idmgr.records r join idmgr.content_keys k using (record_id)`).Scan(&whole))
	for _, secret := range []string{pupil.String(), patient.String(), link.String(), "ms-okafor", "nurse-tran", "clinic", "school", string(manager), "accept"} {
		for _, form := range []string{secret, strings.ReplaceAll(secret, "-", ""), fmt.Sprintf("%x", secret)} {
			if bytes.Contains(whole, []byte(form)) {
				t.Errorf("%s stands there in clear", secret)
			}
		}
	}
	for _, duty := range []string{"relmgr", "consent", "governance", "registrar"} {
		var may bool
		h.must(h.admin.QueryRow(`select has_table_privilege('fame_' || $1, 'idmgr.records', 'select')`, duty).Scan(&may))
		if may {
			t.Errorf("%s may read the journal", duty)
		}
	}
}

// A key file that holds another key is refused: to it every link would be somebody
// else's, and nobody would miss them.
func TestAnotherKeyIsRefused(t *testing.T) {
	h := setup(t)
	h.linked()
	c := h.config(manager)
	c.Keys = h.keys[another] // has no such key
	if _, err := idmgr.New(t.Context(), c); err == nil {
		t.Error("without its key a manager opens")
	}
	_, _, err := h.keys[another].Ensure(t.Context(), idmgr.RecordsKey(manager), seal.KindWrap)
	h.must(err)
	if _, err := idmgr.New(t.Context(), c); err == nil {
		t.Error("with another key a manager opens")
	}
}

// A record that was altered stops its manager, who does not go on as if it had not
// been.
func TestAnAlteredRecordIsNotPassedOver(t *testing.T) {
	h := setup(t)
	h.linked()
	_, err := h.admin.Exec("update idmgr.records set commitment = sha256(commitment)")
	h.must(err)
	_, err = idmgr.New(t.Context(), h.config(manager))
	h.wants(err, fault.Internal)
}

// A record whose key was taken is gone, and the rest of the manager's goes on.
func TestAnErasedRecordIsPassedOver(t *testing.T) {
	h := setup(t)
	first, _, patient := h.linked()
	_, err := h.admin.Exec("delete from idmgr.content_keys")
	h.must(err)
	link, _, other := h.linked()
	fresh := h.open(manager)
	_, err = fresh.Ask(t.Context(), h.as("nurse-tran"), first, h.proof("nurse-tran", clinic, patient), "co-ordinate-care", "working-with-person")
	h.wants(err, fault.NotKnown)
	_, err = fresh.Ask(t.Context(), h.as("nurse-tran"), link, h.proof("nurse-tran", clinic, other), "co-ordinate-care", "working-with-person")
	h.must(err)
}
