package edgetest_test

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/descope/virtualwebauthn"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/signin"
)

// goodRegister is a register described whole.
func goodRegister(code string) object {
	return object{
		"register": code, "title": "People of the town", "contact": "register.example", "scope": "Everybody in the town",
		"criterion": "children", "self_registered": true, "serves": []string{"riverside-gp", "riverside-social-care"},
		"governance": object{"overseer": "The board", "inclusion": "Everybody who asks", "appeal": "To the board", "review": "2027-06-30"},
		"levels":     object{"latency_ms": 50, "errors_per_mille": 1, "per_minute": 600},
	}
}

// goodItems is a datum of each kind.
func goodItems() []object {
	day := func(more object) object { return seedWith(more, object{"from": "2001-05", "until": "2019-12-31"}) }
	return []object{
		{"source": "person", "verified_at": "2026-01-01T00:00:00Z", "name": day(object{"given": "Zsófia", "family": "Ådahl", "use": "usual"})},
		{"source": "relative", "name": object{"whole": "索菲亚", "use": "alias"}},
		{"source": "document", "birth": object{"date": "1987-04-05", "within": 0, "place": "Ulm"}},
		{"source": "person", "sex": "female"},
		{"source": "person", "address": day(object{"house": "7", "lines": "Mill Lane", "locality": "Riverside", "region": "Shire", "postcode": "ZZ1 1ZZ"})},
		{"source": "person", "phone": "01632 960 711"},
		{"source": "person", "email": "zsofia@mail.example"},
		{"source": "document", "identifier": object{"scheme": "passport", "value": "ZZ7391739"}},
		{"source": "relative", "parent": object{"name": object{"given": "Ilka"}, "occupation": "Miller"}},
		{"source": "document", "biometric": object{"method": "face", "reference": "vault/7391"}},
	}
}

// goodEvidence is a datum of each kind that can be compared.
func goodEvidence() (all []object) {
	for _, item := range goodItems()[:8] {
		delete(item, "source")
		delete(item, "verified_at")
		all = append(all, item)
	}
	return all
}

// itemOf is an item of a kind that an entry has.
func (b *bench) itemOf(entry, kind string) string {
	b.t.Helper()
	for _, item := range b.ok("ms-abara", "GET", "/registrar/v1/registers/town/subjects/"+entry+"?reason=working-with-person", nil)["items"].([]any) {
		if item := item.(object); item[kind] != nil {
			return item["item"].(string)
		}
	}
	b.t.Fatalf("the entry has no %s", kind)
	return ""
}

// registerGood makes a register with a person in it, and the good requests about
// them.
func (b *bench) registerGood() {
	b.t.Helper()
	open := goodRegister("town")
	delete(open, "serves")
	b.ok("ms-abara", "POST", "/registrar/v1/registers", open)
	b.person = b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": goodItems()})["subject"].(string)
	b.recognition = b.ok("mr-lindqvist", "POST", "/registrar/v1/registers/town/recognitions", object{
		"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": goodEvidence()})["id"].(string)
	b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": []object{{"source": "person", "name": object{"whole": "Nine Lives"}}}})
	check := func() string {
		return b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects/"+b.person+"/checks", object{
			"item": b.itemOf(b.person, "birth"), "against": "births", "reason": "working-with-person"})["check"].(string)
	}
	b.check = check()
	b.ok("ms-abara", "POST", "/registrar/v1/registers/town/checks/"+b.check+"/failure", object{"reason": "working-with-person"})
	b.failed = b.check
	b.check = check()
	b.own = b.ok("ms-abara", "POST", "/registrar/v1/registers/town/recognitions", object{
		"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": goodEvidence()})["id"].(string)
	b.twin = b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": []object{{"source": "person", "name": object{"whole": "Twin"}}}})["subject"].(string)
	other := b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": []object{{"source": "person", "name": object{"whole": "Other"}}}})["subject"].(string)
	b.ok("ms-abara", "POST", "/registrar/v1/registers/town/reports", object{"kind": "overlay", "subject": other, "reason": "not-the-same-person"})
	b.ok("ms-abara", "POST", "/registrar/v1/registers/town/reports", object{"kind": "duplicate", "subject": b.twin, "other": other, "reason": "same-person-found"})
	for _, task := range b.ok("ms-abara", "GET", "/registrar/v1/registers/town/tasks?reason=working-with-person", nil)["tasks"].([]any) {
		switch task := task.(object); task["kind"] {
		case "overlay":
			b.overlay = task["task"].(string)
		case "duplicate":
			b.pair2 = task["task"].(string)
		}
	}
	b.ok("ms-abara", "POST", "/registrar/v1/registers/town/tasks/"+b.overlay+"/resolutions", object{"outcome": "one-person", "reason": "working-with-person"})
	for _, shielded := range []bool{true, false} {
		b.ok("ms-abara", "PUT", "/registrar/v1/registers/town/subjects/"+other+"/shield", object{"shielded": shielded, "reason": "risk-of-harm"})
	}
	// One is erased whom somebody was shown, and another is asked for.
	entered := b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": []object{
		{"source": "person", "name": object{"given": "Quentin", "family": "Erasable"}}, {"source": "person", "identifier": object{"scheme": "passport", "value": "ZZ7391741"}}}})["subject"].(string)
	b.ok("mr-lindqvist", "POST", "/registrar/v1/registers/town/recognitions", object{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": []object{
		{"name": object{"given": "Quentin", "family": "Erasable"}}, {"identifier": object{"scheme": "passport", "value": "ZZ7391741"}}}})
	for _, obligation := range []string{"legal-claims", ""} {
		o := object{"reason": "subject-asked"}
		if obligation != "" {
			o["obligation"] = obligation
		}
		b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects/"+entered+"/erasure", o)
	}
	b.erasable = b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": []object{{"source": "person", "name": object{"whole": "Soon Gone"}}}})["subject"].(string)
	another := goodItems()
	another[7]["identifier"] = object{"scheme": "passport", "value": "ZZ7391740"}
	b.enrol()
	b.entriesGood()
	b.apartGood()
	b.coverGood()
	entry := "/registrar/v1/registers/town/subjects/" + b.person
	why := render(plain(b.t, object{"reason": "working-with-person"}))
	for op, r := range map[string]request{
		"issueEnrolmentCode":  {target: entry + "/enrolment-codes", body: why},
		"listAuthenticators":  {target: entry + "/authenticators"},
		"revokeAuthenticator": {target: entry + "/authenticators/" + b.authenticator + "/revocation", body: why},
		"listSecurityEvents":  {target: "/registrar/v1/security-events?since=2026-01-01T00:00:00Z"},
		"createRegister":      {target: "/registrar/v1/registers", body: render(plain(b.t, goodRegister("county")))},
		"listRegisters":       {target: "/registrar/v1/registers"},
		"registerSubject":     {target: "/registrar/v1/registers/town/subjects", body: render(plain(b.t, object{"items": another}))},
		"changeSubject": {target: "/registrar/v1/registers/town/subjects/" + b.person + "/changes", body: render(plain(b.t, object{
			"change": "correct", "reason": "working-with-person", "items": goodItems()[3:7], "supersedes": []string{b.itemOf(b.person, "sex")}}))},
		"recognise": {target: "/registrar/v1/registers/town/recognitions", body: render(plain(b.t, object{
			"purpose": "co-ordinate-care", "reason": "working-with-person", "case": "2026/0412", "evidence": goodEvidence()}))},
		"checkItem": {target: "/registrar/v1/registers/town/subjects/" + b.person + "/checks", body: render(plain(b.t, object{
			"item": b.itemOf(b.person, "birth"), "against": "births", "reason": "working-with-person"}))},
		"failCheck": {target: "/registrar/v1/registers/town/checks/" + b.check + "/failure", body: render(object{"reason": "working-with-person"})},
		"eraseSubject": {target: "/registrar/v1/registers/town/subjects/" + b.erasable + "/erasure", body: render(plain(b.t, object{
			"reason": "subject-asked", "obligation": "legal-claims"}))},
		"shieldSubject": {target: "/registrar/v1/registers/town/subjects/" + b.person + "/shield", body: render(plain(b.t, object{
			"shielded": true, "reason": "risk-of-harm"}))},
		"outcomeOfRecognition": {target: "/registrar/v1/registers/town/recognitions/" + b.own + "/outcome"},
		"reportToRegistrar": {target: "/registrar/v1/registers/town/reports", body: render(object{
			"kind": "misdetermined", "recognition": b.own, "reason": "not-the-same-person"})},
		"listTasks":          {target: "/registrar/v1/registers/town/tasks?state=open&reason=working-with-person"},
		"takeTask":           {target: "/registrar/v1/registers/town/tasks/" + b.overlay + "/owner", body: render(object{"reason": "working-with-person"})},
		"resolveTask":        {target: "/registrar/v1/registers/town/tasks/" + b.pair2 + "/resolutions", body: render(object{"outcome": "same-person", "survivor": b.twin, "reason": "same-person-found"})},
		"reopenTask":         {target: "/registrar/v1/registers/town/tasks/" + b.overlay + "/reopening", body: render(object{"reason": "entered-by-mistake"})},
		"registerQuality":    {target: "/registrar/v1/registers/town/quality"},
		"explainRecognition": {target: "/registrar/v1/registers/town/recognitions/" + b.recognition + "?reason=working-with-person"},
		"checkRecord": {target: "/registrar/v1/registers/town/record-checks", body: render(plain(b.t, object{
			"subject": b.person, "purpose": "co-ordinate-care", "reason": "working-with-person", "case": "2026/0412", "evidence": goodEvidence()}))},
		"findSubject": {target: "/registrar/v1/registers/town/subjects/" + b.person + "?reason=working-with-person"},
	} {
		r.as = "ms-abara"
		b.good[op] = r
	}
}

// enrol has the person enrol what they sign in with, as the sign-in pages do.
func (b *bench) enrol() {
	b.t.Helper()
	ctx := context.Background()
	service, err := registrar.New(registrar.Config{Registrar: registrarCode, DB: b.base.DB(b.t, "registrar"), Keys: b.keys["registrar"], Now: b.now,
		Registerer: prometheus.NewRegistry()})
	b.must(err)
	passkeys, err := signin.NewPasskeys("https://sign-in.example", "Sign in")
	b.must(err)
	accounts, err := registrar.NewAccounts(ctx, registrar.AccountsConfig{
		Service: service, Logger: slog.New(slog.DiscardHandler), Passkeys: passkeys,
		Terms: func(context.Context) (*decide.Terms, error) { return &decide.Terms{Version: 1}, nil },
	})
	b.must(err)
	code := b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects/"+b.person+"/enrolment-codes", object{"reason": "working-with-person"})["code"].(string)
	ticket, err := accounts.UseCode(ctx, code, netip.Prefix{})
	b.must(err)
	ticket, err = accounts.EnrolSecret(ctx, ticket, "a heron on the mill pond")
	b.must(err)
	seed := signin.NewSeed()
	shown, err := seed.CodeAt(b.now())
	b.must(err)
	ticket, err = accounts.EnrolSeed(ctx, ticket, seed, shown)
	b.must(err)
	session, err := accounts.FindSession(ctx, ticket)
	b.must(err)
	options, ceremony, err := accounts.AskForKey(ctx, ticket)
	b.must(err)
	asked, err := virtualwebauthn.ParseAttestationOptions(string(options))
	b.must(err)
	device := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: session.Account[:]})
	_, err = accounts.EnrolKey(ctx, ticket, ceremony, []byte(virtualwebauthn.CreateAttestationResponse(
		virtualwebauthn.RelyingParty{ID: "sign-in.example", Origin: "https://sign-in.example"}, device,
		newKey(), *asked)))
	b.must(err)
	all, err := accounts.Enrolled(ctx, session)
	b.must(err)
	for _, a := range all {
		if a.Kind == registrar.OneTimeCodeKind {
			b.authenticator = a.ID.String()
		}
	}
}

// registers are what cannot be said of people, and registers that are not the
// caller's.
func (b *bench) registers(add func(string, string, request, ...string)) {
	b.entries(add)
	b.setApart(add)
	b.covers(add)
	for _, op := range []string{"issueEnrolmentCode", "revokeAuthenticator"} {
		add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
	}
	for _, op := range []string{"issueEnrolmentCode", "listAuthenticators", "revokeAuthenticator"} {
		r := b.good[op]
		add(op+": an entry that is none", "not-known", r.at(strings.Replace(r.target, b.person, strings.Repeat("a", 26), 1)))
		add(op+": a register that is none", "not-known", r.at(strings.Replace(r.target, "town", marker, 1)))
	}
	revoke := b.good["revokeAuthenticator"]
	add("revokeAuthenticator: one that is none", "not-known", revoke.at(strings.Replace(revoke.target, b.authenticator, ident.NewAuthenticator().String(), 1)))
	for _, op := range []string{"createRegister", "registerSubject", "findSubject", "changeSubject", "explainRecognition", "checkItem", "failCheck", "issueEnrolmentCode", "listAuthenticators", "revokeAuthenticator", "listSecurityEvents"} {
		add(op+": by somebody who keeps no register", "forbidden", b.as(op, "mr-lindqvist"))
		add(op+": by another agency", "forbidden", b.as(op, "dr-patel"))
	}
	add("createRegister: a code that is taken", "conflict", b.but("createRegister", "town", "register"))
	add("createRegister: an agency of no partnership", "invalid", b.but("createRegister", marker, "serves", 0))
	for _, day := range []string{"2020-01-01", "2027-02-30", "2027-13-01"} {
		add("createRegister: a review on no day to come", "invalid", b.but("createRegister", day, "governance", "review"))
	}
	for _, op := range []string{"recognise", "checkRecord"} {
		add(op+": by somebody who may not enquire", "forbidden", b.as(op, "clerk-ito"))
		for _, member := range []string{"purpose", "reason"} {
			add(op+": a "+member+" of no list", "invalid", b.but(op, marker, member))
		}
		for name, item := range map[string]object{
			"nothing": {}, "two in one": {"sex": "female", "phone": "01632 960 711"},
		} {
			add(op+": "+name, "invalid", b.but(op, item, "evidence", 0))
		}
		for _, blank := range []object{{"name": object{"given": "  "}}, {"phone": "--- ---"}, {"birth": object{"date": "0000"}}, {"phone": "+++++", "source": marker}} {
			kind := "invalid"
			if blank["source"] != nil || blank["phone"] != nil {
				kind = "malformed"
			}
			add(op+": nothing that tells one from another", kind, b.but(op, []object{blank}, "evidence"))
		}
	}
	add("checkRecord: an entry that is none", "not-known", b.but("checkRecord", strings.Repeat("a", 26), "subject"))
	add("checkRecord: another agency's reference", "not-known", b.as("checkRecord", "dr-patel"))
	for _, op := range []string{"shieldSubject", "eraseSubject", "listTasks", "takeTask", "resolveTask", "reopenTask", "registerQuality"} {
		add(op+": by somebody who keeps no register", "forbidden", b.as(op, "mr-lindqvist"))
		r := b.good[op]
		add(op+": a register that is none", "not-known", r.at(strings.Replace(r.target, "town", marker, 1)))
	}
	for _, op := range []string{"takeTask", "resolveTask", "reopenTask"} {
		r := b.good[op]
		add(op+": a task that is none", "not-known", r.at(strings.NewReplacer(b.overlay, seedID, b.pair2, seedID).Replace(r.target)), seedID)
		add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
	}
	add("resolveTask: what was decided", "conflict", b.good["resolveTask"].at(strings.Replace(b.good["resolveTask"].target, b.pair2, b.overlay, 1)))
	add("resolveTask: an outcome of another kind", "invalid", b.but("resolveTask", "wrong", "outcome"))
	add("resolveTask: an entry that is none", "not-known", b.but("resolveTask", strings.Repeat("a", 26), "survivor"))
	add("resolveTask: an entry of another task", "invalid", b.but("resolveTask", b.person, "survivor"))
	for _, items := range []any{[]string{seedID}, []string{seedID, seedID}} {
		add("resolveTask: items of a pair", "invalid", b.but("resolveTask", items, "items"), seedID)
	}
	add("reopenTask: what nobody decided", "conflict", b.good["reopenTask"].at(strings.Replace(b.good["reopenTask"].target, b.overlay, b.pair2, 1)))
	add("eraseSubject: an obligation that is none", "malformed", b.but("eraseSubject", marker, "obligation"))
	add("eraseSubject: an entry that is none", "not-known", b.good["eraseSubject"].at("/registrar/v1/registers/town/subjects/"+strings.Repeat("a", 26)+"/erasure"))
	add("eraseSubject: what waits on the worklist", "conflict", request{as: "ms-abara", method: "POST", body: render(object{"reason": "subject-asked"})}.at("/registrar/v1/registers/town/subjects/"+b.twin+"/erasure"))
	add("shieldSubject: what is so already", "conflict", b.but("shieldSubject", false, "shielded"))
	add("reportToRegistrar: somebody else's recognition", "not-known", b.as("reportToRegistrar", "mr-lindqvist"))
	add("reportToRegistrar: an entry that is no recognition", "invalid", b.but("reportToRegistrar", "overlay", "kind"))
	add("outcomeOfRecognition: somebody else's", "not-known", b.as("outcomeOfRecognition", "mr-lindqvist"))
	add("checkItem: against nothing", "invalid", b.but("checkItem", marker, "against"))
	for _, item := range []string{seedID, b.itemOf(b.person, "name")} {
		add("checkItem: no date of birth of theirs", "invalid", b.but("checkItem", item, "item"), item)
	}
	add("failCheck: one that is none", "not-known", b.good["failCheck"].at("/registrar/v1/registers/town/checks/"+seedID+"/failure"))
	add("failCheck: a second time", "conflict", b.good["failCheck"].at("/registrar/v1/registers/town/checks/"+b.failed+"/failure"))
	add("explainRecognition: one that is none", "not-known", b.good["explainRecognition"].at("/registrar/v1/registers/town/recognitions/"+seedID+"?reason=working-with-person"))
	add("registerSubject: an identifier that another has", "conflict", b.but("registerSubject", "ZZ7391739", "items", 7, "identifier", "value"), "ZZ7391739")
	add("changeSubject: an item of nobody", "invalid", b.but("changeSubject", []string{seedID}, "supersedes"), seedID)
	for _, kind := range []string{"verify", "change-name", "birth", "death"} {
		add("changeSubject: what makes no "+kind, "invalid", b.but("changeSubject", kind, "change"))
	}
	for _, op := range []string{"registerSubject", "findSubject", "changeSubject", "recognise", "checkRecord", "explainRecognition", "checkItem", "failCheck"} {
		r := b.good[op]
		add(op+": a register that is none", "not-known", r.at(strings.Replace(r.target, "town", marker, 1)))
	}
	r := b.good["findSubject"]
	add("findSubject: an entry that is none", "not-known", r.at(strings.Replace(r.target, b.person, strings.Repeat("a", 26), 1)))
	add("findSubject: a reason of no list", "invalid", r.at(strings.Replace(r.target, "working-with-person", marker, 1)))
	birth := func(date string) request { return b.but("registerSubject", date, "items", 2, "birth", "date") }
	for _, date := range []string{"2001-02-29", "1987-00", "1987-13-01", "0000", "9999", "2028-01-01"} {
		add("registerSubject: born on no day, or far ahead", "invalid", birth(date), date)
	}
	for name, item := range map[string]object{
		"nothing but a source": {"source": "person"}, "two in one": {"source": "person", "sex": "female", "phone": "01632 960 711"},
		"an empty name": {"source": "person", "name": object{}}, "a name of blanks": {"source": "person", "name": object{"given": "  "}},
		"a name twice":         {"source": "person", "name": object{"given": "Ada", "whole": "Ada"}},
		"an empty address":     {"source": "person", "address": object{}},
		"seen tomorrow":        {"source": "person", "sex": "female", "verified_at": "2999-01-01T00:00:00Z"},
		"a name that is ended": {"source": "person", "name": object{"given": "Ada", "from": "2001-05", "until": "2000"}},
		"a month that is none": {"source": "person", "name": object{"given": "Ada", "from": "2001-15"}},
		"a nameless parent":    {"source": "person", "parent": object{"name": object{}}},
	} {
		add("registerSubject: "+name, "invalid", b.but("registerSubject", item, "items", 0))
	}
}

// newKey draws a key whose co-ordinates have 32 bytes each: of one that begins with a
// zero the library leaves that out, and no verifier takes it.
func newKey() virtualwebauthn.Credential {
	for {
		if c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(c.Key.AttestationData()) == 77 {
			return c
		}
	}
}
