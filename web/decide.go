package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/relmgroas"
)

// knownConditions are those of the law profile uk-current that index work rests on; a
// partnership's agreements add theirs.
var knownConditions = map[string][2][]string{
	"uk-current": {
		{"art6-public-task", "art6-legal-obligation", "art6-recognised-safeguarding", "art6-recognised-emergency", "art6-vital-interests", "art6-consent", "art6-legitimate-interests"},
		{"art9-health-social-care", "art9-explicit-consent", "sch1-safeguarding-at-risk", "sch1-statutory-purposes", "art9-vital-interests"},
	},
}

// decisionFields ask for a holder's four steps (LEG-01): the power, the proportionality,
// the confidence and the condition, in the words of the partnership's document. The duty
// takes the steps; the portal offers what can pass.
func decisionFields(v *visit, deeds ...string) []*field {
	under := v.t.may(v.who.in, deeds...)
	kindOf := v.t.agencyKind(string(v.who.in.Agency))
	f := func(name, label string, k kind, o []option, missing string) *field {
		return &field{Name: name, Label: label, Kind: k, Options: o, Missing: missing}
	}
	var agreements, powers []option
	for _, a := range under {
		agreements = append(agreements, option{Value: a.Code, Text: a.Title})
	}
	held := gather(under, func(a agreement) []string { return a.Powers })
	for _, p := range v.t.Powers {
		if slices.Contains(held, p.Code) && slices.Contains(p.Kinds, kindOf) {
			powers = append(powers, option{Value: p.Code, Text: p.Title + " (" + p.Citation + ")"})
		}
	}
	known := knownConditions[v.t.Partnership.LawProfile]
	ordinary := gather(under, func(a agreement) []string { return append([]string{a.Receiving.Ordinary}, known[0]...) })
	sensitive := gather(under, func(a agreement) []string { return append(slices.Clone(known[1]), a.Receiving.Sensitive) })
	sensitive = slices.DeleteFunc(sensitive, func(s string) bool { return s == "" })
	until := f("until", "Until when does the decision stand?", date, nil, "")
	until.Hint = "For example, 27 3 2027."
	until.setDay(v.p.Now().AddDate(1, 0, 0))
	necessary := f("necessary", "Nothing less would do", yes, nil, "Tick the box if nothing less would do: otherwise it may not be shared")
	safeguards := f("safeguards", "There are safeguards enough", yes, nil, "Tick the box if there are safeguards enough: otherwise it may not be shared")
	evidence := f("evidence", "How did they consent?", pick, worded([]string{"spoken-and-noted", "signed-form", "recorded-call", "electronic", "interpreter-present"}), "")
	evidence.Hint, evidence.Optional = "Only where the person consented.", true
	why := f("imposed", "Why without their consent?", pick, options(v.t.Codes.Reasons), "")
	why.Hint, why.Optional = "Only where they did not consent.", true
	special := f("sensitive", "Which further condition, for sensitive information?", pick, worded(sensitive), "")
	special.Optional = true
	agencies := f("agencies", "Which agencies?", several, nil, "")
	agencies.Hint, agencies.Optional = "Only where some agencies alone may be told.", true
	for _, a := range v.t.Agencies {
		if a.ID != string(v.who.in.Agency) && slices.Contains(gather(under, func(a agreement) []string { return a.Parties }), a.ID) {
			agencies.Options = append(agencies.Options, option{Value: a.ID, Text: a.Name})
		}
	}
	step := func(label, hint string) *field { return &field{Kind: heading, Label: label, Hint: hint} }
	return []*field{
		step("Step 1: the power", "What lets your agency do this?"),
		oneChoice(f("agreement", "Under which agreement?", pick, agreements, "Select an agreement")),
		oneChoice(f("power", "Which power lets your agency do this?", pick, powers, "Select the power that lets your agency do this")),
		step("Step 2: proportion", "Share no more than is needed, with nobody who does not need it."),
		f("purposes", "For what may others be told?", several, only(v.t.Codes.Purposes, gather(under, func(a agreement) []string { return a.Purposes })), "Select at least one purpose"),
		f("aspects", "What may they be told?", several, only(v.t.Codes.Aspects, gather(under, func(a agreement) []string { return a.Aspects })), "Select at least one thing that may be told"),
		f("audience", "Who may be told?", choice, []option{{Value: "partnership", Text: "Every party to the agreement"}, {Value: "agencies", Text: "Only the agencies that I select"}}, "Select who may be told"),
		agencies,
		f("aim", "What is the aim?", pick, options(v.t.Codes.Aims), "Select the aim"),
		necessary, safeguards,
		step("Step 3: confidence", ""),
		f("ground", "How does it pass the duty of confidence?", choice, worded(gather(under, func(a agreement) []string { return a.Grounds })), "Select how it passes the duty of confidence"),
		evidence, why,
		step("Step 4: data protection", ""),
		f("ordinary", "Which condition of data protection law holds?", pick, worded(ordinary), "Select the condition that holds"),
		special, until,
		{Name: "consent", Kind: hidden, Label: "Consent", Optional: true}, // captured by a try that went no further
	}
}

// decisionAt says under which names the form asks what a decision's members are called.
var decisionAt = map[string]string{"conditions": "ordinary", "proportionality": "aim", "consents": "evidence", "reason": "imposed", "partnership": "audience"}

func onConsent(ground string) bool {
	return ground == "explicit-consent" || ground == "implied-consent"
}

// judgeDecision are mistakes that several fields make together.
func judgeDecision(f *form) {
	if onConsent(f.get("ground")) && f.get("evidence") == "" && f.get("consent") == "" {
		f.wrong("evidence", "Select how they consented")
	}
	judgeAudience(f)
}

func judgeAudience(f *form) {
	if g := f.get("ground"); g != "" && !onConsent(g) && f.get("imposed") == "" {
		f.wrong("imposed", "Select why it is shared without their consent")
	}
	if f.get("audience") == "agencies" && len(f.many("agencies")) == 0 {
		f.wrong("agencies", "Select the agencies that may be told")
	}
}

// decided adds a holder's four steps to a form.
func decided(f *form, v *visit, deeds ...string) *form {
	f.Fields, f.judge, f.at = append(f.Fields, decisionFields(v, deeds...)...), judgeDecision, decisionAt
	return f
}

// steps is what the fields say, but for the consents that it rests on.
func steps(f *form) (d relmgroas.Decision, m relmgroas.Mode) {
	d = relmgroas.Decision{
		Agreement: relmgroas.Code(f.get("agreement")), Power: relmgroas.Code(f.get("power")), Purposes: codes[relmgroas.Code](f.many("purposes")), Aspects: codes[relmgroas.Code](f.many("aspects")),
		Proportionality: relmgroas.Proportionality{Necessary: true, Safeguards: true, Aim: relmgroas.Code(f.get("aim"))},
		Ground:          relmgroas.Ground(f.get("ground")), Conditions: relmgroas.Conditions{Ordinary: relmgroas.Code(f.get("ordinary"))}, Until: f.day("until"),
	}
	if f.get("audience") == "partnership" {
		d.Audience.Partnership = relmgroas.NewOptAudiencePartnership(true)
	} else {
		d.Audience.Agencies = codes[relmgroas.Code](f.many("agencies"))
	}
	if s := f.get("sensitive"); s != "" {
		d.Conditions.Sensitive = relmgroas.NewOptCode(relmgroas.Code(s))
	}
	if onConsent(f.get("ground")) {
		return d, relmgroas.ModeSupplierWithConsent
	}
	d.Reason = relmgroas.NewOptCode(relmgroas.Code(f.get("imposed")))
	return d, relmgroas.ModeImposed
}

// decision is what the fields say. Where the ground is consent, the consent is recorded
// first, on relmgr's proof that the caller's column knows the person; a form that comes
// back with a mistake keeps it.
func (v *visit) decision(f *form) (r *relmgroas.Client, d relmgroas.Decision, m relmgroas.Mode, err error) {
	d, m = steps(f)
	if r, err = v.relmgr(); err != nil || m == relmgroas.ModeImposed {
		return r, d, m, err
	}
	if f.get("consent") == "" {
		h, err := r.FindHandle(v.ctx, &relmgroas.HandleRequest{Column: relmgroas.Code(f.get("column")), Identifier: relmgroas.LocalIdentifier(f.get("identifier"))})
		if err != nil {
			return nil, d, "", err
		}
		c, err := v.consentAs(v.who.token)
		if err != nil {
			return nil, d, "", err
		}
		req := &consentoas.ConsentRequest{
			Proof: consentoas.HandleProof(h.Proofs.Consent), Explicit: f.get("ground") == "explicit-consent", Purposes: codes[consentoas.Code](f.many("purposes")),
			Aspects: codes[consentoas.Code](f.many("aspects")), Until: d.Until, Evidence: consentoas.ConsentRequestEvidence(f.get("evidence")), Wording: "portal-consent-1",
		}
		if d.Audience.Partnership.Set {
			req.Audience.Partnership = consentoas.NewOptAudiencePartnership(true)
		} else {
			req.Audience.Agencies = codes[consentoas.Code](f.many("agencies"))
		}
		captured, err := c.CaptureConsent(v.ctx, req)
		if err != nil {
			return nil, d, "", err
		}
		f.field("consent").Values = []string{string(captured.Consent)}
	}
	d.Consents = []relmgroas.ID{relmgroas.ID(f.get("consent"))}
	return r, d, m, nil
}

func codes[T ~string](all []string) (out []T) {
	for _, c := range all {
		out = append(out, T(c))
	}
	return out
}

// sentOnce is the number of the form as an idempotency key, so that two processes make
// one act of it too.
func (v *visit) sentOnce() relmgroas.OptString {
	if v.number == "" {
		return relmgroas.OptString{}
	}
	return relmgroas.NewOptString(v.number)
}

// contactField asks by which of their routes somebody is to be reached.
func contactField(own []column) *field {
	contact := &field{Name: "contact", Label: "How should they reach you?", Kind: choice, Missing: "Select how they should reach you"}
	for _, c := range own {
		for _, r := range c.Contacts {
			if !slices.ContainsFunc(contact.Options, func(o option) bool { return o.Value == r.Code }) {
				text := plain(r.Kind) + ": " + r.Value
				if len(own) > 1 {
					text = "By " + strings.ToLower(plain(r.Kind)) + ", as the service has it"
				}
				contact.Options = append(contact.Options, option{Value: r.Code, Text: text, Hint: map[bool]string{true: r.Hours}[len(own) == 1]})
			}
		}
	}
	return contact
}

// publishForm: a relationship with its offer and its standing decision (PUB-01, POR-01;
// POR-02: the author is whoever has signed in).
func publishForm(v *visit) *form {
	role := oneChoice(&field{Name: "role", Label: "In which role do you work with them?", Kind: choice, Missing: "Select your role",
		Options: only(v.t.Codes.Roles, slices.DeleteFunc(gather(v.t.may(v.who.in, "publish", "impose"), func(a agreement) []string { return slices.Concat(a.Roles["publish"], a.Roles["impose"]) }), func(r string) bool { return !v.who.has(r) }))})
	f := &form{Action: Prefix + "/publish", Button: "Publish", Fields: []*field{
		v.columnField(), v.identifierField(), role,
		{Name: "offer", Label: "What do you offer to others?", Kind: choice, Missing: "Select what you offer", Options: worded([]string{"will-co-ordinate", "will-make-available", "wants-to-be-informed"})},
		{Name: "transactions", Label: "For what?", Kind: several, Optional: true, Options: options(v.t.Codes.Transactions)},
		contactField(v.t.own(v.who.in, v.p.Now())), reasonField(v.t, "Why do you publish it?"),
	}}
	f.Fields[0].Label, f.Fields[0].Missing = "Which of your services works with them?", "Select which of your services works with them"
	return decided(f, v, "publish", "impose")
}

var publishPage = page{Title: "Let others know that you work with somebody", Lead: []string{
	"Others who ask, and may be told, then find you as somebody to contact. Nobody is shown the identifier. It is a disclosure, so you decide it in four steps, which are recorded with your name.",
}}

func publish(v *visit, f *form) (string, error) {
	r, d, m, err := v.decision(f)
	if err != nil {
		return "", err
	}
	offer := relmgroas.OfferRequest{Kind: relmgroas.OfferKind(f.get("offer")), Transactions: codes[relmgroas.Code](f.many("transactions")), Contact: relmgroas.Code(f.get("contact"))}
	_, err = r.PublishRelationship(v.ctx, &relmgroas.RelationshipRequest{
		Column: relmgroas.Code(f.get("column")), Identifier: relmgroas.LocalIdentifier(f.get("identifier")), Role: relmgroas.Code(f.get("role")), Mode: m,
		Reason: relmgroas.Code(f.get("reason")), Offers: []relmgroas.OfferRequest{offer}, Decision: d,
	}, relmgroas.PublishRelationshipParams{IdempotencyKey: v.sentOnce()})
	return v.said("Published. Those who may be told find you from now on.", "/done"), err
}

// pairForm opens a code to be read out over the telephone.
func pairForm(v *visit) *form {
	f := &form{Action: Prefix + "/pair", Button: "Make a code", Fields: []*field{v.columnField(), v.identifierField()}}
	return decided(f, v, "publish", "correlate", "impose")
}

var pairPage = page{Title: "Make a telephone code", Lead: []string{
	"You are on the telephone with somebody of another agency, and find that you both know the same person. The code lets them join what you know with what they know, without either telling the other an identifier. First you decide your side.",
}}

func pair(v *visit, f *form) (string, error) {
	r, d, _, err := v.decision(f)
	if err != nil {
		return "", err
	}
	p, err := r.OpenPairing(v.ctx, &relmgroas.PairingRequest{Column: relmgroas.Code(f.get("column")), Identifier: relmgroas.LocalIdentifier(f.get("identifier")), Decision: d})
	if err != nil {
		return "", err
	}
	v.s.keepCode(spokenCode{string(p.Code), p.Expires, "where they join two records", "/pair"})
	return "/pair/code", nil
}

// spokenCode is a code to be read out, once, and what it is for.
type spokenCode struct {
	code   string
	until  time.Time
	typed  string // where whoever hears it types it
	making string // the page that makes another
}

func (s *session) keepCode(c spokenCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = c
}

// showCode shows the code until it is over.
func showCode(v *visit) error {
	v.s.mu.Lock()
	c := v.s.code
	v.s.mu.Unlock()
	if c.code == "" || v.p.Now().After(c.until) {
		return &bearer.Problem{Type: ours, Status: http.StatusNotFound, Title: "There is no code", Detail: "A code is good for minutes, and once. Make another one."}
	}
	return v.show(&page{Title: "Read this code out", Code: c.code, Lead: []string{
		"Read it to the person at the other end, who types it " + c.typed + ". It is good once, until " + when(c.until) + ".",
		"Do not tell them what your own records call the person: they do not need it.",
	}, Links: []link{{Text: "Make another code", Href: Prefix + c.making}}})
}

// joinForm uses somebody's code: two identifiers are one person (ACT-08, IDX-05).
func joinForm(v *visit) *form {
	f := &form{Action: Prefix + "/join", Button: "They are the same person", Fields: []*field{
		v.columnField(), v.identifierField(),
		{Name: "pairing", Label: "The code that was read out to you", Hint: "Nine letters and digits. Spaces and capitals do not matter.", Kind: text, Width: 10, Max: 24, Missing: "Enter the code that was read out to you"},
		reasonField(v.t, "Why do you join them?"),
		{Name: "joint", Kind: yes, Optional: true, Label: "Do it together: they have to confirm it", Hint: "It is not in force before somebody at the other end has said so too."},
	}}
	return decided(f, v, "correlate", "impose")
}

var joinPage = page{Title: "Join two records of one person", Lead: []string{
	"Somebody of another agency has read you a code. Joining says that the person you know and the person they know are the same, under your name. It can be undone by a new act, and never without a trace.",
}}

func joinRecords(v *visit, f *form) (string, error) {
	r, d, m, err := v.decision(f)
	if err != nil {
		return "", err
	}
	if f.get("joint") == "yes" {
		m = relmgroas.ModeJoint
	}
	_, err = r.Correlate(v.ctx, &relmgroas.CorrelationRequest{
		Column: relmgroas.Code(f.get("column")), Identifier: relmgroas.LocalIdentifier(f.get("identifier")), Pairing: relmgroas.NewOptPairingCode(relmgroas.PairingCode(f.get("pairing"))),
		Mode: m, Reason: relmgroas.Code(f.get("reason")), Decision: d,
	}, relmgroas.CorrelateParams{IdempotencyKey: v.sentOnce()})
	// The answer is the same whatever another party's state makes of it.
	return v.said("Recorded. It is in force where nothing of another party stands against it.", "/done"), err
}

// showDone says what was just done, and where to go.
func showDone(v *visit) error {
	pg := &page{Title: "Done", Done: v.flash(), Links: []link{{Text: "Look at the history of an identifier", Href: Prefix + "/history"}, {Text: "Go to the start page", Href: Prefix + "/"}}}
	if len(pg.Done) == 0 {
		pg.Title, pg.Lead = "Nothing more to say here", []string{"What you did was told to you when you did it. The history of the identifier has it for good."}
	}
	return v.show(pg)
}

// historyForm asks of which identifier somebody wants to see the acts. The read is
// recorded as an enquiry, so it has a purpose and a reason.
func historyForm(v *visit) *form {
	return &form{Action: Prefix + "/history", Button: "Show the history", Fields: []*field{
		v.columnField(), v.identifierField(),
		purposeField(v.t, v.t.may(v.who.in, "enquire", "correlate", "publish", "review", "impose"), "What do you need it for?"), reasonField(v.t, "Why do you need to know?"),
	}}
}

var historyPage = page{Title: "History of an identifier", Lead: []string{"Every act on one of your own identifiers, newest first. That you look is recorded, and the person may see it."}}

func findHistory(v *visit, f *form) (string, error) {
	r, err := v.relmgr()
	if err != nil {
		return "", err
	}
	h, err := r.FindHandle(v.ctx, &relmgroas.HandleRequest{Column: relmgroas.Code(f.get("column")), Identifier: relmgroas.LocalIdentifier(f.get("identifier"))})
	if err != nil {
		return "", err
	}
	return "/history/" + string(h.Handle) + "?purpose=" + f.get("purpose") + "&reason=" + f.get("reason"), nil
}

func showTimeline(v *visit) error {
	q := v.r.URL.Query()
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	params := relmgroas.ListActsParams{Handle: relmgroas.ID(v.r.PathValue("handle")), Purpose: relmgroas.Code(q.Get("purpose")), Reason: relmgroas.Code(q.Get("reason")), Limit: relmgroas.NewOptInt(50)}
	if from := q.Get("from"); from != "" {
		params.Cursor.SetTo(relmgroas.Cursor(from))
	}
	got, err := r.ListActs(v.ctx, params)
	if err != nil {
		return err
	}
	pg := &page{Title: "History", Done: v.flash(), Empty: "Nothing has been done about this identifier.", Lead: []string{"Newest first. An act is never changed: what is undone is undone by a new one."}}
	for _, a := range got.Acts {
		c := card{Title: plain(string(a.Kind)), Rows: []row{{Key: "When", Values: []string{map[bool]string{true: when(a.At), false: whenDay(a.At)}[a.Own]}}, {Key: "Agency", Values: []string{v.t.agencyName(string(a.Agency))}}}}
		if a.Practitioner.Set {
			c.Rows = append(c.Rows, row{Key: "Who", Values: []string{string(a.Practitioner.Value) + ", " + lower(title(v.t.Codes.Roles, string(a.Role.Or(""))))}})
		}
		if a.Mode.Set {
			c.Rows = append(c.Rows, row{Key: "By", Values: []string{plain(string(a.Mode.Value))}})
		}
		if a.Reason.Set {
			c.Rows = append(c.Rows, row{Key: "Why", Values: []string{title(v.t.Codes.Reasons, string(a.Reason.Value))}})
		}
		if a.Ground.Set {
			c.Rows = append(c.Rows, row{Key: "Ground", Values: []string{plain(string(a.Ground.Value))}})
		}
		if a.Withdrawn.Or(false) {
			c.Tag = "Undone since"
		} else if a.Own {
			c.Links = append(c.Links, link{Text: "Undo it", Href: Prefix + "/acts/" + string(a.Act) + "/undo"})
			if a.Kind == relmgroas.ActKindPublish {
				c.Links = append(c.Links, link{Text: "Suspend or end it", Href: Prefix + "/acts/" + string(a.Act) + "/status"})
			}
		}
		pg.Cards = append(pg.Cards, c)
	}
	if got.Next.Set {
		pg.Links = append(pg.Links, link{Text: "Show older ones", Href: v.r.URL.Path + "?purpose=" + string(params.Purpose) + "&reason=" + string(params.Reason) + "&from=" + string(got.Next.Value)})
	}
	return v.show(pg)
}

// asking is a page with one form: show asks it, and act does what was answered and says
// which page that leads to.
func asking(blank func(*visit) (*page, *form, error), do func(*visit, *form) (to string, err error)) (show, act func(*visit) error) {
	show = func(v *visit) error {
		pg, f, err := blank(v)
		if err != nil {
			return err
		}
		return v.ask(pg, f)
	}
	act = func(v *visit) error {
		pg, f, err := blank(v)
		if err != nil {
			return err
		}
		if !f.read(v.values) {
			return v.again(pg, f)
		}
		to, err := do(v, f)
		if err != nil {
			return v.refused(pg, f, err, f.at)
		}
		if len(f.Mistakes) > 0 {
			return v.again(pg, f)
		}
		if v.saying != "" {
			v.s.say(v.saying)
		}
		return v.to(Prefix + to)
	}
	return show, act
}

// plainly is a form's page where both depend on who has signed in alone.
func plainly(pg page, blank func(*visit) *form) func(*visit) (*page, *form, error) {
	return func(v *visit) (*page, *form, error) { p := pg; return &p, blank(v), nil }
}

// said is where an act leads, which says there that it is done.
func (v *visit) said(done, then string) string {
	v.saying = done
	return then
}

// simple is a page with one form of a few fields that does one thing at relmgr.
func simple(pg page, fields func(*visit) []*field, button, done, then string, warn bool, act func(*visit, *relmgroas.Client, *form) error) (show, do func(*visit) error) {
	blank := func(v *visit) *form {
		return &form{Action: v.r.URL.Path, Button: button, Warning: warn, Fields: fields(v)}
	}
	return asking(plainly(pg, blank), func(v *visit, f *form) (string, error) {
		r, err := v.relmgr()
		if err != nil {
			return "", err
		}
		return v.said(done, then), act(v, r, f)
	})
}

func onlyReason(v *visit) []*field { return []*field{reasonField(v.t, "Why?")} }

func actID(v *visit) relmgroas.ID { return relmgroas.ID(v.r.PathValue("act")) }

func undoAct(v *visit, r *relmgroas.Client, f *form) error {
	_, err := r.WithdrawAct(v.ctx, &relmgroas.ActWithdrawalRequest{Reason: relmgroas.Code(f.get("reason"))}, relmgroas.WithdrawActParams{Act: actID(v), IdempotencyKey: v.sentOnce()})
	return err
}

func statusFields(v *visit) []*field {
	return []*field{
		{Name: "status", Label: "What has become of it?", Kind: choice, Missing: "Select what has become of it", Options: []option{
			{Value: "suspend", Text: "It rests for now", Hint: "Nobody is told until this is undone."}, {Value: "end", Text: "It has ended"}, {Value: "asked-in-error", Text: "It was entered by mistake"}}},
		reasonField(v.t, "Why?"),
	}
}

func setStatus(v *visit, r *relmgroas.Client, f *form) error {
	_, err := r.SetRelationshipStatus(v.ctx, &relmgroas.StatusRequest{Status: relmgroas.StatusRequestStatus(f.get("status")), Reason: relmgroas.Code(f.get("reason"))},
		relmgroas.SetRelationshipStatusParams{Act: actID(v), IdempotencyKey: v.sentOnce()})
	return err
}

// showInbox lists contact requests that have reached the caller's own columns.
func showInbox(v *visit) error {
	pg := &page{Title: "Contact requests", Done: v.flash(), Empty: "Nobody has asked to be contacted.", Lead: []string{
		"Somebody asks to be contacted by whoever works with this person. They do not know whether it reaches anybody. Whether you answer is yours to decide.",
	}}
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	for _, c := range v.t.own(v.who.in, v.p.Now()) {
		got, err := r.ListContactRequests(v.ctx, relmgroas.ListContactRequestsParams{Column: relmgroas.Code(c.ID)})
		if err != nil {
			return err
		}
		for _, d := range got.Requests {
			k := card{Title: d.Identifier, Rows: []row{
				{Key: "Who asks", Values: []string{d.Title + ", " + d.AgencyName}}, contactRow(d.Contact), {Key: "For", Values: []string{title(v.t.Codes.Purposes, string(d.Purpose))}},
				{Key: "Reached you", Values: []string{when(d.At)}}, {Key: "Answer by", Values: []string{when(d.Due)}},
			}}
			switch {
			case d.Replied:
				k.Tag = "Answered"
			case d.Escalated:
				k.Tag = "Overdue"
			default:
				k.Tag = "Waiting"
			}
			if !d.Replied {
				at := Prefix + "/inbox/" + c.ID + "/" + string(d.Delivery)
				k.Links = []link{{Text: "Let them know that you work with them", Href: at + "/share"}, {Text: "Do not answer", Href: at + "/decline"}}
			}
			pg.Cards = append(pg.Cards, k)
		}
	}
	return v.show(pg)
}

func declineFields(v *visit) []*field {
	return []*field{
		reasonField(v.t, "Why do you not share it?"),
		{Name: "detriment", Label: "If it is about a child: would sharing do the child more harm than not sharing?", Kind: choice, Missing: "Select whether sharing would do the child more harm",
			Options: worded([]string{"not-considered", "sharing-is-more-detrimental", "sharing-is-not-more-detrimental"})},
	}
}

func decline(v *visit, r *relmgroas.Client, f *form) error {
	_, err := r.ReplyToContactRequest(v.ctx, &relmgroas.ContactReplyRequest{Reply: relmgroas.ContactReplyRequestReplyNotShare, Reason: relmgroas.Code(f.get("reason")), Detriment: relmgroas.Detriment(f.get("detriment"))},
		relmgroas.ReplyToContactRequestParams{Delivery: relmgroas.ID(v.r.PathValue("delivery"))})
	return err
}

func shareForm(v *visit, identifier string) *form {
	var of []column
	if c := v.t.column(v.r.PathValue("column")); c != nil {
		of = append(of, *c)
	}
	f := &form{Action: v.r.URL.Path, Button: "Send the answer", Fields: []*field{
		{Name: "column", Kind: hidden, Values: []string{v.r.PathValue("column")}}, {Name: "identifier", Kind: hidden, Values: []string{identifier}},
		{Name: "reply", Label: "What do you answer?", Kind: choice, Missing: "Select what you answer", Options: []option{{Value: "share", Text: "I work with them: contact me"}, {Value: "call-me", Text: "Call me"}}},
		contactField(of), declineFields(v)[1], reasonField(v.t, "Why do you share it?"),
	}}
	return decided(f, v, "publish", "impose")
}

// delivered is the contact request that the address names.
func (v *visit) delivered(r *relmgroas.Client) (relmgroas.DeliveredRequest, error) {
	var cursor relmgroas.OptCursor
	for range 100 {
		got, err := r.ListContactRequests(v.ctx, relmgroas.ListContactRequestsParams{Column: relmgroas.Code(v.r.PathValue("column")), Cursor: cursor, Limit: relmgroas.NewOptInt(100)})
		if err != nil {
			return relmgroas.DeliveredRequest{}, err
		}
		for _, d := range got.Requests {
			if string(d.Delivery) == v.r.PathValue("delivery") {
				return d, nil
			}
		}
		if cursor = got.Next; !cursor.Set {
			break
		}
	}
	return relmgroas.DeliveredRequest{}, notThere
}

func sharePage(d relmgroas.DeliveredRequest) *page {
	return &page{Title: "Answer the contact request", Caption: d.Identifier, Lead: []string{
		d.Title + ", " + d.AgencyName + ", asks. To answer tells them that you work with this person, so you decide it in four steps. They are told nothing but how to reach you.",
	}}
}

// share is the form to answer a contact request with. It is about what the address
// names, whatever a form that comes back says.
func share(v *visit) (*page, *form, error) {
	r, err := v.relmgr()
	if err != nil {
		return nil, nil, err
	}
	d, err := v.delivered(r)
	if err != nil {
		return nil, nil, err
	}
	if v.values != nil {
		v.values.Set("column", v.r.PathValue("column"))
		v.values.Set("identifier", d.Identifier)
	}
	return sharePage(d), shareForm(v, d.Identifier), nil
}

func doShare(v *visit, f *form) (string, error) {
	r, d, _, err := v.decision(f)
	if err != nil {
		return "", err
	}
	_, err = r.ReplyToContactRequest(v.ctx, &relmgroas.ContactReplyRequest{
		Reply: relmgroas.ContactReplyRequestReply(f.get("reply")), Reason: relmgroas.Code(f.get("reason")), Detriment: relmgroas.Detriment(f.get("detriment")),
		Contact: relmgroas.NewOptCode(relmgroas.Code(f.get("contact"))), Decision: relmgroas.NewOptDecision(d),
	}, relmgroas.ReplyToContactRequestParams{Delivery: relmgroas.ID(v.r.PathValue("delivery"))})
	return v.said("Your answer has been sent.", "/inbox"), err
}
