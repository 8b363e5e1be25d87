package web

import (
	"crypto/rand"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/api/relmgroas"
)

func (v *visit) registrar() (*registraroas.Client, error) {
	return registraroas.NewClient(v.p.Duties.Registrar, bearer.Registrar(v.who.token), registraroas.WithClient(v.p.client))
}

// found is what a register said of somebody, as long as the session lasts: what was given
// is not kept.
type found struct {
	id       string
	at       time.Time
	register string
	said     *registraroas.Recognition
	purpose  string
	reason   string
}

func (s *session) keepFound(f found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = append([]found{f}, s.found[:min(len(s.found), mostAnswers-1)]...)
}

func (v *visit) foundHere() (found, error) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	at := slices.IndexFunc(v.s.found, func(f found) bool { return f.id == v.r.PathValue("found") })
	if at < 0 {
		return found{}, gone
	}
	return v.s.found[at], nil
}

// recogniseForm asks a register who somebody is (AUT-02): what is known of them goes to the
// registrar alone, never to the index.
func recogniseForm(v *visit) (*form, error) {
	g, err := v.registrar()
	if err != nil {
		return nil, err
	}
	all, err := g.ListRegisters(v.ctx)
	if err != nil {
		return nil, err
	}
	register := &field{Name: "register", Label: "Which register?", Kind: choice, Missing: "Select a register"}
	for _, one := range all.Registers {
		register.Options = append(register.Options, option{Value: string(one.Register), Text: string(one.Title)})
	}
	purpose := &field{Name: "purpose", Label: "What do you need it for?", Kind: pick, Options: options(v.t.Codes.Purposes), Missing: "Select what you need it for"}
	return &form{Action: Prefix + "/recognise", Button: "Ask the register", Fields: []*field{
		oneChoice(register),
		{Name: "given", Label: "Given name", Kind: text, Optional: true, Max: 256},
		{Name: "family", Label: "Family name", Kind: text, Optional: true, Max: 256},
		{Name: "birth", Label: "Date of birth", Hint: "As far as you know it: 1988, 1988-02 or 1988-02-11.", Kind: text, Optional: true, Width: 10, Max: 10},
		{Name: "postcode", Label: "Postcode", Kind: text, Optional: true, Width: 10, Max: 16},
		{Name: "scheme", Label: "Kind of number", Hint: "Such as passport or nhs-number.", Kind: text, Optional: true, Width: 20, Max: 63},
		{Name: "number", Label: "Number", Kind: text, Optional: true, Width: 20},
		purpose, reasonField(v.t, "Why do you need to know?"),
	}}, nil
}

var recognisePage = page{Title: "Who is this?", Lead: []string{
	"Give what you know of somebody whom your own records do not have. It goes to the registrar and not to the index. The register names one person, or nobody, and never says how many come close.",
}}

func showRecognise(v *visit) error {
	f, err := recogniseForm(v)
	if err != nil {
		return err
	}
	pg := recognisePage
	pg.Done = v.flash()
	if r := f.field("register"); r.Kind == choice && len(r.Options) == 0 {
		pg.Form, pg.Warn = nil, "No register serves your agency."
		return v.show(&pg)
	}
	return v.ask(&pg, f)
}

func doRecognise(v *visit) error {
	f, err := recogniseForm(v)
	if err != nil {
		return err
	}
	pg := recognisePage
	ok := f.read(v.values)
	var evidence []registraroas.Evidence
	if name := (registraroas.PersonName{Given: wordsOf(f.get("given")), Family: wordsOf(f.get("family"))}); name.Given.Set || name.Family.Set {
		evidence = append(evidence, registraroas.Evidence{Name: registraroas.NewOptPersonName(name)})
	}
	if b := f.get("birth"); b != "" {
		evidence = append(evidence, registraroas.Evidence{Birth: registraroas.NewOptBirth(registraroas.Birth{Date: registraroas.PartialDate(b)})})
	}
	if p := f.get("postcode"); p != "" {
		evidence = append(evidence, registraroas.Evidence{Address: registraroas.NewOptPostalAddress(registraroas.PostalAddress{Postcode: registraroas.NewOptString(p)})})
	}
	switch scheme, number := f.get("scheme"), f.get("number"); {
	case scheme != "" && number != "":
		evidence = append(evidence, registraroas.Evidence{Identifier: registraroas.NewOptSchemeIdentifier(registraroas.SchemeIdentifier{Scheme: registraroas.Code(scheme), Value: number})})
	case scheme != "":
		f.wrong("number", "Enter the number")
	case number != "":
		f.wrong("scheme", "Enter what kind of number it is")
	}
	if ok && len(evidence) == 0 && len(f.Mistakes) == 0 {
		f.wrong("given", "Enter something that you know of the person")
	}
	if len(f.Mistakes) > 0 {
		return v.again(&pg, f)
	}
	g, err := v.registrar()
	if err != nil {
		return err
	}
	said, err := g.Recognise(v.ctx, &registraroas.RecognitionRequest{Purpose: registraroas.Code(f.get("purpose")), Reason: registraroas.Code(f.get("reason")), Evidence: evidence},
		registraroas.RecogniseParams{Register: registraroas.Code(f.get("register"))})
	if err != nil {
		return v.refused(&pg, f, err, map[string]string{"name": "given", "date": "birth", "address": "postcode", "identifier": "number", "value": "number"})
	}
	one := found{id: rand.Text(), at: v.p.Now(), register: f.get("register"), said: said, purpose: f.get("purpose"), reason: f.get("reason")}
	v.s.keepFound(one)
	return v.to(Prefix + "/recognise/" + one.id)
}

func wordsOf(s string) registraroas.OptWords {
	if s == "" {
		return registraroas.OptWords{}
	}
	return registraroas.NewOptWords(registraroas.Words(s))
}

// strangerForm carries a recognition to the index, once.
func strangerForm(v *visit, one found) *form {
	return &form{Action: Prefix + "/recognise/" + one.id, Button: "Ask who works with them", Fields: []*field{
		v.columnField(),
		{Name: "concerning", Label: "Whom is it about?", Kind: choice, Missing: "Select whom it is about",
			Options: []option{{Value: "child", Text: "A child"}, {Value: "adult", Text: "An adult"}, {Value: "unborn", Text: "An unborn child"}, {Value: "not-known", Text: "I do not know"}}},
	}}
}

func foundPage(v *visit, one found) *page {
	pg := &page{Caption: "The register says"}
	switch one.said.Outcome {
	case registraroas.RecognitionOutcomeDetermined:
		pg.Title, pg.Lead = "One person", []string{"What you gave is of one person in the register. Nothing more is told of them.", "Confidence: " + lower(plain(string(one.said.Confidence))) + "."}
	case registraroas.RecognitionOutcomeOverDetermined:
		pg.Title, pg.Lead = "Nobody fits all of it", []string{"What you gave excludes everybody. Something in it may be wrong, or they are not in the register."}
	default:
		pg.Title, pg.Lead = "Not enough to say", []string{"What you gave does not single anybody out."}
	}
	if len(one.said.Helps) > 0 {
		var helps []string
		for _, h := range one.said.Helps {
			helps = append(helps, lower(plain(string(h))))
		}
		pg.Lead = append(pg.Lead, "It would help to know: "+join(helps)+".")
	}
	pg.Links = []link{{Text: "Ask again with something else", Href: Prefix + "/recognise"}}
	return pg
}

func showFound(v *visit) error {
	one, err := v.foundHere()
	if err != nil {
		return err
	}
	pg := foundPage(v, one)
	if one.said.Recognition.Set && len(v.t.own(v.who.in, v.p.Now())) > 0 {
		pg.Lead = append(pg.Lead, "You can ask who works with them, once and within minutes.")
		return v.ask(pg, strangerForm(v, one))
	}
	return v.show(pg)
}

func doFound(v *visit) error {
	one, err := v.foundHere()
	if err != nil {
		return err
	}
	pg, f := foundPage(v, one), strangerForm(v, one)
	if !f.read(v.values) {
		return v.again(pg, f)
	}
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	a, err := r.Enquire(v.ctx, &relmgroas.EnquiryRequest{
		Column: relmgroas.Code(f.get("column")), Recognition: relmgroas.NewOptRecognitionToken(relmgroas.RecognitionToken(one.said.Recognition.Or(""))),
		Purpose: relmgroas.Code(one.purpose), Reason: relmgroas.Code(one.reason), Concerning: relmgroas.EnquiryRequestConcerning(f.get("concerning")),
	})
	if err != nil {
		return v.refused(pg, f, err, nil)
	}
	v.s.remember(asked{At: v.p.Now(), Column: f.get("column"), Identifier: "Somebody whom a register recognised", Purpose: one.purpose, Answer: a})
	return v.to(Prefix + "/enquiries/" + string(a.ID))
}

// showQuality is how sound each register is, for those who keep it (REG-20).
func showQuality(v *visit) error {
	g, err := v.registrar()
	if err != nil {
		return err
	}
	all, err := g.ListRegisters(v.ctx)
	if err != nil {
		return err
	}
	pg := &page{Title: "Registers", Empty: "No register serves your agency."}
	for _, one := range all.Registers {
		q, err := g.RegisterQuality(v.ctx, registraroas.RegisterQualityParams{Register: one.Register})
		if err != nil {
			return err
		}
		c := card{Title: string(one.Title), Tag: map[bool]string{true: "Below what it undertakes", false: "As it undertakes"}[q.Breach], Rows: []row{
			{Key: "Of its last recognitions", Values: []string{strconv.Itoa(q.Measured)}}, {Key: "95 of 100 took at most", Values: []string{strconv.FormatFloat(math.Round(q.LatencyP95Ms*10)/10, 'f', -1, 64) + " milliseconds"}},
			{Key: "Failures in 1,000", Values: []string{strconv.Itoa(q.ErrorsPerMille)}},
		}}
		c.Bars = qualityCharts(q)
		at := Prefix + "/registers/" + string(one.Register)
		c.Links = []link{{Text: "What to look at", Href: at + "/worklist"}, {Text: "Enter a person", Href: at + "/enter"}, {Text: "Report what is wrong", Href: at + "/report"}}
		pg.Cards = append(pg.Cards, c)
	}
	return v.show(pg)
}

// qualityCharts are a register's counts, and how many of its own people it finds. Each
// bar stands beside its number.
func qualityCharts(q *registraroas.RegisterQuality) (all []*bars) {
	counts, most := &bars{Title: "Counts"}, 1
	for _, n := range q.Counts {
		most = max(most, n.Count)
	}
	for _, n := range q.Counts {
		counts.Of = append(counts.Of, bar{Name: plain(n.What), N: n.Count, Width: 100 * n.Count / most})
	}
	if len(counts.Of) > 0 {
		all = append(all, counts)
	}
	found := &bars{Title: "Of 100 of its own people who were looked for, so many were found"}
	for _, share := range q.Recall {
		n := int(math.Round(100 * share.Share))
		found.Of = append(found.Of, bar{Name: sentence(share.Of) + " (" + strconv.Itoa(share.Tried) + " tried)", N: n, Width: n})
	}
	if len(found.Of) > 0 {
		all = append(all, found)
	}
	return all
}
