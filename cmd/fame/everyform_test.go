package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/web"
)

// recorder notes what the portal asks of duties beyond reading.
type recorder struct{ v *visitor }

func (r recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.Method != http.MethodGet {
		var body []byte
		if q.Body != nil {
			var err error
			if body, err = io.ReadAll(q.Body); err != nil {
				return nil, err
			}
			q.Body = io.NopCloser(bytes.NewReader(body))
		}
		r.v.mu.Lock()
		r.v.sent = append(r.v.sent, fmt.Sprintf("%s %s %s %s", q.Method, q.URL.Path, q.Header.Get("Authorization"), body))
		r.v.mu.Unlock()
	}
	return http.DefaultTransport.RoundTrip(q)
}

// did is what duties were asked to do since it was asked last.
func (v *visitor) did() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	sent := v.sent
	v.sent = nil
	return sent
}

// myself is who signs in with the registrar.
const myself = "(myself)"

// as signs somebody in, to go on to a page.
func (v *visitor) as(who, to string) shown {
	v.t.Helper()
	if who != myself {
		return v.signIn(who, to)
	}
	s := v.get("/portal/sign-in/registrar?to=" + url.QueryEscape(to))
	for _, f := range s.forms() {
		if slices.ContainsFunc(f.inputs, func(in map[string]string) bool { return in["name"] == "number" }) {
			values := f.hidden()
			values.Set("number", v.number)
			values.Set("secret", member.password)
			return v.post(f.action, values)
		}
	}
	return s // the registrar still knows them
}

// aRow is a form of the portal: who is shown it and how they come to it. One that has
// good values is sent, twice at once and once more.
type aRow struct {
	who  string
	way  func(*visitor) string
	good url.Values
	// repeats says that sending it anew, from a second tab, is a second act.
	repeats bool
}

// at is a fixed path; nobodys is a page about something that is not there, and asks all
// the same: only whoever sends it is told; linked is the first link of a page that fits.
func at(path string) func(*visitor) string { return func(*visitor) string { return path } }

func linked(list, link string) func(*visitor) string {
	return func(v *visitor) string {
		v.t.Helper()
		s := v.get(list)
		m := regexp.MustCompile(`(?:href|action)="(` + link + `)"`).FindStringSubmatch(s.text)
		if m == nil {
			v.t.Fatalf("%s has no link like %s: %s", list, link, s.text)
		}
		return html.UnescapeString(m[1])
	}
}

const nobodys = "0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d60"

// fourSteps are the four steps of a holder.
func fourSteps(column, identifier string) url.Values {
	return url.Values{
		"column": {column}, "identifier": {identifier}, "role": {"gp"}, "offer": {"will-co-ordinate"}, "contact": {"desk"}, "reason": {"working-with-person"}, "agreement": {"riverside-children"},
		"power": {"children-act-2004-s10"}, "purposes": {"co-ordinate-care"}, "aspects": {"relationship"}, "audience": {"partnership"}, "aim": {"protect-health"}, "necessary": {"yes"}, "safeguards": {"yes"},
		"ground": {"explicit-consent"}, "evidence": {"spoken-and-noted"}, "ordinary": {"art6-public-task"}, "until-day": {"1"}, "until-month": {"6"}, "until-year": {"2027"},
	}
}

func with(all ...url.Values) url.Values {
	out := url.Values{}
	for _, v := range all {
		maps.Copy(out, v)
	}
	return out
}

// everyForm are all forms of the portal, in an order in which each finds what it needs. A
// form that is new joins them here.
func everyForm() []struct {
	path string
	aRow
} {
	id := `[0-9a-f-]{36}`
	type row = struct {
		path string
		aRow
	}
	about := func(column, identifier string) url.Values {
		return url.Values{"column": {column}, "identifier": {identifier}, "purpose": {"co-ordinate-care"}, "reason": {"working-with-person"}, "concerning": {"child"}}
	}
	ask := about("social-care", "LMN-00042")
	register := "/portal/registers/[a-z0-9-]+/"
	desk := func(page string) func(*visitor) string {
		return func(v *visitor) string {
			return strings.TrimSuffix(linked("/portal/registers", register+"enter")(v), "enter") + page
		}
	}
	return []row{
		{"/portal/ask", aRow{who: "mr-lindqvist", way: at("/portal/ask"), good: ask, repeats: true}},
		{"/portal/enquiries/{enquiry}/contact", aRow{who: "mr-lindqvist", way: func(v *visitor) string {
			return linked("/portal/enquiries", "/portal/enquiries/"+id)(v) + "/contact"
		}, good: url.Values{"contact": {"desk"}}}},
		{"/portal/recognise", aRow{who: "mr-lindqvist", way: at("/portal/recognise"), repeats: true, good: url.Values{
			"given": {member.given}, "family": {member.family}, "birth": {member.birth}, "scheme": {"passport"}, "number": {"DEMO00101"}, "purpose": {"co-ordinate-care"}, "reason": {"new-referral"}}}},
		{"/portal/recognise/{found}", aRow{who: "mr-lindqvist", way: func(v *visitor) string { return v.led }}},
		{"/portal/join", aRow{who: "mr-lindqvist", way: at("/portal/join")}},
		{"/portal/dispute", aRow{who: "mr-lindqvist", way: at("/portal/dispute"), repeats: true, good: url.Values{"column": {"social-care"}, "identifier": {"LMN-88002"}, "reason": {"not-the-same-person"}}}},
		{"/portal/waiting", aRow{who: "mr-lindqvist", way: at("/portal/waiting"), repeats: true, good: url.Values{"purpose": {"co-ordinate-care"}, "reason": {"working-with-person"}}}},
		{"/portal/waiting/{column}/{act}/settle", aRow{who: "mr-lindqvist", way: linked("/portal/waiting/list?purpose=co-ordinate-care&reason=working-with-person", "/portal/waiting/social-care/"+id+"/settle[?][^\"]*"),
			good: url.Values{"reason": {"same-person-found"}}}},
		{"/portal/waiting/{column}/{act}/confirm", aRow{who: "mr-lindqvist", way: at("/portal/waiting/social-care/" + nobodys + "/confirm?purpose=co-ordinate-care&reason=working-with-person")}},
		{"/portal/inbox/{column}/{delivery}/decline", aRow{who: "dr-patel", way: at("/portal/inbox/gp-riverside/" + nobodys + "/decline")}},
		{"/portal/publish", aRow{who: "dr-patel", way: at("/portal/publish"), good: fourSteps("gp-riverside", "GP-88001")}},
		{"/portal/pair", aRow{who: "dr-patel", way: at("/portal/pair"), good: fourSteps("gp-riverside", "GP-88001"), repeats: true}},
		{"/portal/history", aRow{who: "dr-patel", way: at("/portal/history"), good: about("gp-riverside", "GP-88001"), repeats: true}},
		{"/portal/acts/{act}/undo", aRow{who: "dr-patel", way: at("/portal/acts/" + nobodys + "/undo")}},
		{"/portal/acts/{act}/status", aRow{who: "dr-patel", way: at("/portal/acts/" + nobodys + "/status")}},
		{"/portal/links/open", aRow{who: "dr-patel", way: at("/portal/links/open"), repeats: true, good: with(fourSteps("gp-riverside", "GP-88001"), url.Values{
			"to": {"social-care"}, "purpose": {"co-ordinate-care"}, "competent": {"yes"}, "concerning": {"child"}, "welfare": {"yes"}})}},
		{"/portal/links/accept", aRow{who: "dr-patel", way: at("/portal/links/accept")}},
		{"/portal/links/{manager}/{link}/renew", aRow{who: "dr-patel", way: linked("/portal/links", "/portal/links/[^/]+/"+id+"/renew")}},
		{"/portal/links/{manager}/{link}/ask", aRow{who: "dr-patel", way: func(v *visitor) string {
			return strings.TrimSuffix(linked("/portal/links", "/portal/links/[^/]+/"+id+"/end")(v), "end") + "ask"
		}}},
		{"/portal/links/{manager}/{link}/end", aRow{who: "dr-patel", way: linked("/portal/links", "/portal/links/[^/]+/"+id+"/end"), good: url.Values{"reason": {"work-ended"}}}},
		{"/portal/approve", aRow{who: "guardian-lowe", way: at("/portal/approve"), repeats: true, good: with(fourSteps("", ""), url.Values{
			"columns": {"gp-riverside"}, "relationships": {"100"}, "ends-day": {"1"}, "ends-month": {"6"}, "ends-year": {"2027"}, "ground": {"public-interest"}, "imposed": {"risk-of-harm"}})}},
		{"/portal/imports", aRow{who: "dr-brandt", way: at("/portal/imports")}},
		{"/portal/registers/{register}/enter", aRow{who: "ms-abara", way: desk("enter"), repeats: true, good: url.Values{
			"given": {"Wilhelmina"}, "family": {"Quarrington"}, "birth": {"1961-03-09"}, "postcode": {"RV1 9ZZ"}, "source": {"person"}}}},
		{"/portal/registers/{register}/tasks/{task}", aRow{who: "ms-abara", way: func(v *visitor) string {
			// Who was entered twice, from two tabs, is reported as one.
			report, ref := desk("report")(v), regexp.MustCompile(`summary-list__value">([^<]+)<`)
			values := with(v.form(report).hidden(), url.Values{"kind": {"duplicate"}, "reason": {"same-person-found"}})
			for i, name := range []string{"subject", "other"} {
				if m := ref.FindStringSubmatch(v.last[i].text); m != nil {
					values.Set(name, strings.TrimSpace(html.UnescapeString(m[1])))
				}
			}
			s := v.post(report, values)
			m := regexp.MustCompile(`href="(/portal/registers/[a-z0-9-]+/tasks/` + id + `[?][^"]*)"`).FindStringSubmatch(s.text)
			if m == nil {
				v.t.Fatalf("two entries that are reported make no task: %d %s", s.status, s.text)
			}
			return html.UnescapeString(m[1])
		}}},
		{"/portal/registers/{register}/people/{subject}/code", aRow{who: "ms-abara", way: desk("people/" + nobodys + "/code")}},
		{"/portal/registers/{register}/report", aRow{who: "ms-abara", way: desk("report")}},
		{"/portal/registers/{register}/worklist", aRow{who: "ms-abara", way: desk("worklist"), good: url.Values{"state": {"open"}, "reason": {"same-person-found"}}}},
		{"/portal/registers/{register}/tasks/{task}/take", aRow{who: "ms-abara", way: desk("tasks/" + nobodys + "/take")}},
		{"/portal/registers/{register}/tasks/{task}/reopen", aRow{who: "ms-abara", way: desk("tasks/" + nobodys + "/reopen")}},
		{"/portal/reviews", aRow{who: "dr-brandt", way: at("/portal/reviews"), good: url.Values{"purpose": {"co-ordinate-care"}, "reason": {"duty-to-share"}}}},
		{"/portal/reviews/enquiries/{review}", aRow{who: "dr-brandt", way: at("/portal/reviews/enquiries/" + nobodys)}},
		{"/portal/reviews/overrides/{act}", aRow{who: "dr-brandt", way: at("/portal/reviews/overrides/" + nobodys)}},
		{"/portal/governance/oversight", aRow{who: "gov-ellis", way: at("/portal/governance/oversight"), good: url.Values{
			"from-day": {"1"}, "from-month": {"1"}, "from-year": {"2026"}, "until-day": {"31"}, "until-month": {"1"}, "until-year": {"2026"}}}},
		{"/portal/governance/hubs/{peer}/dispute", aRow{who: "gov-ellis", way: at("/portal/governance/hubs/" + nobodys + "/dispute")}},
		{"/portal/governance/disputes/{dispute}/answer", aRow{who: "gov-ellis", way: at("/portal/governance/disputes/" + nobodys + "/answer")}},
		{"/portal/governance/try", aRow{who: "gov-ellis", way: at("/portal/governance/try")}},
		{"/portal/complaints/{complaint}/acknowledge", aRow{who: "gov-ellis", way: at("/portal/complaints/" + nobodys + "/acknowledge")}},
		{"/portal/complaints/{complaint}/answer", aRow{who: "gov-ellis", way: at("/portal/complaints/" + nobodys + "/answer")}},

		{"/portal/me/for", aRow{who: myself, way: at("/portal/me/for"), good: url.Values{"whose": {"own"}}}},
		{"/portal/me/relationships/{handle}/hide", aRow{who: myself, way: linked("/portal/me/relationships", "/portal/me/relationships/"+id+"/hide"), good: url.Values{"reach": {"block"}, "understood": {"yes"}}}},
		{"/portal/me/blocks/{id}/end", aRow{who: myself, way: linked("/portal/me/consents", "/portal/me/blocks/"+id+"/end"), good: url.Values{}}},
		{"/portal/me/relationships/{handle}/leave-out", aRow{who: myself, way: linked("/portal/me/relationships", "/portal/me/relationships/"+id+"/leave-out"), good: url.Values{"agency": {"night-shelter"}}}},
		{"/portal/me/exclusions/{id}/end", aRow{who: myself, way: linked("/portal/me/consents", "/portal/me/exclusions/"+id+"/end"), good: url.Values{}}},
		{"/portal/me/relationships/{handle}/agree", aRow{who: myself, way: linked("/portal/me/relationships", "/portal/me/relationships/"+id+"/agree"), repeats: true, good: url.Values{
			"purposes": {"co-ordinate-care"}, "aspects": {"relationship"}, "understood": {"yes"}, "until-day": {"1"}, "until-month": {"6"}, "until-year": {"2027"}}}},
		{"/portal/me/consents/{id}/end", aRow{who: myself, way: linked("/portal/me/consents", "/portal/me/consents/"+id+"/end"), good: url.Values{}}},
		{"/portal/me/relationships/{handle}/complain", aRow{who: myself, way: linked("/portal/me/relationships", "/portal/me/relationships/"+id+"/complain"), repeats: true, good: url.Values{"topic": {"sharing"}}}},
		{"/portal/me/objections/{act}", aRow{who: myself, way: at("/portal/me/objections/" + nobodys)}},
		{"/portal/me/confirmations/{act}", aRow{who: myself, way: at("/portal/me/confirmations/" + nobodys)}},
	}
}

// notTried are forms without a row, each with the reason.
var notTried = map[string]string{
	"/portal/sign-out":                        "asks nothing, and every role signs out",
	"/portal/inbox/{column}/{delivery}/share": "is shown once a contact request has come, minutes after it was sent; its fields are those of declining and of publishing",
}

// Issue "The portal", "Bad input": every form says what is wrong in one summary, keeps what
// was typed, runs nothing and does nothing; one that outlives its session loses nothing and
// does nothing; and one that is sent twice, by a double click, by Back or from a second
// tab, makes no second act.
func everyFormTakesRubbish(t *testing.T, hub, number, dir string) {
	f, err := web.Load(filepath.Join(dir, "portal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f.Duties = web.Duties{Relmgr: hub, Consent: hub, Governance: hub, Registrar: hub, Idmgrs: []string{hub}, Federation: hub}
	c, err := f.Config()
	if err != nil {
		t.Fatal(err)
	}
	v := newVisitorOf(t, hub, c)
	v.number = number
	rows := everyForm()
	for _, path := range v.portal.Forms() {
		if notTried[path] == "" && !slices.ContainsFunc(rows, func(r struct {
			path string
			aRow
		}) bool {
			return r.path == path
		}) {
			t.Errorf("the form at %s has no row: say in everyForm who is shown it and how they come to it", path)
		}
	}
	who := ""
	for _, r := range rows {
		if who != r.who {
			v.post("/portal/sign-out", url.Values{})
			v.as(r.who, "/portal/")
			who = r.who
		}
		path := r.way(v)
		f := v.form(path)
		if f.asks() {
			v.takesRubbish(path, f)
		}
		v.outlives(r.who, path, f)
		if r.good != nil {
			v.sendsOnce(path, r.good, r.repeats)
		}
	}
	v.asksAgain()
}

// form is the one that the page at a path has.
func (v *visitor) form(path string) aForm {
	v.t.Helper()
	s := v.get(path)
	for _, f := range s.forms() {
		if f.action == path && s.status == http.StatusOK {
			return f
		}
	}
	v.t.Fatalf("%s shows no form, but %d %s", path, s.status, s.text)
	return aForm{}
}

// takesRubbish gives each field of a form each kind of rubbish.
func (v *visitor) takesRubbish(path string, f aForm) {
	v.t.Helper()
	v.did()
	for name, value := range rubbish {
		form := url.Values{}
		for _, in := range f.inputs {
			if in["name"] != "once" {
				form.Set(in["name"], value)
			}
		}
		back := v.post(path, form)
		if back.status != http.StatusUnprocessableEntity || !strings.Contains(back.text, "There is a problem") || !strings.Contains(back.text, "<title>Error: ") {
			v.t.Errorf("%s given %s answers %d at %s", path, name, back.status, back.at)
			continue
		}
		if strings.Contains(back.text, "<script") || strings.Contains(back.text, "<img") {
			v.t.Errorf("%s given %s: it would be run", path, name)
		}
		for _, in := range f.inputs {
			if typed(in) && name != "no text" && !strings.Contains(back.text, html.EscapeString(value)) {
				v.t.Errorf("%s given %s does not keep what was typed into %s", path, name, in["name"])
			}
		}
		if did := v.did(); len(did) > 0 {
			v.t.Errorf("%s given %s did %.200v", path, name, did)
		}
	}
}

func typed(in map[string]string) bool { return in["type"] == "text" }

// outlives sends the form when its session has ended, signs in again, and looks whether it
// is there as it was typed, not sent.
func (v *visitor) outlives(who, path string, f aForm) {
	v.t.Helper()
	form, words := f.hidden(), "nothing has been done"
	for _, in := range f.inputs {
		if typed(in) {
			form.Set(in["name"], "typed-before-it-ended")
			words = "typed-before-it-ended"
		}
	}
	v.did()
	v.later(16 * time.Minute)
	s := v.post(path, form)
	if s.at != "/portal/sign-in" || !strings.Contains(s.text, "What you had typed is kept") {
		v.t.Errorf("%s in a session that has ended leads to %s: %s", path, s.at, s.text)
	}
	if did := v.did(); len(did) > 0 {
		v.t.Errorf("%s in a session that has ended did %.200v", path, did)
	}
	v.later(-16 * time.Minute)
	at, _, _ := strings.Cut(path, "?")
	if s = v.as(who, s.next); s.at != at || !strings.Contains(s.text, words) || !strings.Contains(s.text, "nothing has been done") {
		v.t.Errorf("%s: what was typed is gone, at %s: %d %s", path, s.at, s.status, s.text)
	}
}

// sendsOnce sends a form twice at once, once more as Back does, and the form of a second
// tab: the first alone acts, and the last is answered in words.
func (v *visitor) sendsOnce(path string, good url.Values, repeats bool) {
	v.t.Helper()
	fill := func() url.Values {
		values := v.form(path).hidden()
		for k := range good {
			values[k] = good[k]
		}
		return values
	}
	tab, second := fill(), fill()
	v.did()
	var wait sync.WaitGroup
	led := make([]shown, 2)
	for i := range led {
		wait.Go(func() { led[i] = v.post(path, tab) })
	}
	wait.Wait()
	for _, s := range led {
		if s.at != led[0].at || s.status != http.StatusOK || s.at == path && !strings.Contains(path, "oversight") {
			v.t.Errorf("%s, sent twice at once, leads to %d at %s: %s", path, s.status, s.at, s.text)
		}
	}
	v.led, v.last[0] = led[0].at, led[0]
	did := v.did()
	if once := slices.Compact(slices.Sorted(slices.Values(did))); len(once) != len(did) {
		v.t.Errorf("%s, sent twice at once, did the same twice: %.200v", path, did)
	}
	if back := v.post(path, tab); back.at != led[0].at || len(v.did()) > 0 {
		v.t.Errorf("%s, sent again by Back, leads to %s and does something", path, back.at)
	}
	other := v.post(path, second)
	v.last[1] = other
	if other.status >= 500 || !repeats && other.status != http.StatusOK && other.status != http.StatusUnprocessableEntity && other.status != http.StatusNotFound {
		v.t.Errorf("%s from a second tab answers %d", path, other.status)
	}
}
