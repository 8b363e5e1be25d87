package web

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"
	"gopkg.in/yaml.v3"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/yamldoc"
)

// What governance officers look at beside the partnership itself: what is due, which hubs
// it has met, how registrars do, and what a changed document would change.

const (
	soonMonths  = 3  // how long before its day something is listed as due
	freshMonths = 12 // how long a contact route is taken to work since somebody last found that it does
)

// dueAt is one thing that somebody has to look at by a day.
type dueAt struct {
	name, why string
	on        time.Time
}

// due is what of the document has to be looked at, the earliest first: agreements whose
// review is near or over, what is about to end, and contact routes that nobody has tried
// for long.
func (t *terms) due(now time.Time) (all []dueAt) {
	near := now.AddDate(0, soonMonths, 0)
	ends := func(name, why string, on *time.Time) {
		if on != nil && on.After(now) && on.Before(near) {
			all = append(all, dueAt{name, why, *on})
		}
	}
	for _, a := range t.Agreements {
		if on, err := time.Parse(time.DateOnly, a.Review); err == nil && on.Before(near) && (a.Ends == nil || a.Ends.After(now)) {
			all = append(all, dueAt{a.Title, "Agreement: review it", on})
		}
		ends(a.Title, "Agreement: it ends", a.Ends)
	}
	for _, p := range t.Powers {
		ends(p.Title, "Power: it ends", p.Ends)
	}
	for _, a := range t.Agencies {
		ends(a.Name, "Member: it leaves", a.Ends)
	}
	for _, p := range t.Providers {
		ends(p.Title, "Service: it ends", p.Ends)
	}
	for _, c := range t.Columns {
		ends(t.columnTitle(c.ID), "Service: it closes", c.Closes)
		var tried time.Time
		for _, r := range c.Contacts {
			if on, err := time.Parse(time.DateOnly, r.Confirmed); err == nil && (tried.IsZero() || on.Before(tried)) {
				tried = on
			}
		}
		if until := tried.AddDate(0, freshMonths, 0); !tried.IsZero() && until.Before(near) && (c.Closes == nil || c.Closes.After(now)) {
			all = append(all, dueAt{t.columnTitle(c.ID), "Contact routes: try them, last done " + whenDay(tried), until})
		}
	}
	slices.SortStableFunc(all, func(a, b dueAt) int { return a.on.Compare(b.on) })
	return all
}

func overdue(all []dueAt, now time.Time) (n int) {
	for _, one := range all {
		if one.on.Before(now) {
			n++
		}
	}
	return n
}

// forOfficers refuses a page to whoever does not answer for the partnership. What stands
// on it, the duties refuse too, save what anybody may read.
func forOfficers(serve func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		if !v.who.has(governanceOfficer) {
			return &bearer.Problem{Type: ours, Status: http.StatusForbidden, Title: "This page is not for you", Detail: "It is for the partnership's governance officers. The start page shows what you can do."}
		}
		return serve(v)
	}
}

func showDue(v *visit) error {
	now := v.p.Now()
	pg := &page{Title: "Due for review", Lead: []string{
		fmt.Sprintf("What the partnership has to look at within %d months, by the document as applied. A contact route is due a year after somebody last found that it works.", soonMonths),
	}}
	t := table{Title: "The earliest first", Head: []string{"What", "Why", "By"}, Empty: "Nothing is due."}
	for _, one := range v.t.due(now) {
		l := line{Name: one.name, Cells: []string{one.why, whenDay(one.on)}}
		if one.on.Before(now) {
			l.Tag = "Overdue"
		}
		t.Lines = append(t.Lines, l)
	}
	pg.Tables = []table{t}
	pg.Links = []link{backToGovernance}
	return v.show(pg)
}

var backToGovernance = link{Text: "Back to the partnership", Href: Prefix + "/governance"}

// peerState is how two hubs stand to each other, in words (FED-26).
func peerState(p federationoas.Peer, now time.Time) (tag, words string) {
	switch {
	case p.State == federationoas.PeerStateInvited:
		return "Invited", "Nothing is asked or answered. Compare the fingerprints with the other hub, and confirm it."
	case p.State == federationoas.PeerStateSuspended:
		return "Suspended", "Nothing is asked or answered until it is readmitted."
	case p.State == federationoas.PeerStateLeft:
		return "Left", "The agreement has ended."
	case p.Agreement.Until.Before(now):
		return "Ended", "The agreement's time is over."
	case p.Theirs == federationoas.PeerTheirsConfirmed:
		return "Connected", "Each asks and answers the other."
	case p.Theirs == federationoas.PeerTheirsEnded:
		return "Ended there", "The other hub has suspended or left the agreement. Nothing is asked or answered."
	}
	return "Waiting", "Confirmed here. The other hub has not been seen to confirm the same agreement."
}

// showHubs is the map of the federation: this hub, the hubs that it has met and how each
// pair stands, as a picture and as a list.
func showHubs(v *visit) error {
	pg := &page{Title: "Other hubs", Empty: "This hub has met no other hub. `fame peers invite` begins it.", Links: []link{backToGovernance}, Lead: []string{
		"The hubs that this one has met, and how both sides stand. Each decides by its own policy what it tells the other.",
	}}
	if v.p.Duties.Federation == "" {
		pg.Empty = "This hub has no federation duty: it asks no other hub, and is asked by none."
		return v.show(pg)
	}
	g, err := v.federation()
	if err != nil {
		return err
	}
	got, err := g.ListPeers(v.ctx)
	if err != nil {
		return err
	}
	var around []spot
	for _, p := range got.Peers {
		tag, words := peerState(p, v.p.Now())
		host := strings.TrimPrefix(strings.TrimPrefix(p.Entity, "https://"), "http://")
		pg.Cards = append(pg.Cards, card{Title: host, Tag: tag, Lines: []string{words}, Rows: []row{
			{Key: "Agreement", Values: []string{p.Agreement.Title}}, {Key: "For", Values: titles(v.t.Codes.Purposes, p.Agreement.Purposes)},
			{Key: "Whose questions", Values: titles(v.t.Codes.Roles, p.Agreement.Roles)}, {Key: "Until", Values: []string{whenDay(p.Agreement.Until)}},
			{Key: "What ends here ends there within", Values: []string{strconv.Itoa(p.Agreement.Minutes) + " minutes"}},
			{Key: "So since", Values: []string{when(p.Since)}}, {Key: "Fingerprints", Values: p.Fingerprints},
		}, Links: []link{{Text: "Dispute something with it", Href: Prefix + "/governance/hubs/" + string(p.Peer) + "/dispute"}}})
		if p.State != federationoas.PeerStateLeft {
			around = append(around, spot{Title: host, Agency: tag, Faint: tag != "Connected"})
		}
	}
	if len(around) > 0 {
		pg.Circle = inCircle("This hub", "A picture of this hub and the hubs around it. A whole line stands for two that ask and answer each other, a broken one for two that do not. The list above says the same.", around)
	}
	return v.show(pg)
}

// registrarEntry is one of the register of registrars, as the federation duty states it.
type registrarEntry struct {
	Title  string    `json:"title"`
	Status string    `json:"status"`
	Since  time.Time `json:"since"`
	Floor  struct {
		Recall  int `json:"recall_per_mille"`
		Latency int `json:"latency_ms"`
		Errors  int `json:"errors_per_mille"`
	} `json:"floor"`
	Quality *struct {
		Recall   int       `json:"recall_per_mille"`
		Latency  int       `json:"latency_ms"`
		Errors   int       `json:"errors_per_mille"`
		Measured int       `json:"measured"`
		At       time.Time `json:"at"`
	} `json:"quality"`
}

// registrars reads the register of registrars, which anybody may (FED-18).
func (v *visit) registrars() (all []registrarEntry, err error) {
	cursor := ""
	for range 100 {
		text, err := v.p.public(v.ctx, v.p.Duties.Federation+"/federation/v1/registrars?"+cursor)
		if err != nil {
			return nil, err
		}
		// The signature is for others: this is the hub's own answer, of now.
		_, payload, _ := strings.Cut(text, ".")
		payload, _, _ = strings.Cut(payload, ".")
		clear, err := base64.RawURLEncoding.DecodeString(payload)
		if err != nil {
			return nil, err
		}
		var p struct {
			Entries []registrarEntry `json:"entries"`
			Next    string           `json:"next"`
		}
		if err := json.Unmarshal(clear, &p); err != nil {
			return nil, err
		}
		all = append(all, p.Entries...)
		if p.Next == "" {
			break
		}
		cursor = url.Values{"cursor": {p.Next}}.Encode()
	}
	return all, nil
}

// showRegistrars is how each registrar does against what it undertakes (REG-20, FED-19).
func showRegistrars(v *visit) error {
	pg := &page{Title: "How registrars do", Links: []link{backToGovernance}, Lead: []string{
		"Each registrar undertakes a floor, and its keepers publish how it does. One that falls below is flagged, and then suspended.",
	}, Empty: "No registrar has been admitted to the register of registrars."}
	if v.p.Duties.Federation == "" {
		pg.Empty = "This hub has no federation duty, which keeps the register of registrars."
		return v.show(pg)
	}
	all, err := v.registrars()
	if err != nil {
		return err
	}
	for _, r := range all {
		t := table{Title: r.Title + ": " + lower(plain(r.Status)), Head: []string{"Measure", "Undertaken", "Published"}}
		published := func(of func() string) string {
			if r.Quality == nil {
				return "Not yet"
			}
			return of()
		}
		perMille := func(n int) string { return strconv.FormatFloat(float64(n)/10, 'f', -1, 64) + "%" }
		t.Lines = []line{
			{Name: "Of its own people it finds", Cells: []string{"at least " + perMille(r.Floor.Recall), published(func() string { return perMille(r.Quality.Recall) })}},
			{Name: "95 of 100 answers within", Cells: []string{strconv.Itoa(r.Floor.Latency) + " ms", published(func() string { return strconv.Itoa(r.Quality.Latency) + " ms" })}},
			{Name: "Failures", Cells: []string{"at most " + perMille(r.Floor.Errors), published(func() string { return perMille(r.Quality.Errors) })}},
			{Name: "Measured on", Cells: []string{"", published(func() string { return strconv.Itoa(r.Quality.Measured) + ", " + whenDay(r.Quality.At) })}},
		}
		pg.Tables = append(pg.Tables, t)
	}
	if len(all) > 0 {
		pg.Empty = ""
	}
	return v.show(pg)
}

// tryPath is where a partnership document is tried, and maxDocument the most that may be
// sent there.
const (
	tryPath     = "/governance/try"
	maxDocument = 1 << 20
)

func tryForm() *form {
	return &form{Action: Prefix + tryPath, Button: "Show what would change", Fields: []*field{
		{Name: "document", Label: "The partnership document", Hint: "As it is applied now. Change it here, or paste another: the whole file, as YAML or JSON.", Kind: long, Width: 16, Max: 300_000, Missing: "Paste the partnership document"},
	}}
}

var tryPage = page{Title: "Try a partnership document", Lead: []string{
	"See what a changed document would change. Nothing is applied: that is done with the command fame apply, and the same file.",
}, Links: []link{backToGovernance}}

func showTry(v *visit) error {
	g, err := v.governance()
	if err != nil {
		return err
	}
	in, err := g.ReadPartnership(v.ctx)
	if err != nil {
		return err
	}
	text, err := documentText(in.Document)
	if err != nil {
		return err
	}
	pg, f := tryPage, tryForm()
	f.field("document").Values = []string{text}
	return v.ask(&pg, f)
}

// sections is the order in which people read a partnership document.
var sections = []string{
	"partnership", "settings", "issuers", "registrars", "managers", "codes", "agencies", "providers", "columns", "powers", "bars", "agreements", "recourse", "practitioners",
}

// documentText is a document as people write it.
func documentText(d governanceoas.PartnershipDocument) (string, error) {
	names := slices.SortedFunc(maps.Keys(d), func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(sections, a), slices.Index(sections, b)), cmp.Compare(a, b))
	})
	var text strings.Builder
	for _, name := range names {
		var n yaml.Node
		if err := yaml.Unmarshal(d[name], &n); err != nil { // JSON is YAML
			return "", err
		}
		written, err := yaml.Marshal(map[string]*yaml.Node{name: inBlocks(n.Content[0])})
		if err != nil {
			return "", err
		}
		text.Write(written)
	}
	return text.String(), nil
}

func inBlocks(n *yaml.Node) *yaml.Node {
	n.Style = 0
	for _, c := range n.Content {
		inBlocks(c)
	}
	return n
}

// doTry asks what a document would change, and changes nothing (as `fame apply -dry-run`).
func doTry(v *visit) error {
	pg, f := tryPage, tryForm()
	if !f.read(v.values) {
		return v.again(&pg, f)
	}
	js, lines, err := yamldoc.JSON([]byte(f.get("document")))
	if err != nil {
		if said, ok := errors.AsType[*fault.Error](err); ok {
			f.wrong("document", sentence(said.Detail))
		}
		return v.again(&pg, f)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(js, &members) != nil {
		f.wrong("document", "Write the partnership document as a mapping at its top level")
		return v.again(&pg, f)
	}
	document := governanceoas.PartnershipDocument{}
	for k, m := range members {
		document[k] = jx.Raw(m)
	}
	g, err := v.governance()
	if err != nil {
		return err
	}
	change, err := g.ApplyPartnership(v.ctx, document, governanceoas.ApplyPartnershipParams{DryRun: governanceoas.NewOptBool(true)})
	if p, ok := errors.AsType[*bearer.Problem](bearer.Told(err)); ok {
		for i, e := range p.Errors {
			p.Errors[i].Detail = fmt.Sprintf("line %d, %s: %s", lines(e.Pointer), e.Pointer, e.Detail)
			p.Errors[i].Pointer = "/document"
		}
		return v.refused(&pg, f, p, nil)
	}
	if err != nil {
		return err
	}
	pg.Done = []string{"Nothing differs from what is in force."}
	if n := len(change.Changes); n > 0 {
		pg.Done = []string{fmt.Sprintf("%s would change in version %d. Nothing has been changed.", counted(n, "thing", "things"), change.Version)}
		pg.Tables = []table{changesTable("What would change", change.Changes)}
	}
	pg.Lead, pg.After, pg.AfterIs = nil, f.numbered(), "Try another"
	return v.show(&pg)
}

func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + more
}

// changesTable is what a document changes of another, before and after (XCU-17).
func changesTable(title string, all []governanceoas.TermChange) table {
	t := table{Title: title, Head: []string{"Where", "Before", "After"}}
	for _, c := range all {
		l := line{Name: strings.ReplaceAll(strings.TrimPrefix(c.Pointer, "/"), "/", " / "), Cells: []string{c.From.Or(""), c.To.Or("")}}
		if c.Change != governanceoas.TermChangeChangeReplace {
			l.Tag = map[governanceoas.TermChangeChange]string{governanceoas.TermChangeChangeAdd: "New", governanceoas.TermChangeChangeRemove: "Gone"}[c.Change]
		}
		t.Lines = append(t.Lines, l)
	}
	return t
}

// mostChanges of an act are shown in a list of acts: the first version changed everything.
const mostChanges = 10

func changesRow(all []governanceoas.TermChange) []row {
	if len(all) == 0 {
		return nil
	}
	r := row{Key: "Changed"}
	for i, l := range changesTable("", all).Lines {
		if i == mostChanges {
			r.Values = append(r.Values, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		words := l.Name
		switch {
		case l.Tag != "":
			words += ": " + lower(l.Tag)
		default:
			words += ": " + l.Cells[0] + " became " + l.Cells[1]
		}
		r.Values = append(r.Values, words)
	}
	return []row{r}
}

const oversightPath = "/governance/oversight"

// periodForm asks of which days; at first, of the four weeks that are past.
func periodForm(now time.Time) *form {
	from := &field{Name: "from", Label: "From", Kind: date, Missing: "Enter the first day"}
	until := &field{Name: "until", Label: "Until", Hint: "The last day. It has to be past.", Kind: date, Missing: "Enter the last day"}
	from.setDay(now.AddDate(0, 0, -28))
	until.setDay(now.AddDate(0, 0, -1))
	return &form{Action: Prefix + oversightPath, Button: "Count", Fields: []*field{from, until}}
}

var oversightPage = page{Title: "Disclosures and reviews", Links: []link{backToGovernance}, Lead: []string{
	"How many people others were told of, and what waits for an agency's reviewers. Nothing here is about anybody.",
}}

func (v *visit) oversight(f *form) (*relmgroas.Oversight, error) {
	r, err := v.relmgr()
	if err != nil {
		return nil, err
	}
	return r.Oversee(v.ctx, relmgroas.OverseeParams{From: f.day("from"), Until: f.day("until")})
}

// showOversight is what was disclosed over a period, in people, and what waits for review,
// in numbers that name nobody (QRY-10, LEG-27).
func showOversight(v *visit) error {
	pg, f := oversightPage, periodForm(v.p.Now())
	for _, one := range f.Fields {
		if day, err := time.Parse(time.DateOnly, v.r.URL.Query().Get(one.Name)); err == nil {
			one.setDay(day)
		}
	}
	got, err := v.oversight(f)
	if err != nil {
		return err
	}
	pg.Lead = append(slices.Clone(pg.Lead), "From "+whenDay(f.day("from"))+" to "+whenDay(f.day("until"))+".")
	v.counts(&pg, got)
	v.resume(&pg, f)
	pg.After, pg.AfterIs = f.numbered(), "Count other days"
	return v.show(&pg)
}

func doOversight(v *visit) error {
	pg, f := oversightPage, periodForm(v.p.Now())
	if !f.read(v.values) {
		return v.again(&pg, f)
	}
	if _, err := v.oversight(f); err != nil {
		return v.refused(&pg, f, err, nil)
	}
	return v.to(Prefix + oversightPath + "?from=" + f.day("from").Format(time.DateOnly) + "&until=" + f.day("until").Format(time.DateOnly))
}

func (v *visit) counts(pg *page, got *relmgroas.Oversight) {
	told := bars{Title: "People others were told of"}
	for _, d := range got.Disclosures { // the most first
		told.Of = append(told.Of, bar{
			Name: title(v.t.Codes.Purposes, string(d.Purpose)) + ". " + plain(string(d.Ground)), N: d.People, Width: 100 * d.People / max(got.Disclosures[0].People, 1),
		})
	}
	if len(told.Of) > 0 {
		pg.Bars = &told
		pg.Lead = append(pg.Lead, fmt.Sprintf("By what was asked for and the ground of the decision that told. Counts are rounded down to tens, and of fewer than %d people nothing is said.", got.Least))
	} else {
		pg.Tables = append(pg.Tables, table{Title: told.Title, Empty: fmt.Sprintf("Of no purpose and ground were there %d people or more. Of fewer nothing is said.", got.Least)})
	}
	waiting := table{Title: "Waiting for review now", Head: []string{"Agency", "Enquiries", "Overrides"}, Empty: "Nothing waits for review."}
	of := func(n, late int) string {
		if late == 0 {
			return strconv.Itoa(n)
		}
		return fmt.Sprintf("%d, of which %d overdue", n, late)
	}
	for _, w := range got.Waiting {
		waiting.Lines = append(waiting.Lines, line{Name: v.t.agencyName(string(w.Agency)), Cells: []string{of(w.Enquiries, w.EnquiriesOverdue), of(w.Overrides, w.OverridesOverdue)}})
	}
	pg.Tables = append(pg.Tables, waiting)
}
