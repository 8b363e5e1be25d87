package main

import (
	"strings"

	"github.com/chromedp/chromedp"
)

// somebodyActsForAnother: of whom one acts for no page says more than by what authority; each
// says that one does, and how to stop; and what the authority does not reach is not offered,
// and refused in the duties' words (LEG-21, SUB-12).
func somebodyActsForAnother(b *browser) {
	b.signInAsMyself()
	b.sees("nobody can sign in here for you")
	b.follow("Who knows me")
	b.sees("Riverside Police")
	var own string
	b.run("a form of one's own", chromedp.Evaluate(`[...document.links].map(a => new URL(a.href).pathname).find(p => p.endsWith("/hide"))`, &own))

	b.follow("Whose file")
	b.sees("That of somebody for whom you have parental responsibility", "That of somebody for whom you are special guardian", "You cannot decide for them")
	b.seesNot("Amina", "Isaac", "GP-00", "DEMO0")
	b.looks("me-for")
	b.chooseLabelled("That of somebody for whom you have parental responsibility")
	b.press("Continue")
	b.sees("You act for somebody for whom you have parental responsibility", "What is held about the person for whom you act")
	b.seesNot("Show sensitive services too", "nobody can sign in here for you")
	b.looks("me-acting")
	b.follow("Who knows me")
	b.sees("You act for somebody for whom you have parental responsibility", "Riverside Surgery", "Hide it")
	b.seesNot("Riverside Police", "Amina", "GP-00")
	b.looks("me-acting-relationships")
	b.follow("Agree to something (Riverside Surgery)")
	b.sees("You act for somebody")
	b.looks("me-acting-agree")
	b.open(own) // a page of one's own, of before: nothing of it is done for another
	b.sees("Page not found", "You act for somebody")
	b.open("/portal/me/nowhere")
	b.sees("You act for somebody")

	b.follow("Stop, or look at another file")
	b.chooseLabelled("That of somebody for whom you are special guardian")
	b.press("Continue")
	for _, page := range []string{"Who knows me", "Who asked", "What I allowed", "What was done", "What was decided", "Private links", "Complaints", "Take a copy"} {
		b.follow(page)
		b.sees("You act for somebody for whom you are special guardian")
		b.seesNot("Hide it", "Leave an agency out", "Agree to something", "Complain about", "Take it back", "Object")
		if page == "Who knows me" {
			b.sees("Riverside Surgery")
			b.looks("me-acting-to-see")
		}
	}
	if text := b.fetched("/portal/me/copy/my-data.json"); !strings.Contains(text, `"Riverside Surgery"`) || strings.Contains(text, "Riverside Police") {
		b.t.Errorf("the copy is not of the person for whom they act: %.300s", text)
	}
	b.open(own)
	b.sees("This page is not for you", "does not go as far as to decide for them")
	b.looks("me-acting-not-further")

	b.follow("Stop, or look at another file")
	b.chooseLabelled("Your own")
	b.press("Continue")
	b.seesNot("not yourself")
	b.follow("Who knows me")
	b.sees("Riverside Police")
	b.press("Sign out")
}

// chooseLabelled picks the radio that a label is of.
func (b *browser) chooseLabelled(label string) {
	b.t.Helper()
	b.run("choose "+label, byKey(`//input[@id=//label[normalize-space()="`+label+`"]/@for]`, " "))
}
