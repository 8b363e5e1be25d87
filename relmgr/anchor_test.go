package relmgr_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr"
)

// secretOf is what a registrar keeps for a person and this hub.
func secretOf(person string) attest.HubSecret {
	return attest.NewHubSecret(sha256.Sum256([]byte(person)), 1)
}

// recognition is a registrar's recognition of a person, for somebody.
func (b *bundle) recognition(t *testing.T, r registrar, who, person string) attest.Recognition {
	t.Helper()
	keys, err := attest.RecipientKeys(t.Context(), b.keys, relmgr.AgreementKey)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := keys.Encrypt(secretOf(person))
	if err != nil {
		t.Fatal(err)
	}
	return attest.Recognition{
		Audience: relmgr.Audience(b.terms), Practitioner: b.as(who).Practitioner, Agency: b.as(who).Agency, Level: "medium",
		Types: []string{"demographic"}, Secret: secret, IssuedAt: b.clock(), Expires: b.clock().Add(5 * time.Minute), ID: ident.NewRecognition(),
	}
}

func (r registrar) recognises(t *testing.T, rec attest.Recognition) string {
	t.Helper()
	token, err := attest.NewSigner(r.keys, "sign/registrar/1", r.code).SignRecognition(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (b *bundle) recognised(t *testing.T, r registrar, who, person string) string {
	t.Helper()
	return r.recognises(t, b.recognition(t, r, who, person))
}

// attach makes the person of an identifier found by what the registrar says of them.
func (b *bundle) attach(t *testing.T, r registrar, who string, o relmgr.Own, person string) relmgr.Receipt {
	t.Helper()
	receipt, err := b.AttachAnchor(t.Context(), b.as(who), relmgr.Attachment{Own: o, Recognition: b.recognised(t, r, who, person), Reason: "same-person-found"})
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// stranger is a question about somebody who was recognised.
func stranger(column ident.Column, recognition string) relmgr.Question {
	return relmgr.Question{
		Own: relmgr.Own{Column: column}, Recognition: recognition, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "not-known",
	}
}

func (b *bundle) askAbout(t *testing.T, r registrar, who string, column ident.Column, person string) relmgr.Answer {
	t.Helper()
	a, err := b.Enquire(t.Context(), b.as(who), stranger(column, b.recognised(t, r, who, person)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// E2E-05 (its recognition half), QRY-01, IDX-10, invariant 4: a stranger whom a
// registrar recognises is found in each column that attached its own recognition of
// them, and stays on as many rows as before, with no stored value in common.
func TestE2E05AStrangerIsFoundInEveryColumnByARecognition(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	b.publish(t, "school", schoolChild)
	before := b.count(t, `select count(*) from relmgr.enquiries`)
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"))
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	b.attach(t, county, "school", schoolChild, "Iris Moor")
	a := b.askAbout(t, county, "social", "social-care", "Iris Moor")
	wantTold(t, a, "school-pastoral-lead", "riverside-surgery")
	if a.Published || len(a.Commitment) == 0 {
		t.Errorf("%+v", a)
	}
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Ivo Moor"))
	for query, want := range map[string]int{
		`select count(distinct row_id) from relmgr.handles`:                                                                 2,
		`select count(distinct value) from relmgr.anchors`:                                                                  2,
		`select count(*) from relmgr.handles h join relmgr.anchors a using (handle_id)`:                                     2,
		`select count(*) from relmgr.enquiries where recognition = 'used' and handle_id is null`:                            3,
		`select count(*) from relmgr.disclosures d join relmgr.enquiries e using (enquiry_id) where e.recognition = 'used'`: 2,
		`select count(*) from relmgr.recognitions_used`:                                                                     5,
		`select count(*) from relmgr.acts where kind = 'attach-anchor'`:                                                     2,
	} {
		if n := b.count(t, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.enquiries`) - before; n != 3 {
		t.Errorf("%d enquiries are recorded", n)
	}
	// Another registrar's secret of the same value finds nobody.
	wantTold(t, b.askAbout(t, b.withRegistrar(t, "health-register"), "social", "social-care", "Iris Moor"))
}

// What is found rests on each holder's own standing decision, exclusions and
// keep-aparts, as a row does: an agency that the person leaves out anywhere is left
// out of all that is found of them.
func TestWhatARecognitionFindsIsDecidedAsARowIs(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	b.publish(t, "school", schoolChild)
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	r := b.attach(t, county, "school", schoolChild, "Iris Moor")
	ask := func() relmgr.Answer { t.Helper(); return b.askAbout(t, county, "social", "social-care", "Iris Moor") }
	wantTold(t, ask(), "school-pastoral-lead", "riverside-surgery")

	// Undone, done again by undoing that, and undone.
	undone, err := b.WithdrawAct(t.Context(), b.as("school"), r.Act, "work-ended", "")
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, ask(), "riverside-surgery")
	if _, err := b.WithdrawAct(t.Context(), b.as("school"), undone.Act, "work-ended", ""); err != nil {
		t.Fatal(err)
	}
	wantTold(t, ask(), "school-pastoral-lead", "riverside-surgery")

	// The other agency neither knows of the act nor may undo it.
	_, err = b.WithdrawAct(t.Context(), b.as("social"), r.Act, "work-ended", "")
	wantKind(t, err, fault.NotKnown)

	// What the asker's own column publishes is the asker's own.
	b.publish(t, "social", socialChild)
	b.attach(t, county, "social", socialChild, "Iris Moor")
	if a := ask(); !a.Published {
		t.Error("the asker's own column publishes it, and the answer does not say so")
	} else {
		wantTold(t, a, "school-pastoral-lead", "riverside-surgery")
	}
	// A row that is joined is told of once.
	b.correlate(t, "social", socialChild, "gp", gpChild)
	wantTold(t, ask(), "school-pastoral-lead", "riverside-surgery")

	// Left out of one row, the agency is left out of all.
	b.exclude(t, b.handle(t, "school", schoolChild), "riverside-social-care")
	wantTold(t, ask())
	if _, err := b.admin.Exec(`delete from consent.exclusions`); err != nil {
		t.Fatal(err)
	}
	wantTold(t, ask(), "school-pastoral-lead", "riverside-surgery")
	// Kept apart, they are not told of together.
	p := b.pairing(t, "gp", gpChild)
	if _, err := b.KeepApart(t.Context(), b.as("school"), relmgr.Apart{Own: schoolChild, Code: p.Code, Reason: "subject-asked"}); err != nil {
		t.Fatal(err)
	}
	wantTold(t, ask())
}

// A recognition is for one hub, one practitioner and one use, for minutes. What is
// none of a registrar's is bad input; one that is somebody else's, or was used, is
// refused on record. Nothing is looked up either way.
func TestARecognitionServesWhomItWasMadeForOnce(t *testing.T) {
	b := setup(t)
	county, health := b.withRegistrar(t, "county-register"), b.withRegistrar(t, "health-register")
	strange := newRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	with := func(r registrar, change func(*attest.Recognition)) string {
		rec := b.recognition(t, r, "social", "Iris Moor")
		if change != nil {
			change(&rec)
		}
		return r.recognises(t, rec)
	}
	good := with(county, nil)
	records := func() int { t.Helper(); return b.count(t, `select count(*) from ledger.pending`) }
	at := records()
	for name, token := range map[string]string{
		"another's key under the same code": with(strange, nil),
		"one registrar in another's name":   with(registrar{"county-register", health.keys}, nil),
		"without a signature":               unsigned(good),
		"for another hub":                   with(county, func(r *attest.Recognition) { r.Audience = "https://elsewhere.example/relmgr" }),
		"for another duty":                  with(county, func(r *attest.Recognition) { r.Audience = b.terms.Partnership.Hub + "/consent" }),
		"expired":                           with(county, func(r *attest.Recognition) { r.IssuedAt, r.Expires = b.clock().Add(-time.Minute), b.clock() }),
		"from the future": with(county, func(r *attest.Recognition) {
			r.IssuedAt, r.Expires = b.clock().Add(time.Minute), b.clock().Add(2*time.Minute)
		}),
		"too long a life": with(county, func(r *attest.Recognition) {
			r.Expires = b.clock().Add(time.Duration(b.terms.Settings.StatementMinutes)*time.Minute + time.Second)
		}),
		"a level that is none":   with(county, func(r *attest.Recognition) { r.Level = "certain" }),
		"a type that is none":    with(county, func(r *attest.Recognition) { r.Types = []string{"Iris Moor"} }),
		"a type twice":           with(county, func(r *attest.Recognition) { r.Types = []string{"biometric", "biometric"} }),
		"a secret in clear":      with(county, func(r *attest.Recognition) { r.Secret = hex.EncodeToString(make([]byte, 32)) }),
		"a secret for another":   with(county, func(r *attest.Recognition) { r.Secret = secretToNobody(t) }),
		"a common-client":        county.signs(t, "sign/registrar/1", attest.TypCommonClient, b.claims("x", "y")),
		"a subject's":            county.signs(t, "sign/registrar/1", attest.TypSubject, b.claims("x", "y")),
		"no recognition at all":  "a.b.c",
		"another hub's JSON Web": strings.Repeat("A", 7000),
	} {
		_, err := b.Enquire(t.Context(), b.as("social"), stranger("social-care", token))
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "new recognition") {
			t.Errorf("%s: %v", name, err)
		}
		_, err = b.AttachAnchor(t.Context(), b.as("social"), relmgr.Attachment{Own: socialChild, Recognition: token, Reason: "same-person-found"})
		if err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("attaching, %s: %v", name, err)
		}
	}
	if n := records() - at; n != 0 {
		t.Errorf("%d records of what is no recognition", n)
	}
	// Stolen: by a colleague, by another agency, by the same person at another agency.
	for name, change := range map[string]func(*attest.Recognition){
		"a colleague's":                func(r *attest.Recognition) { r.Practitioner = "ms-novak" },
		"another agency's":             func(r *attest.Recognition) { r.Practitioner, r.Agency = "dr-patel", "riverside-gp" },
		"one's own, of another agency": func(r *attest.Recognition) { r.Agency = "riverside-gp" },
	} {
		token := with(county, change)
		_, err := b.Enquire(t.Context(), b.as("social"), stranger("social-care", token))
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "made for somebody else") {
			t.Errorf("%s: %v", name, err)
		}
		_, err = b.AttachAnchor(t.Context(), b.as("social"), relmgr.Attachment{Own: socialChild, Recognition: token, Reason: "same-person-found"})
		if err == nil || !strings.Contains(err.Error(), "made for somebody else") {
			t.Errorf("attaching, %s: %v", name, err)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.enquiries where recognition = 'of-another'`); n != 3 {
		t.Errorf("%d thefts are on record", n)
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'refuse'`); n != 3 {
		t.Errorf("%d refused attachments are on record", n)
	}
	// A step of the asker's own that fails leaves the recognition unused.
	q := stranger("social-care", good)
	q.Emergency, q.Reason = true, "working-with-person"
	if _, err := b.Enquire(t.Context(), b.as("plain"), q); err == nil {
		t.Error("it was made for somebody else")
	}
	q.Emergency = false
	a, err := b.Enquire(t.Context(), b.as("social"), q)
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, a, "riverside-surgery")
	for range 2 {
		_, err = b.Enquire(t.Context(), b.as("social"), q)
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "has been used") {
			t.Errorf("used again: %v", err)
		}
	}
	_, err = b.AttachAnchor(t.Context(), b.as("social"), relmgr.Attachment{Own: socialChild, Recognition: good, Reason: "same-person-found"})
	if err == nil || !strings.Contains(err.Error(), "has been used") {
		t.Errorf("used again, for an anchor: %v", err)
	}
	if n := b.count(t, `select count(*) from relmgr.enquiries where recognition = 'used-before'`); n != 2 {
		t.Errorf("%d second uses are on record", n)
	}
	if n := b.count(t, `select count(*) from relmgr.disclosures`); n != 1 {
		t.Errorf("%d disclosures", n)
	}
}

// secretToNobody is a secret that relmgr has no key for.
func secretToNobody(t *testing.T) string {
	t.Helper()
	r := newRegistrar(t, "x")
	if _, _, err := r.keys.Ensure(t.Context(), relmgr.AgreementKey, seal.KindAgree); err != nil {
		t.Fatal(err)
	}
	keys, err := attest.RecipientKeys(t.Context(), r.keys, relmgr.AgreementKey)
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := keys.Encrypt(secretOf("Iris Moor"))
	if err != nil {
		t.Fatal(err)
	}
	return jwe
}

// Of many who use one recognition at once, for a question or an anchor, one does;
// of the others' nothing is kept but that they tried.
func TestOfManyWhoUseARecognitionAtOnceOneDoes(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	token := b.recognised(t, county, "social", "Iris Moor")
	leaves := b.count(t, `select count(*) from ledger.pending`)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		s := b.another(t)
		wg.Go(func() {
			if i%2 == 0 {
				_, errs[i] = s.Enquire(t.Context(), b.as("social"), stranger("social-care", token))
			} else {
				_, errs[i] = s.AttachAnchor(t.Context(), b.as("social"), relmgr.Attachment{Own: socialChild, Recognition: token, Reason: "same-person-found"})
			}
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "has been used") {
			t.Errorf("%v", err)
		}
	}
	if won != 1 || b.count(t, `select count(*) from relmgr.recognitions_used`) != 2 {
		t.Errorf("%d used it", won)
	}
	if n := b.count(t, `select count(*) from ledger.pending`) - leaves; n != len(errs) {
		t.Errorf("%d records of %d tries", n, len(errs))
	}
}

// IDX-03, invariant 4: where an agency has a person on its books twice, both
// identifiers are found, with no value in common; and an identifier is of one
// person for one registrar.
func TestOneColumnMayHaveAPersonTwice(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	twin := func(n int) relmgr.Own { return own("gp-riverside", fmt.Sprintf("GP-0010%d", n)) }
	for n := range 4 {
		b.publish(t, "gp", twin(n))
		b.attach(t, county, "gp", twin(n), "Iris Moor")
	}
	b.attach(t, county, "gp", twin(0), "Iris Moor") // again, which changes nothing
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"), "riverside-surgery", "riverside-surgery", "riverside-surgery", "riverside-surgery")
	if n := b.count(t, `select count(distinct value) from relmgr.anchors`); n != 4 {
		t.Errorf("%d values", n)
	}
	a := relmgr.Attachment{Own: twin(5), Recognition: b.recognised(t, county, "gp", "Iris Moor"), Reason: "same-person-found"}
	_, err := b.AttachAnchor(t.Context(), b.as("gp"), a)
	wantKind(t, err, fault.Conflict)
	a.Own, a.Recognition = twin(0), b.recognised(t, county, "gp", "Ivo Moor")
	_, err = b.AttachAnchor(t.Context(), b.as("gp"), a)
	wantKind(t, err, fault.Conflict)
	// By then nothing was used up, and another registrar may know them otherwise.
	if n := b.count(t, `select count(*) from relmgr.recognitions_used`); n != 6 {
		t.Errorf("%d recognitions are used up", n)
	}
	health := b.withRegistrar(t, "health-register")
	b.attach(t, health, "gp", twin(0), "Ivo Moor")
	wantTold(t, b.askAbout(t, health, "social", "social-care", "Ivo Moor"), "riverside-surgery")
}

// ACT-02: an attachment that is sent again with its key is one act, and one that
// two send at once too.
func TestAnAttachmentSentAgainIsOneAct(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	a := relmgr.Attachment{Own: gpChild, Recognition: b.recognised(t, county, "gp", "Iris Moor"), Reason: "same-person-found"}
	var wg sync.WaitGroup
	receipts, errs := make([]relmgr.Receipt, 6), make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			receipts[i], errs[i] = b.Once("dr-patel", "attachAnchor", "0123456789abcdef", []byte("x")).AttachAnchor(t.Context(), b.as("gp"), a)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil || receipts[i].Act != receipts[0].Act {
			t.Errorf("%v, %v", receipts[i], err)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts`); n != 1 {
		t.Errorf("%d acts", n)
	}
}

// QRY-10: whether a question about a stranger needs a case depends on the asker's
// own column, as for an identifier; one that lacks it leaves the recognition
// unused.
func TestAStrangerNeedsACaseAsAnybodyDoes(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	for i := range b.terms.Agreements {
		b.terms.Agreements[i].NeedsCase = true
	}
	b.terms.Index()
	b.publish(t, "gp", gpChild)
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	q := stranger("social-care", b.recognised(t, county, "social", "Iris Moor"))
	_, err := b.Enquire(t.Context(), b.as("social"), q)
	wantKind(t, err, fault.DecisionRefused)
	q.Case = "2026/0412"
	a, err := b.Enquire(t.Context(), b.as("social"), q)
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, a, "riverside-surgery")
	b.publish(t, "social", socialChild)
	b.attach(t, county, "social", socialChild, "Iris Moor")
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"), "riverside-surgery")
}

// IDX-15, COL-08: a handle that moves to another column is found as before, and one
// whose column is destroyed has no anchor left.
func TestAnchorsFollowTheirHandle(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	patels := own("gp-patel", "PT7391")
	b.publish(t, "patel", patels)
	b.attach(t, county, "patel", patels, "Iris Moor")
	if _, err := b.MoveCaseload(t.Context(), b.as("gp-manager"), relmgr.Caseload{
		From: "gp-patel", To: "gp-riverside", Reason: "work-ended", Items: []relmgr.CaseloadItem{{Identifier: "PT7391", As: "GP-00042"}},
	}); err != nil {
		t.Fatal(err)
	}
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"), "riverside-surgery")
	// Whoever has the person in the old column now has a value of their own.
	b.publish(t, "patel", own("gp-patel", "PT7392"))
	b.attach(t, county, "patel", own("gp-patel", "PT7392"), "Iris Moor")
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"), "dr-patel-list", "riverside-surgery")
}

// DCP-03, invariant 9: neither the secret nor the registrar's id of the recognition
// stands anywhere in the database.
func TestNothingStoredLeadsBackToTheRegistrar(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	rec := b.recognition(t, county, "gp", "Iris Moor")
	if _, err := b.AttachAnchor(t.Context(), b.as("gp"), relmgr.Attachment{Own: gpChild, Recognition: county.recognises(t, rec), Reason: "same-person-found"}); err != nil {
		t.Fatal(err)
	}
	asked := b.recognition(t, county, "social", "Iris Moor")
	if _, err := b.Enquire(t.Context(), b.as("social"), stranger("social-care", county.recognises(t, asked))); err != nil {
		t.Fatal(err)
	}
	secret := secretOf("Iris Moor").Bytes()
	var dump string
	for _, table := range []string{"anchors", "attachments", "recognitions_used", "acts", "enquiries", "act_handles", "content_keys", "handles"} {
		var text string
		if err := b.admin.QueryRow(`select coalesce(string_agg(x::text, E'\n'), '') from relmgr.` + table + ` x`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		dump += text
	}
	for what, value := range map[string]string{
		"the secret": hex.EncodeToString(secret[:8]), "the recognition's id": rec.ID.String(), "its bytes": hex.EncodeToString(rec.ID[:]),
		"that of the enquiry": asked.ID.String(), "its bytes too": hex.EncodeToString(asked.ID[:]),
	} {
		if strings.Contains(dump, value) {
			t.Errorf("%s stands in the database", what)
		}
	}
	if len(dump) < 1000 {
		t.Error("nothing was dumped")
	}
}

// DCP-10: anchors are brought to the next key while they are asked about and
// attached; nobody is lost, and who was stopped in any step is carried on.
func TestAnchorsRotateWhileTheyAreUsed(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	for p := range 3 {
		s := b.another(t)
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				a, err := s.Enquire(ctx, b.as("social"), stranger("social-care", b.recognised(t, county, "social", "Iris Moor")))
				if err == nil && len(a.Providers) != 1 {
					t.Errorf("told of %v", told(a))
				} else if err != nil && ctx.Err() == nil {
					t.Errorf("ask: %v", err)
				}
				person := fmt.Sprintf("somebody %d of %d", n, p)
				_, err = s.AttachAnchor(ctx, b.as("gp"), relmgr.Attachment{
					Own: own("gp-riverside", fmt.Sprintf("GP-%d%04d", p+1, n)), Recognition: b.recognised(t, county, "gp", person), Reason: "same-person-found"})
				if err != nil && ctx.Err() == nil {
					t.Errorf("attach: %v", err)
				}
			}
		})
	}
	for epoch := 2; epoch <= 4; epoch++ {
		for from := b.count(t, `select count(*) from relmgr.anchors`); b.count(t, `select count(*) from relmgr.anchors`) < from+10; {
			time.Sleep(time.Millisecond)
		}
		stopped, cancel := context.WithCancel(t.Context())
		tell := func(step string, done, _ int) {
			if step == "advance" && done > 0 {
				cancel()
			}
		}
		_ = b.RotateAnchors(stopped, tell) // dies half-way, or not
		cancel()
		for b.count(t, `select count(*) from relmgr.anchors where epoch < (select epoch from relmgr.anchor_epochs)`) > 0 {
			if err := b.RotateAnchors(t.Context(), quiet); err != nil {
				t.Fatal(err)
			}
		}
		if n := b.count(t, `select epoch from relmgr.anchor_epochs`); n != epoch {
			t.Fatalf("epoch %d, want %d", n, epoch)
		}
	}
	stop()
	clients.Wait()
	if n := b.count(t, `select count(*) from relmgr.anchors where epoch <> 4`); n != 0 {
		t.Errorf("%d anchors are of another key", n)
	}
	people := b.count(t, `select count(*) from relmgr.anchors`)
	if n := b.count(t, `select count(distinct value) from relmgr.anchors`); n != people || n < 30 {
		t.Errorf("%d values of %d", n, people)
	}
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"), "riverside-surgery")
	// What an act had attached is restored under whatever key it is now.
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	if n := b.count(t, `select count(*) from relmgr.anchors`); n != people {
		t.Errorf("a second anchor of the same handle")
	}
}

// QRY-05, QRY-10: an emergency about a stranger opens a review, and tells what is
// blocked.
func TestAnEmergencyAboutAStrangerIsReviewed(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	b.block(t, b.handle(t, "gp", gpChild), "block")
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"))
	q := stranger("social-care", b.recognised(t, county, "social", "Iris Moor"))
	q.Emergency, q.Reason = true, "risk-of-harm"
	a, err := b.Enquire(t.Context(), b.as("social"), q)
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, a, "riverside-surgery")
	if n := b.count(t, `select count(*) from relmgr.reviews`); n != 1 {
		t.Errorf("%d reviews", n)
	}
	reviews, _, err := b.ListReviews(t.Context(), b.as("lead"), ident.ReviewID{}, 10, looking)
	if err != nil || len(reviews) != 1 || reviews[0].Told != 1 {
		t.Errorf("%+v, %v", reviews, err)
	}
	// There is nobody's handle to follow it up by.
	_, err = b.RequestContact(t.Context(), b.as("social"), a.ID, "desk")
	wantKind(t, err, fault.NotKnown)
}
