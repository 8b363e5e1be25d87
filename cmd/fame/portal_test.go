package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// Issue "The portal", "Must show": each role does its whole job in a real browser and
// signs out, on one hub, in one browser, with axe-core and two widths on every page.
func TestInARealBrowserEachRoleDoesItsJobAndSignsOut(t *testing.T) {
	t.Parallel()
	hub, own, dir := playDemo(t)
	b := newBrowser(t, hub, own)
	for _, role := range []struct {
		name string
		job  func(*browser)
	}{
		{"the first page is light and asks no other host", firstPage},
		{"a practitioner asks, is told whom to contact, and asks to be contacted (QRY-01, QRY-02, QRY-05, QRY-11)", practitionerAsks},
		{"a person sees who knows them and who asked, hides one of them, leaves an agency out, agrees, takes it back and complains (SUB-01, SUB-06, SUB-08, SUB-09)", personLooksAfterTheirOwn},
		{"a parent looks at a child's file (LEG-21, SUB-12)", somebodyActsForAnother},
		{"two agencies join a record by a telephone code, see it in the history and undo it (POR-01, POR-02, PUB-01, ACT-07, ACT-08)", managerJoins},
		{"a reviewer judges an emergency, a keeper recognises and sees the quality, an officer answers a complaint (QRY-10, AUT-02, REG-20, SUB-08)", officersLook},
		{"an officer sees what is due, the hub's log, other hubs and registrars, and tries a document (FED-26, REG-20, XCU-17)", officerOversees},
		{"a private link is made, taken up, asked through and ended (IDM-02, IDM-04)", linksAreMade},
		{"a keeper enters people, decides on a duplicate and takes it back (REG-10, REG-11)", keeperWorks},
		{"a file is uploaded under an approval, and each line that is wrong is told (ACT-04, PUB-01)", fileIsUploaded},
		{"a relationship manager works what waits, and finds what was asked before (ACT-06, IDX-18, QRY-09)", casesAreWorked},
		{"every form takes rubbish", func(b *browser) { everyFormTakesRubbish(b.t, b.hub, b.own, dir) }},
		{"a form that is sent twice acts once, and one that outlives its session loses nothing", func(b *browser) { formsAreSentOnce(b.t, b.hub) }},
		{"other sites are kept out", func(b *browser) { otherSitesAreKeptOut(b.t, b.hub) }},
	} {
		if !t.Run(role.name, func(t *testing.T) { b.t = t; role.job(b) }) {
			b.run("forget who was signed in", network.ClearBrowserCookies(), chromedp.Navigate("about:blank"))
		}
	}
}

// firstPage: 100 kB at most over the wire, its parts from this host alone.
func firstPage(b *browser) {
	bytes := 0
	for _, path := range []string{"/portal/", "/portal/static/govuk.css", "/portal/static/portal.css", "/portal/static/icon.svg"} {
		status, n := b.get(path, "Accept-Encoding", "gzip")
		if status != http.StatusOK {
			b.t.Errorf("%s: %d", path, status)
		}
		bytes += n
	}
	if bytes > 100<<10 {
		b.t.Errorf("the first page has %d bytes", bytes)
	}
	b.t.Logf("the first page has %d bytes", bytes)
	b.open("/portal/")
	var elsewhere []string
	b.run("what was loaded", chromedp.Evaluate(`performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin))`, &elsewhere))
	if len(elsewhere) > 0 {
		b.t.Errorf("the first page asks %v", elsewhere)
	}
	b.looks("sign-in")
	b.open("/portal/guide")
	b.looks("guide")
	b.open("/portal/nowhere")
	b.sees("Page not found")
	b.looks("not-found")
}

func practitionerAsks(b *browser) {
	b.signIn("mr-lindqvist")
	b.looks("home")
	b.follow("Ask")
	b.looks("ask")

	// Nothing answered: each mistake is in the summary, and leads to its field.
	b.press("Ask")
	b.sees("There is a problem", "Select which of your services you are asking for", "Enter the identifier that your own records have", "Select what you need it for", "Select a reason", "Select whom it is about")
	b.looks("ask-mistakes")

	b.askAbout("social-care", "LMN-00042")
	b.press("Ask")
	b.sees("People to contact", "Riverside Surgery", "01632 960101", "Monday to Friday 08:30 to 16:00", "General practitioner", "Riverside Police", "Will co-ordinate: assess needs together and review medication")
	b.seesNot("GP-00042", "S000042")
	b.looks("answer")

	b.follow("Ask about somebody else")
	b.askAbout("social-care", "LMN-00042")
	b.fill("transaction", "medication-review")
	b.press("Ask")
	b.sees("Riverside Surgery")
	b.seesNot("Riverside Police")

	// Somebody of whom nothing can be told: not "no".
	b.follow("Ask")
	b.askAbout("social-care", "LMN-99999")
	b.press("Ask")
	b.sees("Nothing that we can tell you", "We have nothing we can tell you; others may know this person", "This does not mean that nobody works with this person")
	b.looks("nothing-to-tell")
	b.press("Send the contact request")
	b.sees("Select how they should reach you")
	b.looks("contact-mistakes")
	b.choose("contact", "desk")
	b.press("Send the contact request")
	b.sees("Your contact request has been sent", "Nobody has replied yet")
	b.looks("contact-sent")
	b.run("where it stands", chromedp.Evaluate("location.pathname", &b.kept))

	// An emergency is asked about twice.
	b.follow("Ask")
	b.askAbout("social-care", "LMN-00042")
	b.choose("emergency", "yes")
	b.press("Ask")
	b.sees("Is this an emergency?", "reviewers look at every emergency")
	b.looks("emergency")
	b.press("Yes, this is an emergency: ask now")
	b.sees("You declared an emergency", "Riverside Surgery")

	b.follow("My enquiries")
	b.sees("LMN-00042", "LMN-99999", "Nothing that you can be told", "Emergency")
	b.looks("enquiries")

	// What a duty refuses is shown in its words, with what was typed.
	b.follow("Ask")
	b.askAbout("social-care", "GP-00042")
	b.press("Ask")
	b.sees("There is a problem")
	if got := b.value("identifier"); got != "GP-00042" {
		b.t.Errorf("what was typed is %q now", got)
	}
	b.signOut()
}

// askAbout fills the form to ask in.
func (b *browser) askAbout(column, identifier string) {
	b.t.Helper()
	b.choose("column", column)
	b.fill("identifier", identifier)
	b.choose("purpose", "co-ordinate-care")
	b.fill("reason", "working-with-person")
	b.choose("concerning", "child")
}

func (b *browser) value(name string) (v string) {
	b.t.Helper()
	b.run("read "+name, chromedp.Value("#"+name, &v, chromedp.ByQuery))
	return v
}

func personLooksAfterTheirOwn(b *browser) {
	b.signInAsMyself()
	b.looks("me")
	b.follow("Who knows me")
	b.sees("Riverside Surgery", "Hillside School", "Riverside Police", "You have explicitly consented", "Co-ordinate care and support")
	b.looks("me-relationships")
	b.follow("Hide it (Riverside Surgery)")
	b.press("Hide it")
	b.sees("Select from whom it is hidden", "Tick the box to say that you have read what it may cost you")
	b.looks("me-hide-mistakes")
	b.choose("reach", "block")
	b.choose("understood", "yes")
	b.press("Hide it")
	b.sees("It is hidden from now on", "Hidden: Riverside Surgery", "Left out: Riverside Police")
	b.looks("me-consents")
	b.follow("Let it be told of again (Hidden: Riverside Surgery)")
	b.press("Let it be told of again")
	b.sees("It may be told of again")

	b.follow("Who knows me")
	b.follow("Leave an agency out (Riverside Surgery)")
	b.fill("agency", "bridge-clinic")
	b.looks("me-leave-out")
	b.press("Leave them out")
	b.sees("They are left out from now on", "Left out: Bridge Street Clinic")

	b.follow("Who knows me")
	b.follow("Agree to something (Riverside Surgery)")
	b.press("I agree")
	b.sees("Select at least one thing that you agree to", "Tick the box to say that you understand what you agree to")
	b.looks("me-agree-mistakes")
	b.choose("purposes", "co-ordinate-care")
	b.choose("aspects", "relationship")
	b.choose("understood", "yes")
	b.press("I agree")
	b.sees("What you agreed to is in force from now on", "By you, here")

	b.follow("Who knows me")
	b.follow("Complain, or say that it is wrong (Riverside Surgery)")
	b.press("Send the complaint")
	b.sees("Select what it is about")
	b.choose("topic", "sharing")
	b.press("Send the complaint")
	b.sees("Your complaint has been sent", "It was shared, and should not have been", "29 days are left")
	b.looks("me-complaints")

	b.follow("Who asked")
	b.sees("dr-patel", "I am working with the person")
	b.looks("me-enquiries")
	b.follow("What was done")
	b.sees("Published", "Stated that two identifiers are the same person")
	b.looks("me-acts")
	b.follow("What was decided")
	b.sees("Allowed", "Yes")
	b.looks("me-decisions")
	b.follow("Private links")
	b.looks("me-links")
	b.follow("Take a copy")
	b.looks("me-copy")
	for file, holds := range map[string][]string{
		"my-data.html": {"<!doctype html>", "Riverside Surgery"},
		"my-data.json": {`"made_at"`, `"Riverside Surgery"`, `"sharing"`, `"held"`},
	} {
		text := b.fetched("/portal/me/copy/" + file)
		for _, h := range holds {
			if !strings.Contains(text, h) {
				b.t.Errorf("%s lacks %q: %.300s", file, h, text)
			}
		}
	}
	b.open("/portal/ask")
	b.sees("This page is not for you")
	b.press("Sign out")
	b.sees("You are signed out", "You may still be signed in at the registrar")
}

// decide fills a holder's four steps.
func (b *browser) decide(power string) {
	b.t.Helper()
	b.fill("agreement", "riverside-children")
	b.fill("power", power)
	b.choose("purposes", "co-ordinate-care")
	b.choose("aspects", "relationship")
	b.choose("audience", "partnership")
	b.fill("aim", "protect-health")
	b.choose("necessary", "yes")
	b.choose("safeguards", "yes")
	b.choose("ground", "explicit-consent")
	b.fill("evidence", "spoken-and-noted")
	b.fill("ordinary", "art6-public-task")
}

func managerJoins(b *browser) {
	// The doctor publishes that she works with somebody new, and makes a code.
	b.signIn("dr-patel")
	b.looks("home-doctor")
	b.follow("Publish")
	b.looks("publish")
	b.choose("column", "gp-riverside")
	b.fill("identifier", "GP-77001")
	b.choose("offer", "will-co-ordinate")
	b.choose("transactions", "joint-assessment")
	b.choose("contact", "desk")
	b.fill("reason", "working-with-person")
	b.decide("children-act-2004-s10")
	b.fill("evidence", "")
	b.press("Publish")
	b.sees("There is a problem", "Select how they consented")
	b.looks("publish-mistakes")
	b.fill("evidence", "spoken-and-noted")
	b.press("Publish")
	b.sees("Published. Those who may be told find you from now on")
	b.looks("published")
	b.follow("Telephone code")
	b.looks("pair")
	b.choose("column", "gp-riverside")
	b.fill("identifier", "GP-77001")
	b.decide("children-act-2004-s10")
	b.press("Make a code")
	b.sees("Read this code out")
	b.looks("pair-code")
	var code string
	b.run("the code", chromedp.Text(".app-spoken", &code, chromedp.ByQuery))
	b.signOut()

	// The relationship manager at the other end types it beside his own identifier.
	b.signIn("mr-lindqvist")
	b.follow("Publish")
	b.choose("column", "social-care")
	b.fill("identifier", "LMN-77001")
	b.choose("role", "social-worker")
	b.choose("offer", "will-make-available")
	b.choose("contact", "desk")
	b.fill("reason", "working-with-person")
	b.decide("children-act-2004-s10")
	b.press("Publish")
	b.sees("Published")
	b.follow("Join")
	b.choose("column", "social-care")
	b.fill("identifier", "LMN-77001")
	b.fill("pairing", "AAA AAA AAA")
	b.fill("reason", "same-person-found")
	b.decide("children-act-2004-s10")
	b.press("They are the same person")
	b.sees("There is a problem")
	b.looks("join-mistakes")
	b.fill("pairing", code)
	b.press("They are the same person")
	b.sees("Recorded. It is in force where nothing of another party stands against it")
	b.follow("Ask")
	b.askAbout("social-care", "LMN-77001")
	b.press("Ask")
	b.sees("Riverside Surgery")

	b.follow("History")
	b.looks("history-ask")
	b.choose("column", "social-care")
	b.fill("identifier", "LMN-77001")
	b.choose("purpose", "co-ordinate-care")
	b.fill("reason", "working-with-person")
	b.press("Show the history")
	b.sees("Stated that two identifiers are the same person", "Published")
	b.looks("history")
	b.follow("Undo it (Stated that two identifiers are the same person)")
	b.press("Undo it")
	b.sees("Select a reason")
	b.looks("undo-mistakes")
	b.fill("reason", "not-the-same-person")
	b.press("Undo it")
	b.sees("It is undone")
	b.follow("Ask")
	b.askAbout("social-care", "LMN-77001")
	b.press("Ask")
	b.seesNot("Riverside Surgery")
	b.follow("Contact requests")
	b.looks("inbox")
	b.signOut()
}

func officersLook(b *browser) {
	// The surgery's doctor declares an emergency; its safeguarding lead looks at it.
	b.signIn("dr-patel")
	b.follow("Ask")
	b.askAbout("gp-riverside", "GP-00042")
	b.choose("emergency", "yes")
	b.press("Ask")
	b.press("Yes, this is an emergency: ask now")
	b.signOut()
	// In a later session the address of an answer has the replies alone, and for the asker alone.
	b.signIn("dr-brandt")
	b.open(b.kept)
	b.sees("This answer is no longer here")
	b.follow("Go to the start page")
	b.follow("Reviews")
	b.looks("reviews")
	b.choose("purpose", "co-ordinate-care")
	b.fill("reason", "duty-to-share")
	b.press("Show what waits")
	b.sees("dr-patel", "They were told of")
	b.looks("reviews-waiting")
	b.follow("Say what you make of it (Emergency)")
	b.press("Record it")
	b.sees("Select what you make of it")
	b.looks("judge-mistakes")
	b.choose("outcome", "justified")
	b.fill("reason", "risk-of-harm")
	b.press("Record it")
	b.sees("Recorded")
	b.signOut()

	// Somebody of whom a social worker knows a name and a date, and no number.
	b.signIn("mr-lindqvist")
	b.open(b.kept)
	b.sees("Replies to your contact request", "Nobody has replied")
	b.looks("replies")
	b.follow("Recognise")
	b.press("Ask the register")
	b.sees("Select what you need it for")
	b.looks("recognise-mistakes")
	b.fill("given", member.given)
	b.fill("family", member.family)
	b.fill("birth", member.birth)
	b.fill("scheme", "passport")
	b.fill("number", "DEMO00101")
	b.fill("purpose", "co-ordinate-care")
	b.fill("reason", "new-referral")
	b.press("Ask the register")
	b.sees("One person", "You can ask who works with them")
	b.looks("recognised")
	b.choose("column", "early-help")
	b.choose("concerning", "adult")
	b.press("Ask who works with them")
	b.sees("People to contact", "Riverside Surgery")
	b.looks("stranger")
	b.signOut()
	b.signIn("gov-ellis")
	b.follow("Partnership")
	b.follow("Complaints")
	b.sees("It was shared, and should not have been", "Riverside Surgery")
	b.looks("complaints")
	b.follow("Answer it (It was shared, and should not have been)")
	b.choose("outcome", "not-upheld")
	b.fill("reason", "working-with-person")
	b.looks("answer-complaint")
	b.press("Answer it")
	b.sees("Answered. The person is told")
	b.signOut()
}
