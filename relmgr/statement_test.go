package relmgr_test

import (
	"encoding/json"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr"
)

// registrar signs with real keys of a key file of its own.
type registrar struct {
	code string
	keys seal.Provider
}

func newRegistrar(t *testing.T, code string) registrar {
	t.Helper()
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	r := registrar{code, keys}
	r.makes(t, "sign/registrar/1")
	return r
}

func (r registrar) makes(t *testing.T, id seal.KeyID) {
	t.Helper()
	if _, _, err := r.keys.Ensure(t.Context(), id, seal.KindSign); err != nil {
		t.Fatal(err)
	}
}

// listed is the registrar as a partnership lists it, with those of its keys.
func (r registrar) listed(t *testing.T, ids ...seal.KeyID) decide.Registrar {
	t.Helper()
	set, err := attest.PublicKeys(t.Context(), r.keys, ids...)
	if err != nil {
		t.Fatal(err)
	}
	js, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	var jwks struct{ Keys []decide.PublicKey }
	if err := json.Unmarshal(js, &jwks); err != nil {
		t.Fatal(err)
	}
	return decide.Registrar{Code: r.code, Title: r.code, Agency: "riverside-social-care", Keys: jwks.Keys}
}

func (r registrar) signs(t *testing.T, key seal.KeyID, typ string, claims any) string {
	t.Helper()
	token, err := attest.NewSigner(r.keys, key, r.code).Sign(t.Context(), typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// withRegistrar lists a registrar in terms of this bundle's own.
func (b *bundle) withRegistrar(t *testing.T, code string) registrar {
	t.Helper()
	r := newRegistrar(t, code)
	terms := *b.terms
	terms.Registrars = append([]decide.Registrar{}, terms.Registrars...)
	terms.Registrars = append(terms.Registrars, r.listed(t, "sign/registrar/1"))
	terms.Agreements = append([]decide.Agreement{}, terms.Agreements...)
	b.terms = terms.Index()
	return r
}

func (b *bundle) demand(code string, level decide.Confidence) {
	for i := range b.terms.Agreements {
		if b.terms.Agreements[i].Code == code {
			b.terms.Agreements[i].StatementLevel = level
		}
	}
	b.terms.Index()
}

func (b *bundle) pairing(t *testing.T, who string, o relmgr.Own) relmgr.Pairing {
	t.Helper()
	p, err := b.OpenPairing(t.Context(), b.as(who), o, b.proposal(t, who, o))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// claims are those of a good statement.
func (b *bundle) claims(x, y string) map[string]any {
	now := b.clock().Unix()
	return map[string]any{
		"aud": relmgr.Audience(b.terms), "iat": now, "exp": now + 300, "jti": ident.NewStatement().String(),
		"references": []string{x, y}, "level": "high", "types": []string{"demographic", "performative"},
	}
}

func (b *bundle) statement(t *testing.T, r registrar, x, y string) string {
	t.Helper()
	return r.signs(t, "sign/registrar/1", attest.TypCommonClient, b.claims(x, y))
}

func (b *bundle) onStatement(t *testing.T, caller string, x relmgr.Own, statement string) relmgr.Correlation {
	t.Helper()
	c := b.correlation(t, caller, x, "")
	c.Statement = statement
	return c
}

// AUT-09, E2E-08: a registrar that never sees an identifier states that two
// pairings are of one person; on it they are correlated as on a code, and the
// act keeps who stated it, how sure and on what.
func TestTwoAreCorrelatedByARegistrarsStatement(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	theirs, ours := b.pairing(t, "gp", gpChild), b.pairing(t, "social", socialChild)
	c := b.onStatement(t, "social", socialChild, b.statement(t, county, theirs.Reference, ours.Reference))
	if _, err := b.Correlate(t.Context(), b.as("social"), c); err != nil {
		t.Fatal(err)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.ask(t, "gp", gpChild, ""), "childrens-assessment")
	if n := b.count(t, `select count(*) from relmgr.statements s join relmgr.acts a using (act_id)
		where a.kind = 'correlate' and s.registrar = 'county-register' and s.level = 'high' and s.types = '{demographic,performative}'`); n != 1 {
		t.Errorf("%d acts keep what was stated", n)
	}
	if n := b.count(t, `select count(*) from relmgr.pairings_used where own`); n != 1 {
		t.Errorf("%d own pairings are used up", n)
	}
	for who, o := range map[string]relmgr.Own{"social": socialChild, "gp": gpChild} { // each side is shown it
		joined := b.shown(t, who, o, relmgr.Correlate)
		if joined.Registrar != "county-register" || joined.Level != decide.HighConfidence || len(joined.Types) != 2 {
			t.Errorf("%s is shown %+v", who, joined)
		}
		if a, err := b.FindAct(t.Context(), b.as(who), joined.Act, looking); err != nil || a.Registrar != "county-register" {
			t.Errorf("%s is shown %+v, %v", who, a, err)
		}
	}
	// Neither code works any more, and neither does the statement.
	for who, code := range map[string]string{"social": theirs.Code, "gp-manager": ours.Code} {
		o := map[string]relmgr.Own{"social": socialChild, "gp-manager": gpChild}[who]
		_, err := b.Correlate(t.Context(), b.as(who), b.correlation(t, who, o, code))
		wantKind(t, err, fault.PairingUnusable)
	}
	_, err := b.Correlate(t.Context(), b.as("social"), c)
	wantKind(t, err, fault.PairingUnusable)
}

// A statement that is none of a listed registrar's, for this hub and for now, is
// refused before anything is looked up.
func TestAStatementThatIsNotARegistrarsIsRefused(t *testing.T) {
	b := setup(t)
	county, health := b.withRegistrar(t, "county-register"), b.withRegistrar(t, "health-register")
	stranger := newRegistrar(t, "county-register")
	county.makes(t, "sign/registrar/2")
	theirs, ours := b.pairing(t, "gp", gpChild), b.pairing(t, "social", socialChild)
	with := func(name string, value any) map[string]any {
		c := b.claims(theirs.Reference, ours.Reference)
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return c
	}
	good := with("", nil)
	now := b.clock().Unix()
	const key, typ = seal.KeyID("sign/registrar/1"), attest.TypCommonClient
	for name, token := range map[string]string{
		"another's key under the same code": stranger.signs(t, key, typ, good),
		"a key that is not listed":          county.signs(t, "sign/registrar/2", typ, good),
		"one registrar in another's name":   registrar{"county-register", health.keys}.signs(t, key, typ, good),
		"of another type":                   county.signs(t, key, attest.TypHandleProof, good),
		"without a signature":               unsigned(county.signs(t, key, typ, good)),
		"for another hub":                   county.signs(t, key, typ, with("aud", "https://elsewhere.example/relmgr")),
		"for another duty":                  county.signs(t, key, typ, with("aud", b.terms.Partnership.Hub+"/consent")),
		"expired":                           county.signs(t, key, typ, func() any { c := with("iat", now-300); c["exp"] = now; return c }()),
		"from the future":                   county.signs(t, key, typ, func() any { c := with("iat", now+60); c["exp"] = now + 90; return c }()),
		"too long a life":                   county.signs(t, key, typ, with("exp", now+int64(b.terms.Settings.StatementMinutes)*60+1)),
		"no id":                             county.signs(t, key, typ, with("jti", nil)),
		"an id that is none":                county.signs(t, key, typ, with("jti", "LMN-00042")),
		"one reference":                     county.signs(t, key, typ, with("references", []string{ours.Reference})),
		"one reference twice":               county.signs(t, key, typ, with("references", []string{ours.Reference, ours.Reference})),
		"three references":                  county.signs(t, key, typ, with("references", []string{ours.Reference, theirs.Reference, "x"})),
		"a level that is none":              county.signs(t, key, typ, with("level", "certain")),
		"no types":                          county.signs(t, key, typ, with("types", []string{})),
		"a type that is none":               county.signs(t, key, typ, with("types", []string{"demographic", "Iris Moor"})),
		"a type twice":                      county.signs(t, key, typ, with("types", []string{"biometric", "biometric"})),
		"no statement at all":               "a.b.c",
	} {
		c := b.onStatement(t, "social", socialChild, token)
		if _, err := b.Correlate(t.Context(), b.as("social"), c); err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind not in ('pair')`); n != 0 {
		t.Errorf("%d acts", n)
	}
	// After all of that, the good one is good; and both registrars' are.
	if _, err := b.Correlate(t.Context(), b.as("social"), b.onStatement(t, "social", socialChild, health.signs(t, key, typ, good))); err != nil {
		t.Error(err)
	}
	both := b.onStatement(t, "social", socialChild, county.signs(t, key, typ, good))
	both.Code = relmgr.NewCode()
	_, err := b.Correlate(t.Context(), b.as("social"), both)
	wantKind(t, err, fault.Invalid)
}

// A registrar changes its key with both listed for a while; what the old one
// signed is good until it is taken out.
func TestARegistrarsKeysOverlap(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	county.makes(t, "sign/registrar/2")
	tries := func(key seal.KeyID) error {
		theirs, ours := b.pairing(t, "gp", gpChild), b.pairing(t, "social", socialChild)
		token := county.signs(t, key, attest.TypCommonClient, b.claims(theirs.Reference, ours.Reference))
		_, err := b.Correlate(t.Context(), b.as("social"), b.onStatement(t, "social", socialChild, token))
		return err
	}
	for _, step := range []struct {
		listed []seal.KeyID
		good   map[seal.KeyID]bool
	}{
		{[]seal.KeyID{"sign/registrar/1"}, map[seal.KeyID]bool{"sign/registrar/1": true, "sign/registrar/2": false}},
		{[]seal.KeyID{"sign/registrar/1", "sign/registrar/2"}, map[seal.KeyID]bool{"sign/registrar/1": true, "sign/registrar/2": true}},
		{[]seal.KeyID{"sign/registrar/2"}, map[seal.KeyID]bool{"sign/registrar/1": false, "sign/registrar/2": true}},
	} {
		b.terms.Registrars = []decide.Registrar{county.listed(t, step.listed...)}
		for key, good := range step.good {
			if err := tries(key); (err == nil) != good {
				t.Errorf("with %v listed, by %s: %v", step.listed, key, err)
			}
		}
	}
}

// Whatever is wrong with what a good statement names, the answer is that of a
// code which nobody has opened, to the letter.
func TestWhatAStatementNamesIsToldApartByNothing(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	_, unknown := b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", socialChild, relmgr.NewCode()))
	wantKind(t, unknown, fault.PairingUnusable)
	fresh := func(who string, o relmgr.Own) string { return b.pairing(t, who, o).Reference }
	other := own("social-care", "LMN-00043")
	used := fresh("gp", gpChild)
	if _, err := b.Correlate(t.Context(), b.as("social"), b.onStatement(t, "social", socialChild, b.statement(t, county, used, fresh("social", socialChild)))); err != nil {
		t.Fatal(err)
	}
	lapsed, lapsedOwn := fresh("gp", gpChild), fresh("social", socialChild)
	b.wait(time.Duration(b.terms.Settings.PairingMinutes) * time.Minute)
	id := b.claims(fresh("gp", gpChild), fresh("social", socialChild))
	token := county.signs(t, "sign/registrar/1", attest.TypCommonClient, id)
	if _, err := b.Correlate(t.Context(), b.as("social"), b.onStatement(t, "social", socialChild, token)); err != nil {
		t.Fatal(err)
	}
	replayed := b.claims(fresh("gp", gpChild), fresh("social", socialChild))
	replayed["jti"] = id["jti"]
	for name, references := range map[string][2]string{
		"both unknown":            {"AZ4LT3QK5W2M7HXJ6BDR2UNVEC", "AZ4LT3QK5W2M7HXJ6BDR2UNVED"},
		"the other unknown":       {"AZ4LT3QK5W2M7HXJ6BDR2UNVEC", fresh("social", socialChild)},
		"one's own unknown":       {fresh("gp", gpChild), "AZ4LT3QK5W2M7HXJ6BDR2UNVEC"},
		"the other used":          {used, fresh("social", socialChild)},
		"the other lapsed":        {lapsed, fresh("social", socialChild)},
		"one's own lapsed":        {fresh("gp", gpChild), lapsedOwn},
		"for another of one's":    {fresh("gp", gpChild), fresh("social", other)},
		"others' both":            {fresh("gp", gpChild), fresh("school", own("school-pastoral", "S123456"))},
		"two of one's own column": {fresh("social", other), fresh("social", socialChild)},
		"two of one identifier":   {fresh("social", socialChild), fresh("social", socialChild)},
		"a code as a reference":   {b.pairing(t, "gp", gpChild).Code, fresh("social", socialChild)},
	} {
		_, err := b.Correlate(t.Context(), b.as("social"), b.onStatement(t, "social", socialChild, b.statement(t, county, references[0], references[1])))
		if err == nil || err.Error() != unknown.Error() {
			t.Errorf("%s: %v", name, err)
		}
	}
	again := county.signs(t, "sign/registrar/1", attest.TypCommonClient, replayed)
	if _, err := b.Correlate(t.Context(), b.as("social"), b.onStatement(t, "social", socialChild, again)); err == nil || err.Error() != unknown.Error() {
		t.Errorf("the id of a statement that was used: %v", err)
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'correlate'`); n != 2 {
		t.Errorf("%d correlations", n)
	}
}

// Of two who use one statement at once, one from each side, one succeeds; the
// loser's act is not there.
func TestOfTwoWhoUseAStatementAtOnceOneSucceeds(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	theirs, ours := b.pairing(t, "gp", gpChild), b.pairing(t, "social", socialChild)
	statement := b.statement(t, county, theirs.Reference, ours.Reference)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		who, o := "social", socialChild
		if i%2 == 1 {
			who, o = "gp-manager", gpChild
		}
		c := b.onStatement(t, who, o, statement)
		wg.Go(func() { _, errs[i] = b.Correlate(t.Context(), b.as(who), c) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if fault.KindOf(err) != fault.PairingUnusable {
			t.Errorf("got %v, want PairingUnusable", err)
		}
	}
	if won != 1 || b.count(t, `select count(*) from relmgr.acts where kind = 'correlate'`) != 1 {
		t.Errorf("%d won", won)
	}
}

// IDX-05, IDX-14: an agreement may correlate only on a statement of some
// confidence. Under it a code is refused with the reason, recorded, before it is
// looked up; and the other side's agreement is kept to without telling of it.
func TestAnAgreementMayDemandAStatement(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.demand("riverside-children", decide.HighConfidence)
	for _, code := range []string{b.pairing(t, "gp", gpChild).Code, relmgr.NewCode()} {
		_, err := b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", socialChild, code))
		wantKind(t, err, fault.DecisionRefused)
	}
	if n := b.count(t, `select count(*) from relmgr.decisions where outcome = 'refused' and stopped_at = 1`); n != 2 {
		t.Errorf("%d refusals are recorded", n)
	}
	try := func(level string) error {
		claims := b.claims(b.pairing(t, "gp", gpChild).Reference, b.pairing(t, "social", socialChild).Reference)
		claims["level"] = level
		token := county.signs(t, "sign/registrar/1", attest.TypCommonClient, claims)
		_, err := b.Correlate(t.Context(), b.as("social"), b.onStatement(t, "social", socialChild, token))
		return err
	}
	wantKind(t, try("low"), fault.DecisionRefused)
	wantKind(t, try("medium"), fault.DecisionRefused)
	for _, level := range []string{"high", "very-high"} {
		if err := try(level); err != nil {
			t.Errorf("%s: %v", level, err)
		}
	}
	// A code opened while it was demanded keeps two apart, and correlates nobody
	// even where the caller's own agreement would have it.
	p := b.pairing(t, "gp", gpChild)
	terms := *b.terms
	terms.Agreements = append([]decide.Agreement{}, terms.Agreements...)
	for _, a := range terms.Agreements {
		if a.Code == "riverside-children" {
			a.Code, a.StatementLevel = "lenient", ""
			terms.Agreements = append(terms.Agreements, a)
			break
		}
	}
	b.terms = terms.Index()
	c := b.correlation(t, "social", socialChild, p.Code)
	c.Agreement = "lenient"
	_, err := b.Correlate(t.Context(), b.as("social"), c)
	wantKind(t, err, fault.PairingUnusable)
	if _, err := b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{Own: socialChild, Code: p.Code, Reason: "subject-asked"}); err != nil {
		t.Error(err)
	}
}

// IDX-10, ACT-06: a keep-apart bars it in silence, and joint waits for the other
// side, as with a code.
func TestAStatementIsBarredAndWaitsAsACode(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	by := func(mode decide.Mode) relmgr.Receipt {
		theirs, ours := b.pairing(t, "gp", gpChild), b.pairing(t, "social", socialChild)
		c := b.onStatement(t, "social", socialChild, b.statement(t, county, ours.Reference, theirs.Reference))
		c.Mode = mode
		r, err := b.Correlate(t.Context(), b.as("social"), c)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	by(decide.Joint)
	wantTold(t, b.ask(t, "social", socialChild, ""))
	var ref ident.ReferenceID
	if err := b.admin.QueryRow(`select r.reference_id from relmgr.act_references r join relmgr.acts a using (act_id)
		where a.kind = 'correlate' and r.agency_id = 'riverside-gp'`).Scan(&ref); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ConfirmSamePerson(t.Context(), b.as("gp-manager"), ref, "same-person-found"); err != nil {
		t.Fatal(err)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	apart := b.pairing(t, "gp", gpChild)
	mine := b.count(t, `select count(*) from relmgr.keep_aparts`)
	var own ident.ReferenceID
	if err := b.admin.QueryRow(`select r.reference_id from relmgr.act_references r join relmgr.acts a using (act_id)
		where a.kind = 'correlate' and r.agency_id = 'riverside-social-care'`).Scan(&own); err != nil {
		t.Fatal(err)
	}
	if _, err := b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{Correlations: []ident.ReferenceID{own}, Reason: "subject-asked"}); err != nil {
		t.Fatal(err)
	}
	if b.count(t, `select count(*) from relmgr.keep_aparts`) != mine+1 || apart.Code == "" {
		t.Fatal("nothing is kept apart")
	}
	by(decide.WithConsent)
	wantTold(t, b.ask(t, "social", socialChild, ""))
}

// unsigned is the statement with alg none and the signature of nobody.
func unsigned(token string) string {
	var at [2]int
	for i, n := 0, 0; i < len(token); i++ {
		if token[i] == '.' {
			at[n], n = i, n+1
		}
	}
	return "eyJhbGciOiJub25lIiwidHlwIjoiZmFtZS1jb21tb24tY2xpZW50K2p3dCIsImtpZCI6IngifQ" + token[at[0]:]
}
