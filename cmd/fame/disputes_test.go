package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/registrar/provider"
	"github.com/fame-hub/fame/web"
)

// TRU-10: a dispute that one hub files while the other is away is told when it is back, timed
// at both, answered once by the other's officers, and its outcome reaches the one that filed
// it, also across a crash of either; both logs have both ends.
func disputed(t *testing.T, home, school *town) {
	only := func(w *town) map[string]any {
		t.Helper()
		list := w.peers(t, 0, "disputes")["disputes"].([]any)
		if len(list) == 0 {
			return map[string]any{}
		}
		return list[0].(map[string]any)
	}
	until := func(w *town, what, name string, want any) map[string]any {
		t.Helper()
		hubtest.Eventually(t, what, func() error {
			if got := only(w)[name]; got != want {
				return fmt.Errorf("%s is %v, want %v", name, got, want)
			}
			return nil
		})
		return only(w)
	}
	school.Federation.Kill(t)
	filed := home.peers(t, 0, "dispute", school.made.Hub, "--about", "no-answer", "--reason", "risk-of-harm")["dispute"].(map[string]any)
	home.Federation.Kill(t)
	school.Federation.Start(t)
	home.Federation.Start(t)
	until(home, "the other hub has taken the dispute", "told", true)
	there := only(school)
	for _, name := range []string{"dispute", "about", "reason", "at", "due"} {
		if there[name] != filed[name] || filed[name] == nil {
			t.Errorf("%s: %v where it was filed, %v there", name, filed[name], there[name])
		}
	}
	at, err := time.Parse(time.RFC3339, there["at"].(string))
	if err != nil || there["due"] != at.AddDate(0, 0, 28).Format(time.RFC3339) || there["hub"] != home.made.Hub || there["filed"] != "there" || there["outcome"] != nil {
		t.Errorf("%v %v", there, err)
	}
	id := filed["dispute"].(string)
	home.peers(t, 1, "answer", id, "--outcome", "upheld", "--reason", "work-ended")
	school.peers(t, 0, "answer", id, "--outcome", "settled", "--reason", "work-ended")
	school.peers(t, 1, "answer", id, "--outcome", "dismissed", "--reason", "work-ended")
	ended := until(home, "the outcome has come", "outcome", "settled")
	if ended["outcome_reason"] != "work-ended" || ended["ended"] == nil {
		t.Errorf("%v", ended)
	}
	until(school, "the hub that filed it has taken the outcome", "told", true)
	for _, w := range []*town{home, school} {
		w.verifies(t)
	}
}

// portal serves the hub's portal at the hub's own address, once, and returns a browser for it.
func (w *town) portal(t *testing.T) *browser {
	t.Helper()
	at := "http://" + w.made.Listen
	if w.pages {
		return newBrowser(t, at, "")
	}
	w.pages = true
	f, err := web.Load(w.made.path("portal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f.Hub, f.Registrar.Issuer = "Riverside Partnership", at+provider.Prefix(registrarCode)
	own, err := f.Config()
	if err != nil {
		t.Fatal(err)
	}
	p, err := web.New(web.Config{
		Public: at, Hub: "Riverside Partnership", Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		Duties: web.Duties{
			Relmgr: w.Relmgr.URL, Consent: w.Consent.URL, Governance: w.Governance.URL, Registrar: w.Registrar.URL, Federation: w.Federation.URL,
		},
		Agencies:  []web.Agency{{Name: "local", Title: "Sign in with your agency", Issuer: w.issuer.URL(), Client: audience}},
		Registrar: own.Registrar,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle(web.Prefix+"/", p)
	return newBrowser(t, at, "")
}

// seesInTime looks again until the page says it.
func (b *browser) seesInTime(path, words string) {
	b.t.Helper()
	hubtest.Eventually(b.t, "the page says "+words, func() error {
		b.open(path)
		if text := b.text(); !strings.Contains(text, words) {
			return errors.New(text)
		}
		return nil
	})
}

// TRU-10: an officer of one hub files a dispute on the portal, one of the other sees and answers it there, and the
// first sees the outcome; what the other hub refuses is said, too.
func disputedOnThePortal(t *testing.T, home, school *town) {
	const disputes = "/portal/governance/disputes"
	ours, theirs := home.portal(t), school.portal(t)
	file := func() {
		ours.open("/portal/governance/hubs")
		ours.follow("Dispute something with it (" + strings.TrimPrefix(school.made.Hub, "http://") + ")")
		ours.sees(strings.TrimPrefix(school.made.Hub, "http://"))
		ours.press("File the dispute")
		ours.sees("There is a problem", "Select what it is about", "Select a reason")
		ours.looks("dispute-file-mistakes")
		ours.choose("about", "wrong-answer")
		ours.fill("exchange", "0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d60")
		ours.fill("reason", "risk-of-harm")
		ours.press("File the dispute")
		ours.sees("There is a problem", "Name an exchange with that hub")
		ours.fill("exchange", " ")
		ours.press("File the dispute")
		ours.sees("The dispute is filed", "it gave a wrong answer", "by us", "To be answered by")
	}
	ours.signIn("gov-ellis")
	ours.open("/portal/governance/hubs")
	ours.looks("hubs")
	file()
	theirs.signIn("gov-ellis")
	theirs.seesInTime(disputes, "it gave a wrong answer")
	theirs.looks("disputes")
	theirs.follow("Answer it (" + strings.TrimPrefix(home.made.Hub, "http://") + ": it gave a wrong answer)")
	theirs.press("Answer it")
	theirs.sees("There is a problem", "Select what came of it")
	theirs.looks("dispute-answer-mistakes")
	theirs.choose("outcome", "upheld")
	theirs.fill("reason", "work-ended")
	theirs.press("Answer it")
	theirs.sees("The dispute is answered", "Upheld")
	ours.seesInTime(disputes, "Upheld")

	school.peers(t, 0, "suspend", home.made.Hub, "--reason", "risk-of-harm")
	file()
	ours.seesInTime(disputes, "The other hub refuses to be told of it since")
	ours.looks("disputes-refused")
	school.peers(t, 0, "readmit", home.made.Hub, "--reason", "work-ended")
}
