package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fame-hub/fame/web"
)

// shows is the text of the first part of a page of that class.
func (b *browser) shows(class string) (text string) {
	b.t.Helper()
	b.run("read "+class, chromedp.Text("."+class, &text, chromedp.ByQuery))
	return text
}

// linksAreMade: a private link is made, taken up, asked through, renewed and ended (IDM-02,
// IDM-04, A-27).
func linksAreMade(b *browser) {
	b.signIn("dr-patel")
	b.follow("Private links")
	b.looks("links-none")
	b.follow("Make a private link")
	b.looks("link")
	b.press("Make the link")
	b.sees("There is a problem", "Select the service that it leads to", "Select whom it is about")
	b.looks("link-mistakes")
	terms := func() {
		b.choose("column", "gp-riverside")
		b.fill("identifier", "GP-77002")
		b.fill("to", "social-care")
		b.choose("contact", "desk")
		b.fill("agreement", "riverside-children")
		b.fill("power", "children-act-2004-s10")
		b.choose("purpose", "co-ordinate-care")
		b.choose("aspects", "relationship")
		b.fill("aim", "protect-health")
		b.choose("necessary", "yes")
		b.choose("safeguards", "yes")
		b.choose("ground", "explicit-consent")
		b.fill("evidence", "spoken-and-noted")
		b.choose("competent", "yes")
		b.fill("ordinary", "art6-public-task")
		b.choose("concerning", "child")
		b.choose("welfare", "yes")
	}
	terms()
	b.press("Make the link")
	b.sees("Read this code out", "where they take up a private link")
	code := b.shows("app-spoken")
	b.follow("Private links")
	b.sees("Nobody yet", "Waiting for the other side", "Co-ordinate care and support")
	b.signOut()

	b.signIn("mr-lindqvist")
	b.follow("Private links")
	b.follow("Somebody has read me a code")
	b.looks("link-accept")
	b.choose("column", "social-care")
	b.fill("identifier", "LMN-77002")
	b.fill("code", code)
	b.fill("reason", "working-with-person")
	b.press("Take it up")
	b.sees("You have taken it up", "Riverside Surgery", "In use")
	b.looks("links")
	b.follow("Ask who is at the other end (Riverside Surgery)")
	b.looks("link-ask")
	b.fill("identifier", "LMN-77002")
	b.fill("reason", "working-with-person")
	b.press("Ask")
	b.sees("At the other end", "Riverside Surgery", "01632 960101")
	b.seesNot("GP-77002")
	b.looks("link-answer")
	b.follow("Private links")
	b.follow("End it (Riverside Surgery)")
	b.fill("reason", "work-ended")
	b.press("End it")
	b.sees("It has ended", "The work has come to an end")
	b.signOut()
}

// keeperWorks: whoever keeps a register enters people, is shown two that may be one with
// what each says, decides, takes it back, and sees the quality (REG-10, REG-11, REG-20).
func keeperWorks(b *browser) {
	b.signIn("ms-abara")
	b.follow("Registers")
	b.sees("The people of Riverside", "Counts")
	b.looks("registers")
	var entries [2]string
	for n, family := range []string{"Thornbury", "Thornberry"} {
		b.follow("Registers")
		b.follow("Enter a person (The people of Riverside)")
		if n == 0 {
			b.looks("enter")
			b.press("Enter them")
			b.sees("There is a problem", "Select how you know")
			b.looks("enter-mistakes")
		}
		b.fill("given", "Marguerite")
		b.fill("family", family)
		b.fill("birth", "1979-04-21")
		b.fill("postcode", "RV1 9ZZ")
		b.choose("source", "person")
		b.press("Enter them")
		b.sees("They are in the register")
		entries[n] = b.shows("govuk-summary-list__value")
	}
	b.looks("entered")
	b.follow("Say that two entries are one person's")
	b.choose("kind", "duplicate")
	b.fill("subject", entries[0])
	b.press("Report it")
	b.sees("Enter the other entry")
	b.looks("report-mistakes")
	b.fill("other", entries[1])
	b.fill("reason", "same-person-found")
	b.press("Report it")
	b.sees("Reported", "Two entries that may be one person's", "How much waits")
	b.looks("register-work")
	b.follow("Look at it and decide (Two entries that may be one person's)")
	b.sees("Thornbury", "Thornberry", "How they compare", "for one person")
	b.looks("register-task")
	b.choose("outcome", "same-person")
	b.press("Decide")
	b.sees("Select which entry stays", "Thornberry")
	b.looks("register-task-mistakes")
	b.choose("survivor", entries[0])
	b.fill("reason", "same-person-found")
	b.press("Decide")
	b.sees("Decided. It can be taken back")
	b.follow("Registers")
	b.follow("What to look at (The people of Riverside)")
	b.looks("register-work-ask")
	b.choose("state", "resolved")
	b.fill("reason", "same-person-found")
	b.press("Show the work")
	b.sees("Same person")
	b.looks("register-decided")
	b.follow("Take back what was decided (Two entries that may be one person's)")
	b.fill("reason", "entered-by-mistake")
	b.press("Take it back")
	b.sees("Taken back: it is open again")
	b.signOut()
}

// fileIsUploaded: a guardian approves, somebody else of the agency uploads a file and
// watches it; what is wrong is told line by line, and what would be a formula is none of
// the hub's (ACT-04, PUB-01).
func fileIsUploaded(b *browser) {
	b.signIn("guardian-lowe")
	b.follow("Approve uploads")
	b.press("Approve")
	b.sees("There is a problem", "Select at least one service", "Enter how many may be published")
	b.looks("approve-mistakes")
	b.choose("columns", "gp-riverside")
	b.fill("relationships", "100")
	b.fill("reason", "risk-of-harm")
	b.fill("power", "children-act-2004-s10")
	b.choose("purposes", "co-ordinate-care")
	b.choose("aspects", "relationship")
	b.choose("audience", "partnership")
	b.fill("aim", "protect-health")
	b.choose("necessary", "yes")
	b.choose("safeguards", "yes")
	b.choose("ground", "public-interest")
	b.fill("imposed", "risk-of-harm")
	b.fill("ordinary", "art6-public-task")
	b.press("Approve")
	b.sees("It is approved")
	approval := b.shows("govuk-summary-list__value")
	b.looks("approved")
	b.signOut()

	b.signIn("dr-brandt")
	b.follow("Upload")
	b.looks("upload")
	b.fill("approval", approval)
	b.press("Send the file")
	b.sees("There is a problem", "Select a file")
	if got := b.value("approval"); got != approval {
		b.t.Errorf("the number of the approval is %q now", got)
	}
	b.looks("upload-mistakes")
	file := filepath.Join(b.t.TempDir(), "relationships.csv")
	text := "column,identifier,role,offer,transactions,contact\n" +
		"gp-riverside,GP-66001,gp,will-co-ordinate,joint-assessment,desk\n" +
		"gp-riverside,\"=HYPERLINK(\"\"http://elsewhere.example\"\")\",gp,will-co-ordinate,,desk\n" +
		"gp-riverside,GP-66002,gp,will-co-ordinate,,desk\n" +
		"gp-riverside,not-one,gp,will-co-ordinate,,desk\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.run("choose the file", chromedp.SetUploadFiles("#file", []string{file}, chromedp.ByQuery))
	b.press("Send the file")
	for !strings.Contains(b.text(), "All of the file has been dealt with") {
		if b.sees("It is under way"); b.t.Failed() {
			return
		}
		time.Sleep(20 * time.Millisecond) // a person looks again when it suits them
		b.follow("Look again")
	}
	b.sees("4 of 4 lines", "Identifier: begins as a formula of a spreadsheet does", "Lines that published nothing")
	b.seesNot("HYPERLINK", "not-one")
	b.looks("uploaded")
	b.follow("Upload")
	b.sees("4 of 4", "Done")
	b.follow("Ask")
	b.fill("identifier", "GP-66001")
	b.choose("purpose", "co-ordinate-care")
	b.fill("reason", "working-with-person")
	b.choose("concerning", "adult")
	b.press("Ask")
	b.sees("GP-66001")
	b.seesNot("Your own service has not published")
	b.signOut()
}

// casesAreWorked: two agencies join somebody together; whoever has to confirm finds it in
// their queue with the evidence, says yes, doubts it later and says what holds (ACT-06,
// IDX-18). What was asked in earlier sessions is found again (QRY-09).
func casesAreWorked(b *browser) {
	b.signIn("mr-lindqvist")
	b.follow("Telephone code")
	b.choose("column", "social-care")
	b.fill("identifier", "LMN-77003")
	b.decide("children-act-2004-s10")
	b.press("Make a code")
	code := b.shows("app-spoken")
	b.signOut()
	b.signIn("dr-brandt")
	b.follow("Join")
	b.fill("identifier", "GP-77003")
	b.fill("pairing", code)
	b.fill("reason", "same-person-found")
	b.choose("joint", "yes")
	b.decide("children-act-2004-s10")
	b.press("They are the same person")
	b.sees("Recorded")
	b.signOut()

	b.signIn("mr-lindqvist")
	queue := func() {
		b.follow("Waiting")
		b.choose("purpose", "co-ordinate-care")
		b.fill("reason", "working-with-person")
		b.press("Show what waits")
	}
	b.follow("Waiting")
	b.press("Show what waits")
	b.sees("There is a problem", "Select a reason")
	queue()
	b.sees("LMN-77003", "To confirm", "Medium: another agency waits for you")
	b.seesNot("GP-77003")
	b.looks("waiting")
	b.follow("Look at the evidence (LMN-77003)")
	b.sees("Side by side", "Riverside Surgery")
	b.looks("evidence")
	b.follow("They are the same person")
	b.fill("reason", "same-person-found")
	b.press("Confirm it")
	b.sees("You have confirmed it")
	b.follow("Say that somebody may be two people")
	b.choose("column", "social-care")
	b.fill("identifier", "LMN-77003")
	b.fill("reason", "not-the-same-person")
	b.press("Dispute it")
	b.sees("It is disputed")
	queue()
	b.sees("Disputed", "High: it answers nobody")
	b.follow("Say what holds (LMN-77003)")
	b.sees("Said to be the same person by Riverside Surgery")
	b.looks("settle")
	b.fill("reason", "not-the-same-person")
	b.press("Settle it")
	b.sees("It is settled")
	b.seesNot("LMN-77003")

	// The unit has one person twice: both of its identifiers are joined to the surgery's.
	b.follow("Telephone code")
	b.choose("column", "social-care")
	b.fill("identifier", "LMN-77004")
	b.decide("children-act-2004-s10")
	b.press("Make a code")
	code = b.shows("app-spoken")
	b.signOut()
	b.signIn("dr-brandt")
	b.follow("Join")
	b.fill("identifier", "GP-00042")
	b.fill("pairing", code)
	b.fill("reason", "same-person-found")
	b.decide("children-act-2004-s10")
	b.press("They are the same person")
	b.sees("Recorded")
	b.signOut()
	b.signIn("mr-lindqvist")
	queue()
	b.sees("Duplicate", "LMN-00042", "LMN-77004", "Medium: your service has them twice")
	b.seesNot("GP-00042")
	b.looks("waiting-duplicate")
	b.follow("Take out what joins LMN-77004 (LMN-00042 and LMN-77004)")
	b.fill("reason", "not-the-same-person")
	b.press("Undo it")
	b.sees("It is undone")
	queue()
	b.seesNot("LMN-77004")

	b.follow("Ask")
	b.askAbout("social-care", "LMN-00042")
	b.press("Ask")
	b.signOut()
	b.signIn("mr-lindqvist")
	b.follow("My enquiries")
	b.seesNot("LMN-00042")
	b.follow("What I asked earlier")
	if strings.Contains(b.text(), "What I asked for Children's assessment unit") {
		b.follow("What I asked for Children's assessment unit")
	}
	b.sees("LMN-00042", "Co-ordinate care and support")
	b.looks("enquiries-earlier")
	b.signOut()
}

// QRY-04, QRY-12, FED-27: whoever asks other hubs too sees the partnership's answer at once
// and each hub's as it comes, by loading the page again.
func hubsAreAskedOnThePortal(t *testing.T, home, school *town) {
	const number = "9434765838"
	home.tellsHubs(t, number, school.made.Hub)
	at := "http://" + school.made.Listen
	v := newVisitorOf(t, at, web.Config{Public: at, Hub: "School", Duties: web.Duties{
		Relmgr: school.Relmgr.URL, Consent: school.Consent.URL, Governance: school.Governance.URL, Registrar: school.Registrar.URL, Federation: school.Federation.URL,
	}, Agencies: []web.Agency{{Name: "local", Title: "Sign in at the local issuer", Issuer: school.issuer.URL(), Client: audience}}})
	s := v.signIn("dr-patel", "/portal/ask")
	values := askFor(number, s)
	values.Set("elsewhere", "yes")
	s = v.post("/portal/ask", values)
	for until := time.Now().Add(time.Minute); strings.Contains(s.text, "Waiting for its answer") && time.Now().Before(until); s = v.get(s.at) {
		if !strings.Contains(s.text, "other hubs have been heard") || !strings.Contains(s.text, ">Look again<") {
			t.Fatalf("while hubs are asked the page says %s", s.text)
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, want := range []string{"All other hubs have answered", "Riverside Surgery", "01632 960101", "It has nothing that it can tell you"} {
		if !strings.Contains(s.text, want) {
			t.Errorf("the page does not say %q: %s", want, s.text)
		}
	}
}
