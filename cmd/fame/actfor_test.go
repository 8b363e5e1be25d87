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

// asksAgain: a session that ends while it acts for somebody is followed by one that acts
// for nobody, and asks for whom before it shows anything.
func (v *visitor) asksAgain() {
	v.t.Helper()
	f := v.form("/portal/me/for")
	values := f.hidden()
	for _, in := range f.inputs {
		if in["name"] == "whose" && in["value"] != "own" {
			values.Set("whose", in["value"])
		}
	}
	if s := v.post(f.action, values); s.at != "/portal/me" || !strings.Contains(s.text, "not yourself") {
		v.t.Fatalf("whoever chooses another's file is led to %s: %d %s", s.at, s.status, s.text)
	}
	if s := v.as(myself, "/portal/me/relationships"); s.at != "/portal/me/for" || strings.Contains(s.text, "not yourself") {
		v.t.Errorf("whoever signs in again is led to %s: %s", s.at, s.text)
	}
}
