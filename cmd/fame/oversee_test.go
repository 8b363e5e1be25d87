package main

import "strings"

// officerOversees is a governance officer's look at the partnership: none of it changes
// anything.
func officerOversees(b *browser) {
	b.signIn("gov-ellis")
	b.follow("Partnership")
	b.sees("Working together for the children of Riverside", "The log and its witnesses", "Commitments", "No witness has cosigned it")
	b.looks("governance")
	b.follow("Due for review")
	b.sees("Working together for the children of Riverside", "Agreement: review it")
	b.looks("governance-due")
	b.follow("Back to the partnership")
	b.follow("Disclosures and reviews")
	b.sees("Of fewer nothing is said", "Waiting for review now")
	b.looks("governance-oversight")
	b.fill("until-year", "2199")
	b.press("Count")
	b.sees("There is a problem", "Choose a day before today")
	b.looks("governance-oversight-mistakes")
	b.fill("until-month", "13")
	b.press("Count")
	b.sees("Until must be a real date")
	b.follow("Back to the partnership")
	b.follow("Other hubs")
	b.sees("This hub has met no other hub")
	b.looks("governance-hubs")
	b.follow("Back to the partnership")
	b.follow("How registrars do")
	b.looks("governance-registrars")
	b.follow("Back to the partnership")
	b.follow("Changes by date")
	b.sees("The partnership document was changed", "Changed", "more")
	b.looks("governance-acts")
	b.follow("Back to the partnership")

	// A document is tried as `fame apply -dry-run` tries it: nothing is applied.
	b.follow("Try a document")
	b.looks("governance-try")
	document := b.value("document")
	b.fill("document", document+"\nnonsense: 1\n")
	b.press("Show what would change")
	b.sees("There is a problem", "Line ", "/nonsense")
	if !strings.HasSuffix(strings.TrimSpace(b.value("document")), "nonsense: 1") {
		b.t.Error("what was pasted is gone")
	}
	b.looks("governance-try-mistakes")
	b.fill("document", document)
	b.press("Show what would change")
	b.sees("Nothing differs from what is in force")
	b.fill("document", strings.Replace(document, "name: Riverside Surgery", "name: Riverside Health Centre", 1))
	b.press("Show what would change")
	b.sees("1 thing would change in version", "Nothing has been changed", "Riverside Surgery", "Riverside Health Centre")
	b.looks("governance-tried")
	b.follow("Partnership")
	b.sees("Riverside Surgery")
	b.seesNot("Riverside Health Centre")
	b.signOut()
}
