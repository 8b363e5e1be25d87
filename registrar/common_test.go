package registrar_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

// asking is a hub whose practice and school each have a column and had somebody
// recognised.
type asking struct {
	*hub
	terms          *decide.Terms
	amara, ferdi   []registrar.Item
	doctor, tutor  decide.Caller
	references     [2]string
	atGP, atSchool ident.RecognitionID // of Amara
}

func toAskTogether(t *testing.T) *asking {
	t.Helper()
	a := &asking{hub: setup(t), terms: terms(), references: [2]string{"AAAAAAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBBBBBB"}}
	a.terms.Providers = []decide.Provider{{ID: "desk", Agency: "gp"}, {ID: "office", Agency: "school"}}
	a.terms.Columns = []decide.Column{{ID: "gp-list", Provider: "desk", Agency: "gp"}, {ID: "school-roll", Provider: "office", Agency: "school"}}
	a.terms.Powers = []decide.Power{{Code: "act", Kinds: []string{"school", "health"}, Purposes: []string{"support"}}, {Code: "charter", Kinds: []string{"school"}, Purposes: []string{"support"}}}
	a.terms.Agencies[1].Kind, a.terms.Agencies[2].Kind = "health", "school"
	a.terms.Agreements[0].Powers, a.terms.Agreements[0].Aspects = []string{"charter", "act"}, []string{"involvement"}
	a.terms.Profile = decide.Profile{ID: "p", Ordinary: []decide.ProfileCondition{{Code: "public-task"}}}
	a.terms.Agreements[0].Receiving.Ordinary = "public-task"
	a.terms.Settings = decide.Settings{PairingMinutes: 10, StatementMinutes: 5}
	a.terms.Partnership.Hub = "https://hub.example"
	a.apply()
	a.open("town")
	a.amara = []registrar.Item{name("Amara", "Okonkwo"), born("1990-12-31"), number("passport", "AA1234567")}
	a.ferdi = []registrar.Item{name("Ferdinand", "Lacroix"), born("1944-02-29"), number("passport", "YY0011223")}
	a.enter("town", a.amara...)
	a.enter("town", a.ferdi...)
	a.atGP, a.atSchool = a.recognises(a.doctor, a.amara), a.recognises(a.tutor, a.amara)
	return a
}

func (a *asking) apply() {
	a.terms.Index()
	a.doctor = decide.Caller{Terms: a.terms, Actor: decide.Actor{Practitioner: "dee", Agency: "gp", Roles: []string{"worker"}, Providers: []ident.Provider{"desk"}}}
	a.tutor = decide.Caller{Terms: a.terms, Actor: decide.Actor{Practitioner: "tom", Agency: "school", Roles: []string{"worker"}, Providers: []ident.Provider{"office"}}}
}

func (a *asking) recognises(who decide.Caller, evidence []registrar.Item) ident.RecognitionID {
	a.t.Helper()
	r, err := a.registrar.Recognise(a.t.Context(), who, "town", why, evidence)
	must(a.t, err)
	return r.ID
}

func (a *asking) of(who decide.Caller, r ident.RecognitionID) registrar.CommonAsk {
	column, reference := ident.Column("gp-list"), a.references[0]
	if who.Agency == "school" {
		column, reference = "school-roll", a.references[1]
	}
	return registrar.CommonAsk{Column: column, Purpose: "support", Reason: "asked", Recognition: r, Reference: reference}
}

func (a *asking) opens() registrar.CommonAsked {
	a.t.Helper()
	made, err := a.registrar.AskCommon(a.t.Context(), a.doctor, a.of(a.doctor, a.atGP))
	must(a.t, err)
	return made
}

func (a *asking) outcome(made registrar.CommonAsked) registrar.CommonAnswer {
	a.t.Helper()
	c, err := a.registrar.OutcomeOfCommon(a.t.Context(), a.doctor, made.Act)
	must(a.t, err)
	if (c.Right != nil) != (c.Answer == registrar.CommonYes) || c.Statement != "" {
		a.t.Errorf("whoever asked is told %+v", c)
	}
	return c.Answer
}

// E2E-08, AUT-09, REG-25, QRY-07: each of two agencies has the same person recognised,
// on different days; together they are told yes, on what right and for which aspects,
// and given a statement of their two references. Neither is told what the other calls
// the person, and a dump holds neither code nor reference.
func TestE2E08TwoAgenciesEstablishThatTheyHaveACommonClient(t *testing.T) {
	t.Parallel()
	a := toAskTogether(t)
	*a.now = a.now.Add(48 * time.Hour)
	made := a.opens()
	if got := a.outcome(made); got != registrar.CommonWaiting {
		t.Errorf("before anybody answers: %s", got)
	}
	c, err := a.registrar.AnswerCommon(t.Context(), a.tutor, strings.ToLower(made.Code), a.of(a.tutor, a.atSchool))
	must(t, err)
	if r := c.Right; c.Answer != registrar.CommonYes || r == nil || r.Agreement != "all" || !slices.Equal(r.Powers, []string{"act", "charter"}) ||
		r.Purpose != "support" || !slices.Equal(r.Aspects, []string{"involvement"}) || len(c.Commitment) != 32 {
		t.Fatalf("%+v", c)
	}
	if got := a.outcome(made); got != registrar.CommonYes {
		t.Errorf("whoever asked is told %s", got)
	}
	keys, err := attest.PublicKeys(t.Context(), a.keys, registrar.SigningKey("county"))
	must(t, err)
	said, err := attest.NewVerifier("county", keys.Fixed, func() time.Time { return *a.now }).
		VerifyCommonClient(t.Context(), c.Statement, "https://hub.example/relmgr", 5*time.Minute)
	if err != nil || said.References != a.references || said.Level != "high" || !slices.Equal(said.Types, []string{"demographic"}) {
		t.Errorf("%+v, %v", said, err)
	}
	rows := a.count("select count(*) from registrar.acts where kind in ('ask-common-client', 'answer-common-client')")
	if rows != 2 {
		t.Errorf("%d acts", rows)
	}
	for _, table := range []string{"acts", "common_clients", "common_answers", "content_keys"} {
		for _, secret := range []string{a.references[0], a.references[1], strings.ReplaceAll(made.Code, " ", "")} {
			if n := a.count("select count(*) from registrar."+table+" x where x::text ilike '%' || $1 || '%' or x::text ilike '%' || encode($1::bytea, 'hex') || '%'", secret); n > 0 {
				t.Errorf("registrar.%s holds what was said in confidence", table)
			}
		}
	}

	// Without two references there is an answer and no statement.
	made = a.opens()
	q := a.of(a.tutor, a.atSchool)
	q.Reference = ""
	if c, err = a.registrar.AnswerCommon(t.Context(), a.tutor, made.Code, q); err != nil || c.Answer != registrar.CommonYes || c.Statement != "" {
		t.Errorf("without a reference: %+v, %v", c, err)
	}
	// Somebody else is no, and nothing more; a person whom nobody is to recognise is no, too.
	made = a.opens()
	if c, err = a.registrar.AnswerCommon(t.Context(), a.tutor, made.Code, a.of(a.tutor, a.recognises(a.tutor, a.ferdi))); err != nil ||
		c.Answer != registrar.CommonNo || c.Right != nil || c.Statement != "" || a.outcome(made) != registrar.CommonNo {
		t.Errorf("of two people: %+v, %v", c, err)
	}
	entry := a.lookUp(a.amara)
	made = a.opens()
	_, err = a.registrar.Shield(t.Context(), keeper, "town", entry, true, "asked")
	must(t, err)
	if c, err = a.registrar.AnswerCommon(t.Context(), a.tutor, made.Code, a.of(a.tutor, a.atSchool)); err != nil || c.Answer != registrar.CommonNo {
		t.Errorf("of somebody shielded: %+v, %v", c, err)
	}
}

// lookUp is what the keeper's agency calls somebody.
func (a *asking) lookUp(evidence []registrar.Item) registrar.Entry {
	a.t.Helper()
	r, err := a.registrar.Recognise(a.t.Context(), keeper, "town", why, evidence)
	must(a.t, err)
	return r.Entry
}

// E2E-07, QRY-07, LEG-01, LEG-18: whoever has no right is told so before anything is compared, the
// same whoever the person is, and it is on record; with the right, the same question is
// answered.
func TestE2E07WithoutARightNothingIsCompared(t *testing.T) {
	t.Parallel()
	a := toAskTogether(t)
	ferdi := a.recognises(a.tutor, a.ferdi)
	refused := func(what string, step int, err error) {
		t.Helper()
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.DecisionRefused || f.Step != step || len(f.Commitment) != 32 {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, change := range map[string]func(*decide.Terms){
		"no agreement of both": func(t *decide.Terms) { t.Agreements[0].Parties = t.Agreements[0].Parties[:2] },
		"a bar": func(t *decide.Terms) {
			t.Bars = []decide.Bar{{Code: "never", FromKinds: []string{"school"}, ToKinds: []string{"health"}}}
		},
		"a bar the other way": func(t *decide.Terms) {
			t.Bars = []decide.Bar{{Code: "never", FromKinds: []string{"health"}, ToKinds: []string{"school"}}}
		},
		"a sensitive column": func(t *decide.Terms) { t.Columns[0].Sensitive = true },
	} {
		b := *a
		copied := *a.terms
		b.terms = &copied
		b.terms.Agreements, b.terms.Columns = slices.Clone(a.terms.Agreements), slices.Clone(a.terms.Columns)
		if what == "no agreement of both" { // each is party to one
			second := b.terms.Agreements[0]
			second.Code, second.Parties = "other", []ident.Agency{"council", "school"}
			b.terms.Agreements = append(b.terms.Agreements, second)
		}
		change(b.terms)
		b.apply()
		made := b.opens()
		for person, id := range map[string]ident.RecognitionID{"the same": a.atSchool, "another": ferdi} {
			_, err := b.registrar.AnswerCommon(t.Context(), b.tutor, made.Code, b.of(b.tutor, id))
			refused(what+", of "+person+" person", 1, err)
		}
		if got := b.outcome(made); got != registrar.CommonWaiting {
			t.Errorf("%s: whoever asked is told %s", what, got)
		}
	}
	if n := a.count("select count(*) from registrar.common_answers"); n != 0 {
		t.Errorf("%d answers", n)
	}
	if n := a.count("select count(*) from registrar.acts where kind = 'refuse-common-client'"); n != 8 {
		t.Errorf("%d refusals are on record, want 8", n)
	}
	// One's own steps come first: the role.
	clerk := a.doctor
	clerk.Roles = []string{"clerk"}
	_, err := a.registrar.AskCommon(t.Context(), clerk, a.of(clerk, a.atGP))
	refused("without the role", 1, err)
	// The right obtained, the question is answered.
	made := a.opens()
	if c, err := a.registrar.AnswerCommon(t.Context(), a.tutor, made.Code, a.of(a.tutor, a.atSchool)); err != nil || c.Answer != registrar.CommonYes {
		t.Errorf("with a right: %+v, %v", c, err)
	}
}

// AUT-13: a code serves once, for minutes, for another agency; a recognition is one's
// own agency's, determined somebody, and stands.
func TestACommonClientIsAskedByCodesAndRecognitionsOfOnesOwn(t *testing.T) {
	t.Parallel()
	a := toAskTogether(t)
	answer := func(who decide.Caller, code string, r ident.RecognitionID) error {
		_, err := a.registrar.AnswerCommon(t.Context(), who, code, a.of(who, r))
		return err
	}
	made := a.opens()
	wantKind(t, answer(a.doctor, made.Code, a.atGP), fault.PairingUnusable) // one's own agency's
	wantKind(t, answer(a.tutor, "000 000 000", a.atSchool), fault.PairingUnusable)
	wantKind(t, answer(a.tutor, "123 456 78", a.atSchool), fault.Invalid)
	wantKind(t, answer(a.tutor, made.Code, a.atGP), fault.NotKnown) // another agency's
	vague, err := a.registrar.Recognise(t.Context(), a.tutor, "town", why, []registrar.Item{name("Amara", "")})
	must(t, err)
	wantKind(t, answer(a.tutor, made.Code, vague.ID), fault.NotKnown)
	notMember := a.tutor
	notMember.Providers = nil
	wantKind(t, answer(notMember, made.Code, a.atSchool), fault.Forbidden)
	_, err = a.registrar.OutcomeOfCommon(t.Context(), a.tutor, made.Act)
	wantKind(t, err, fault.NotKnown)

	a.open("village")
	a.enter("village", a.amara...)
	elsewhere, err := a.registrar.Recognise(t.Context(), a.tutor, "village", why, a.amara)
	must(t, err)
	if err := answer(a.tutor, made.Code, elsewhere.ID); !slices.Equal(pointers(err), []string{"/recognition"}) {
		t.Errorf("in another register: %v", err)
	}

	// Of many at once, in two processes, one has an answer.
	var wg sync.WaitGroup
	var mu sync.Mutex
	answered := 0
	for range 4 {
		wg.Go(func() {
			err := answer(a.tutor, made.Code, a.atSchool)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				answered++
			} else if fault.KindOf(err) != fault.PairingUnusable {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if answered != 1 || a.count("select count(*) from registrar.acts where kind = 'answer-common-client'") != 1 {
		t.Errorf("%d have an answer", answered)
	}
	made = a.opens()
	*a.now = a.now.Add(10 * time.Minute)
	wantKind(t, answer(a.tutor, made.Code, a.atSchool), fault.PairingUnusable)
	if got := a.outcome(made); got != registrar.CommonUnanswered {
		t.Errorf("when the code is over: %s", got)
	}

	// A recognition that is found to be wrong serves no more, and what was stated on it
	// is published for the index to suspend.
	made = a.opens()
	must(t, answer(a.tutor, made.Code, a.atSchool))
	later := a.opens()
	_, err = a.registrar.Report(t.Context(), a.tutor, "town", registrar.Report{Kind: registrar.Misdetermined, Recognition: a.atSchool, Reason: "asked"})
	must(t, err)
	must(t, a.resolve(a.tasks(true)[0].ID, "wrong", ""))
	wantKind(t, answer(a.tutor, later.Code, a.atSchool), fault.NotKnown)
	if n := a.count("select count(*) from registrar.published_repairs p join registrar.common_answers n using (statement_id)"); n != 2 {
		t.Errorf("%d statements are published to be suspended, want 2", n)
	}
}

// A second registrar's process on the same database knows nothing of the first's.
func TestARegistrarAnswersForItsOwnQuestionsAlone(t *testing.T) {
	t.Parallel()
	a := toAskTogether(t)
	must(t, registrar.MakeKeys(t.Context(), a.keys, "health"))
	second, err := registrar.New(registrar.Config{Registrar: "health", DB: a.db, Keys: a.keys, Now: func() time.Time { return *a.now }, Registerer: prometheus.NewRegistry()})
	must(t, err)
	made := a.opens()
	_, err = second.AnswerCommon(t.Context(), a.tutor, made.Code, a.of(a.tutor, a.atSchool))
	wantKind(t, err, fault.PairingUnusable)
	_, err = second.AskCommon(t.Context(), a.doctor, a.of(a.doctor, a.atGP))
	wantKind(t, err, fault.NotKnown)
	_, err = second.OutcomeOfCommon(t.Context(), a.doctor, made.Act)
	wantKind(t, err, fault.NotKnown)
}
