package registrar_test

import (
	"context"
	"fmt"
	"log/slog"
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
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/signin"
)

// family is a hub with children of three ages and two adults, who sign in.
type family struct {
	*hub
	terms    *decide.Terms
	accounts *registrar.Accounts
	opener   *attest.Opener
	people   map[string]registrar.Entry
}

func ofThreeAges(t *testing.T) *family {
	t.Helper()
	f := &family{hub: setup(t), terms: terms(), people: map[string]registrar.Entry{}}
	f.terms.Settings.StatementMinutes = 5
	f.terms.Partnership.Hub = "https://hub.example"
	f.terms.Profile.Competence = []decide.Presumption{{From: 12}}
	const agreement = seal.KeyID("agree/relmgr/1")
	_, _, err := f.keys.Ensure(t.Context(), agreement, seal.KindAgree)
	must(t, err)
	to, err := attest.RecipientKeys(t.Context(), f.keys, agreement)
	must(t, err)
	f.opener, err = attest.NewOpener(t.Context(), f.keys, agreement)
	must(t, err)
	service, err := registrar.New(registrar.Config{
		Registrar: "county", DB: f.db, Keys: f.keys, Now: func() time.Time { return *f.now }, Registerer: prometheus.NewRegistry(), Recipients: to,
	})
	must(t, err)
	f.accounts, err = registrar.NewAccounts(t.Context(), registrar.AccountsConfig{
		Service: service, Terms: func(context.Context) (*decide.Terms, error) { return f.terms, nil }, Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	f.open("town")
	for who, date := range map[string]string{"eleven": "2015-11-21", "twelve": "2014-11-22", "fifteen": "2011-05-05", "mother": "1985-01-01", "stranger": "1979-02-02"} {
		f.people[who] = f.enter("town", name(who, "Moor"), born(date))
	}
	return f
}

// signsIn are the statements of somebody who has signed in with two factors.
func (f *family) signsIn(who string) registrar.Statements {
	f.t.Helper()
	var subject ident.Subject
	must(f.t, f.admin.QueryRow("select subject_id from registrar.entries where entry = $1", string(f.people[who])).Scan(&subject))
	said, err := f.accounts.StateSubject(f.t.Context(), registrar.Session{Subject: subject, Methods: []signin.Method{signin.Secret, signin.OneTimeCode}})
	must(f.t, err)
	return said
}

// read is what relmgr reads from a statement.
func (f *family) read(token string) (attest.Subject, [32]byte) {
	f.t.Helper()
	keys, err := attest.PublicKeys(f.t.Context(), f.keys, registrar.SigningKey("county"))
	must(f.t, err)
	said, err := attest.NewVerifier("county", keys.Fixed, func() time.Time { return *f.now }).VerifySubject(f.t.Context(), token, "https://hub.example/relmgr", 5*time.Minute)
	must(f.t, err)
	secret, err := f.opener.Open(f.t.Context(), said.Secret)
	must(f.t, err)
	return said, secret.Bytes()
}

// acts says how somebody is told of: alone, and for how many.
func (f *family) acts(who string) string {
	f.t.Helper()
	said := f.signsIn(who)
	if (said.Own == "") != said.NeedsRepresentative {
		f.t.Errorf("%s: %+v", who, said)
	}
	return fmt.Sprintf("alone %v, for %d", said.Own != "", len(said.For))
}

func (f *family) represents(representative, subject string, scope ...string) error {
	_, err := f.registrar.RecordRepresentative(f.t.Context(), keeper, "town", f.people[subject], registrar.Representation{
		Representative: f.people[representative], Authority: "parental-responsibility", Evidence: "document-seen", Scope: scope, Until: f.now.AddDate(5, 0, 0), Reason: "asked",
	})
	return err
}

func (f *family) assess(who string, competent bool, until time.Time) {
	f.t.Helper()
	_, err := f.registrar.Assess(f.t.Context(), keeper, "town", f.people[who], registrar.Assessment{Competent: competent, Until: until, Reason: "asked"})
	must(f.t, err)
}

func (f *family) want(when string, want map[string]string) {
	f.t.Helper()
	for who, how := range want {
		if got := f.acts(who); got != how {
			f.t.Errorf("%s: %s acts %s, want %s", when, who, got, how)
		}
	}
}

// E2E-17, LEG-21, SUB-12: who is as old as the profile says acts alone, and nobody for
// them, authority or not; for who is not an adult with authority acts, as far as it
// goes and no longer. An assessment outweighs the presumption, both ways.
func TestE2E17WhoCanDecideActsAloneAndForWhoCannotAnAdultWithAuthority(t *testing.T) {
	t.Parallel()
	f := ofThreeAges(t)
	f.want("before any authority", map[string]string{
		"eleven": "alone false, for 0", "twelve": "alone true, for 0", "fifteen": "alone true, for 0", "mother": "alone true, for 0",
	})
	for _, child := range []string{"eleven", "twelve", "fifteen"} {
		must(t, f.represents("mother", child, "see"))
	}
	f.want("with authority over all three", map[string]string{"mother": "alone true, for 1", "stranger": "alone true, for 0", "eleven": "alone false, for 0"})
	said := f.signsIn("mother")
	own, mine := f.read(said.Own)
	child, theirs := f.read(said.For[0].Statement)
	if own.Authority != "" || own.Scope != nil || child.Authority != "parental-responsibility" || !slices.Equal(child.Scope, []string{"see"}) || mine == theirs ||
		child.ACR != "two-factors" || said.For[0].Authority != child.Authority {
		t.Errorf("own %+v, for the child %+v", own, child)
	}

	f.assess("fifteen", false, f.now.Add(48*time.Hour))
	f.assess("eleven", true, f.now.Add(24*time.Hour))
	f.want("assessed, each the other way", map[string]string{"mother": "alone true, for 1", "eleven": "alone true, for 0", "fifteen": "alone false, for 0"})
	if _, secret := f.read(f.signsIn("mother").For[0].Statement); secret == theirs {
		t.Error("the mother acts for the one who was found to be able to decide")
	}
	*f.now = f.now.Add(24 * time.Hour)
	f.want("when one of them is over", map[string]string{"mother": "alone true, for 2", "eleven": "alone false, for 0"})
	f.assess("fifteen", true, f.now.Add(time.Hour))
	f.want("assessed again", map[string]string{"mother": "alone true, for 1", "fifteen": "alone true, for 0"})
	*f.now = f.now.AddDate(0, 11, 30)
	f.want("grown up to twelve", map[string]string{"mother": "alone true, for 0", "eleven": "alone true, for 0"})
	f.terms.Profile.Competence[0].From = 16
	f.want("by another profile", map[string]string{"eleven": "alone false, for 0", "twelve": "alone false, for 0", "fifteen": "alone true, for 0", "mother": "alone true, for 2"})
}

// LEG-21, AUT-13: an authority ends at once, and with its time; one who cannot decide
// represents nobody; and what is recorded of both is the keeper's alone to record.
func TestARepresentationEndsAtOnceAndIsTheKeepersToRecord(t *testing.T) {
	t.Parallel()
	f := ofThreeAges(t)
	must(t, f.represents("mother", "eleven", "see", "decide"))
	must(t, f.represents("mother", "eleven", "see"))
	f.want("twice", map[string]string{"mother": "alone true, for 2"})
	end := func() error {
		_, err := f.registrar.EndRepresentative(t.Context(), keeper, "town", f.people["eleven"], f.people["mother"], "asked")
		return err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	ended := 0
	for range 3 { // of several at once, one
		wg.Go(func() {
			err := end()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				ended++
			} else if fault.KindOf(err) != fault.NotKnown {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if ended != 1 {
		t.Errorf("%d have ended it", ended)
	}
	f.want("ended", map[string]string{"mother": "alone true, for 0"})
	must(t, f.represents("fifteen", "eleven", "see"))
	f.want("a sister", map[string]string{"fifteen": "alone true, for 1"})
	f.assess("fifteen", false, f.now.Add(time.Hour))
	f.want("who cannot decide", map[string]string{"fifteen": "alone false, for 0"})

	again := f.represents("eleven", "eleven", "see")
	if wantKind(t, again, fault.Invalid); !slices.Equal(pointers(again), []string{"/representative"}) {
		t.Errorf("oneself: %v", again)
	}
	for who, caller := range map[string]decide.Caller{"a clerk": clerk, "another agency's keeper": gpKeep} {
		_, err := f.registrar.Assess(t.Context(), caller, "town", f.people["eleven"], registrar.Assessment{Competent: true, Until: f.now.Add(time.Hour), Reason: "asked"})
		if fault.KindOf(err) != fault.Forbidden || err == nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	for _, until := range []time.Time{*f.now, f.now.AddDate(40, 0, 0)} {
		_, err := f.registrar.Assess(t.Context(), keeper, "town", f.people["eleven"], registrar.Assessment{Until: until, Reason: "asked"})
		if wantKind(t, err, fault.Invalid); !slices.Equal(pointers(err), []string{"/until"}) {
			t.Errorf("until %v: %v", until, err)
		}
	}
	if n := f.count("select count(*) from registrar.acts where kind like '%-representative' or kind = 'assess-competence'"); n != 5 {
		t.Errorf("%d acts", n)
	}
}

// LEG-21: how old somebody is at least, of a date that is not known to the day.
func TestAnAgeIsPresumedOfTheLatestThatADateCanBe(t *testing.T) {
	t.Parallel()
	f := ofThreeAges(t)
	for what, c := range map[string]struct {
		birth registrar.Birth
		alone bool
	}{
		"to the day, today":        {registrar.Birth{Date: "2014-11-22"}, true},
		"to the day, tomorrow":     {registrar.Birth{Date: "2014-11-23"}, false},
		"to the month, this one":   {registrar.Birth{Date: "2014-11"}, false},
		"to the month, the last":   {registrar.Birth{Date: "2014-10"}, true},
		"to the year, this one":    {registrar.Birth{Date: "2014"}, false},
		"to the year, the last":    {registrar.Birth{Date: "2013"}, true},
		"within two years":         {registrar.Birth{Date: "2012", Within: 2}, false},
		"within two years, before": {registrar.Birth{Date: "2011", Within: 2}, true},
	} {
		f.people[what] = f.enter("town", name(strings.ReplaceAll(what, " ", ""), "Fell"), registrar.Item{Source: "person", Birth: &c.birth})
		if said := f.signsIn(what); (said.Own != "") != c.alone {
			t.Errorf("born %s: alone %v", what, said.Own != "")
		}
	}
	f.people["nobody knows"] = f.enter("town", name("Quirinius", ""))
	if said := f.signsIn("nobody knows"); said.Own == "" {
		t.Error("without a date of birth something is presumed against somebody")
	}
}
