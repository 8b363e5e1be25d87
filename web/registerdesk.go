package web

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fame-hub/fame/api/registraroas"
)

// What those do who keep a register: enter people, look at what may be one person's or
// two's, and decide (REG-10, AUT-15).

func registerRoutes(practitioner adder, asks formAdder) {
	asks("/registers/{register}/enter", plainly(page{Title: "Enter a person", Lead: []string{
		"A name is enough, or about when they were born: nobody has to qualify, and no number is needed. Ask the register first whether they are in it.",
	}, Links: []link{{Text: "Ask the register who somebody is", Href: Prefix + "/recognise"}}}, enterForm), enter)
	asks("/registers/{register}/worklist", plainly(page{Title: "What to look at", Lead: []string{"Entries that may be one person's, entries that may be two people's, and recognitions that came close or were wrong. That you look is recorded."}}, workForm), findWork)
	practitioner("/registers/{register}/worklist/{state}", showWork, nil)
	asks("/registers/{register}/tasks/{task}", taskForm, resolve)
	asks("/registers/{register}/tasks/{task}/take", plainly(page{Title: "Take it", Lead: []string{"Others then see that you look at it."}}, oneReason("Take it")), take)
	asks("/registers/{register}/tasks/{task}/reopen", plainly(page{Title: "Take back what was decided", Lead: []string{"It is open again, and both what was decided and that it was taken back stay on record."}}, oneReason("Take it back")), reopen)
	asks("/registers/{register}/report", plainly(page{Title: "Report what is wrong", Lead: []string{"It is put before those who keep the register, once. Nothing is joined or divided by it."}}, reportForm), report)
	asks("/registers/{register}/people/{subject}/code", plainly(page{Title: "A code to enrol with", Lead: []string{
		"With it the person sets what they sign in with. It is good once and for minutes, and is for them alone: hand it to them, or say it to them. It replaces one that was made before.",
	}}, oneReason("Make the code")), enrolmentCode)
}

func oneReason(button string) func(*visit) *form {
	return func(v *visit) *form { return &form{Action: v.r.URL.Path, Button: button, Fields: onlyReason(v)} }
}

func registerOf(v *visit) registraroas.Code { return registraroas.Code(v.r.PathValue("register")) }

func workOf(v *visit) string { return "/registers/" + v.r.PathValue("register") + "/worklist" }

// itemFields ask for what a person is recognised by.
func enterForm(v *visit) *form {
	line := func(name, label, hint string, width, most int) *field {
		return &field{Name: name, Label: label, Hint: hint, Kind: text, Optional: true, Width: width, Max: most}
	}
	f := &form{Action: v.r.URL.Path, Button: "Enter them", Fields: []*field{
		{Kind: heading, Label: "Name"},
		line("given", "Given name", "", 0, 256), line("family", "Family name", "", 0, 256),
		line("whole", "The whole name", "Where nobody knows which part is which.", 0, 256),
		{Kind: heading, Label: "Birth"},
		line("birth", "Date of birth", "As far as it is known: 1988, 1988-02 or 1988-02-11.", 10, 10),
		line("within", "By how many years may the year be wrong?", "", 2, 2),
		{Name: "sex", Label: "Sex", Kind: choice, Optional: true, Options: []option{{Value: "female", Text: "Female"}, {Value: "male", Text: "Male"}, {Value: "other", Text: "Other"}, {Value: "not-known", Text: "Not known"}}},
		{Kind: heading, Label: "Where to find them"},
		line("house", "House", "A number or a name.", 10, 64), line("street", "Street", "", 0, 256), line("locality", "Town", "", 20, 256), line("postcode", "Postcode", "", 10, 16),
		line("phone", "Telephone", "", 20, 32), line("email", "Email", "", 0, 254),
		{Kind: heading, Label: "A number of theirs"},
		line("scheme", "Kind of number", "Such as passport or nhs-number.", 20, 63), line("number", "Number", "", 20, 64),
		{Kind: heading, Label: "Where it is from"},
		{Name: "source", Label: "How do you know?", Kind: choice, Missing: "Select how you know", Options: []option{
			{Value: "person", Text: "The person said so"}, {Value: "relative", Text: "A relative said so"}, {Value: "document", Text: "I have seen a document"},
			{Value: "agency-record", Text: "An agency's records have it"}, {Value: "other-register", Text: "Another register has it"}}},
	}}
	f.at = map[string]string{"name": "given", "date": "birth", "lines": "street", "address": "postcode", "identifier": "number", "value": "number", "items": "given"}
	f.judge = func(f *form) {
		switch scheme, number := f.get("scheme"), f.get("number"); {
		case scheme != "" && number == "":
			f.wrong("number", "Enter the number")
		case scheme == "" && number != "":
			f.wrong("scheme", "Enter what kind of number it is")
		}
		if w := f.get("within"); w != "" {
			if n, err := strconv.Atoi(w); err != nil || n < 0 {
				f.wrong("within", "By how many years the year may be wrong must be a number")
			} else if f.get("birth") == "" {
				f.wrong("birth", "Enter the year of birth that may be wrong")
			}
		}
		if len(f.Mistakes) == 0 && len(items(f)) == 0 {
			f.wrong("given", "Enter something by which they can be recognised")
		}
	}
	return f
}

// items is what the form says of the person, each datum by itself.
func items(f *form) (all []registraroas.ItemRequest) {
	source := registraroas.ItemSource(f.get("source"))
	add := func(has bool, i registraroas.ItemRequest) {
		if i.Source = source; has {
			all = append(all, i)
		}
	}
	word := func(name string) registraroas.OptWords { return wordsOf(f.get(name)) }
	short := func(name string) (o registraroas.OptString) {
		if s := f.get(name); s != "" {
			o.SetTo(s)
		}
		return o
	}
	n := registraroas.PersonName{Given: word("given"), Family: word("family"), Whole: word("whole")}
	add(n.Given.Set || n.Family.Set || n.Whole.Set, registraroas.ItemRequest{Name: registraroas.NewOptPersonName(n)})
	b := registraroas.Birth{Date: registraroas.PartialDate(f.get("birth"))}
	if w, err := strconv.Atoi(f.get("within")); err == nil {
		b.Within.SetTo(w)
	}
	add(b.Date != "", registraroas.ItemRequest{Birth: registraroas.NewOptBirth(b)})
	add(f.get("sex") != "", registraroas.ItemRequest{Sex: registraroas.NewOptSex(registraroas.Sex(f.get("sex")))})
	a := registraroas.PostalAddress{House: short("house"), Lines: word("street"), Locality: word("locality"), Postcode: short("postcode")}
	add(a.House.Set || a.Lines.Set || a.Locality.Set || a.Postcode.Set, registraroas.ItemRequest{Address: registraroas.NewOptPostalAddress(a)})
	add(f.get("phone") != "", registraroas.ItemRequest{Phone: registraroas.NewOptPhone(registraroas.Phone(f.get("phone")))})
	add(f.get("email") != "", registraroas.ItemRequest{Email: registraroas.NewOptEmail(registraroas.Email(f.get("email")))})
	add(f.get("scheme") != "", registraroas.ItemRequest{Identifier: registraroas.NewOptSchemeIdentifier(registraroas.SchemeIdentifier{Scheme: registraroas.Code(f.get("scheme")), Value: f.get("number")})})
	return all
}

func enter(v *visit, f *form) (string, error) {
	g, err := v.registrar()
	if err != nil {
		return "", err
	}
	got, err := g.RegisterSubject(v.ctx, &registraroas.RegistrationRequest{Items: items(f)}, registraroas.RegisterSubjectParams{Register: registerOf(v)})
	if err != nil {
		return "", err
	}
	at := Prefix + "/registers/" + v.r.PathValue("register")
	return v.s.tell(page{Title: "Entered", Done: []string{"They are in the register."}, Lead: []string{
		"Your agency's reference of the entry is below. It is for your own records: other agencies have another one. Whether somebody like them is in the register already is looked at within minutes, and comes to the work list.",
	}, Cards: []card{{Title: "The entry", Rows: []row{{Key: "Your agency's reference", Values: []string{string(got.Subject)}}}}}, Links: []link{
		{Text: "Make a code with which they enrol what they sign in with", Href: at + "/people/" + string(got.Subject) + "/code"},
		{Text: "Enter somebody else", Href: at + "/enter"}, {Text: "Say that two entries are one person's", Href: at + "/report"}, {Text: "Registers", Href: Prefix + "/registers"},
	}}), nil
}

func enrolmentCode(v *visit, f *form) (string, error) {
	g, err := v.registrar()
	if err != nil {
		return "", err
	}
	got, err := g.IssueEnrolmentCode(v.ctx, &registraroas.KeepingRequest{Reason: registraroas.Code(f.get("reason"))},
		registraroas.IssueEnrolmentCodeParams{Register: registerOf(v), Subject: registraroas.SubjectReference(v.r.PathValue("subject"))})
	if err != nil {
		return "", err
	}
	v.s.keepCode(spokenCode{got.Code, got.Until, "where they enrol with the registrar", v.r.URL.Path[len(Prefix):]})
	return "/pair/code", nil
}

func workForm(v *visit) *form {
	return &form{Action: v.r.URL.Path, Button: "Show the work", Fields: []*field{
		{Name: "state", Label: "Which?", Kind: choice, Missing: "Select what to look at", Options: []option{{Value: "open", Text: "What nobody has decided"}, {Value: "resolved", Text: "What has been decided"}}, Values: []string{"open"}},
		reasonField(v.t, "Why do you need to know?"),
	}}
}

func findWork(v *visit, f *form) (string, error) {
	return workOf(v) + "/" + f.get("state") + "?reason=" + url.QueryEscape(f.get("reason")), nil
}

var taskKinds = map[registraroas.TaskKind]string{
	registraroas.TaskKindDuplicate: "Two entries that may be one person's", registraroas.TaskKindReview: "A recognition that came close",
	registraroas.TaskKindMisdetermined: "A recognition that may have been wrong", registraroas.TaskKindOverlay: "An entry that may be two people's",
}

func showWork(v *visit) error {
	g, err := v.registrar()
	if err != nil {
		return err
	}
	state, reason := v.r.PathValue("state"), v.r.URL.Query().Get("reason")
	got, err := g.ListTasks(v.ctx, registraroas.ListTasksParams{Register: registerOf(v), State: registraroas.NewOptListTasksState(registraroas.ListTasksState(state)), Reason: registraroas.Code(reason)})
	if err != nil {
		return err
	}
	pg := &page{Title: "What nobody has decided", Done: v.flash(), Empty: "Nothing.", Lead: []string{"The most pressing first."}, Links: []link{{Text: "Report what is wrong", Href: Prefix + "/registers/" + v.r.PathValue("register") + "/report"}, {Text: "Registers", Href: Prefix + "/registers"}}}
	if state != "open" {
		pg.Title, pg.Lead = "What has been decided", nil
	} else if len(got.Open) > 0 {
		t := table{Title: "How much waits", Head: []string{"What", "How many", "The oldest"}}
		for _, n := range got.Open {
			t.Lines = append(t.Lines, line{Name: taskKinds[n.Kind], Cells: []string{strconv.Itoa(n.Count), v.age(n.Oldest)}})
		}
		pg.Tables = []table{t}
	}
	for _, t := range got.Tasks {
		at := Prefix + "/registers/" + v.r.PathValue("register") + "/tasks/" + string(t.Task)
		c := card{Title: taskKinds[t.Kind], Tag: "Priority " + strconv.Itoa(t.Priority), Rows: []row{{Key: "Found", Values: []string{when(t.FoundAt), v.age(t.FoundAt)}}}}
		if who, ok := t.Owner.Get(); ok {
			c.Rows = append(c.Rows, row{Key: "Taken by", Values: []string{string(who)}})
		}
		if n := len(t.Subjects); n > 0 {
			c.Rows = append(c.Rows, row{Key: map[bool]string{true: "Entries", false: "Entry"}[n > 1], Values: texts(t.Subjects)})
		}
		if state == "open" {
			c.Links = []link{{Text: "Look at it and decide", Href: at + "?reason=" + url.QueryEscape(reason)}}
			if !t.Owner.Set {
				c.Links = append(c.Links, link{Text: "Take it", Href: at + "/take"})
			}
		} else {
			c.Tag = plain(t.Outcome.Or(""))
			c.Links = []link{{Text: "Take back what was decided", Href: at + "/reopen"}}
		}
		pg.Cards = append(pg.Cards, c)
	}
	return v.show(pg)
}

func texts[T ~string](all []T) (out []string) {
	for _, one := range all {
		out = append(out, string(one))
	}
	return out
}

// outcomes are what somebody can make of each kind of task.
var outcomes = map[registraroas.TaskKind][]option{
	registraroas.TaskKindDuplicate: {
		{Value: "same-person", Text: "They are one person's: join them", Hint: "One entry stays, and the other leads to it. It can be taken back."},
		{Value: "not-the-same-person", Text: "They are two people's: keep them apart", Hint: "The same two are never put before anybody again."}},
	registraroas.TaskKindReview: {{Value: "accepted", Text: "It is this person"}, {Value: "none-of-them", Text: "It is not"}},
	registraroas.TaskKindMisdetermined: {
		{Value: "wrong", Text: "It was wrong", Hint: "What relied on it is suspended."}, {Value: "right", Text: "It was right"}},
	registraroas.TaskKindOverlay: {
		{Value: "two-people", Text: "It is two people's: divide it", Hint: "Tick below what is the other person's."}, {Value: "one-person", Text: "It is one person's"}},
}

// taskForm shows a task with the evidence side by side, and asks what to make of it.
func taskForm(v *visit) (*page, *form, error) {
	g, err := v.registrar()
	if err != nil {
		return nil, nil, err
	}
	reason := v.r.URL.Query().Get("reason")
	if reason == "" {
		return nil, nil, notThere
	}
	got, err := g.ListTasks(v.ctx, registraroas.ListTasksParams{Register: registerOf(v), Reason: registraroas.Code(reason)})
	if err != nil {
		return nil, nil, err
	}
	at := slices.IndexFunc(got.Tasks, func(t registraroas.Task) bool { return string(t.Task) == v.r.PathValue("task") })
	if at < 0 {
		return nil, nil, notThere
	}
	t := got.Tasks[at]
	pg := &page{Title: taskKinds[t.Kind], Caption: "Priority " + strconv.Itoa(t.Priority) + ", found " + v.age(t.FoundAt), Links: []link{{Text: "Back to the work list", Href: Prefix + workOf(v) + "/open?reason=" + url.QueryEscape(reason)}}}
	f := &form{Action: v.r.URL.RequestURI(), Button: "Decide", Fields: []*field{
		{Name: "outcome", Label: "What do you make of it?", Kind: choice, Options: outcomes[t.Kind], Missing: "Select what you make of it"},
	}}
	var entries []*registraroas.Subject
	for _, s := range t.Subjects {
		one, err := g.FindSubject(v.ctx, registraroas.FindSubjectParams{Register: registerOf(v), Subject: s, Reason: registraroas.Code(reason)})
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, one)
	}
	pg.Before = sideBySide(entries, t.Compared)
	if c, ok := t.Compared.Get(); ok {
		pg.Lead = append(pg.Lead, fmt.Sprintf("By what is compared, %s. Somebody decides it all the same: you.", likelihood(c.Probability)))
		if k, ok := c.Kin.Get(); ok {
			pg.Lead = append(pg.Lead, "It could also be a "+k+".")
		}
		if len(c.Contradicts) > 0 {
			pg.Warn = "What contradicts that they are one person: " + join(lowered(c.Contradicts)) + "."
		}
	}
	switch t.Kind {
	case registraroas.TaskKindDuplicate:
		stays := &field{Name: "survivor", Label: "Which entry stays, if they are one person's?", Kind: choice, Optional: true}
		for n, s := range t.Subjects {
			stays.Options = append(stays.Options, option{Value: string(s), Text: "Entry " + strconv.Itoa(n+1)})
		}
		f.Fields = append(f.Fields, stays)
		f.judge = func(f *form) {
			if f.get("outcome") == "same-person" && f.get("survivor") == "" {
				f.wrong("survivor", "Select which entry stays")
			}
		}
	case registraroas.TaskKindOverlay:
		other := &field{Name: "items", Label: "What is the other person's?", Kind: several, Optional: true}
		for _, e := range entries {
			for _, i := range e.Items {
				what, value := itemText(i)
				other.Options = append(other.Options, option{Value: string(i.Item), Text: what + ": " + value})
			}
		}
		f.Fields = append(f.Fields, other)
	}
	f.Fields = append(f.Fields, reasonField(v.t, "Why?"))
	return pg, f, nil
}

func likelihood(p float64) string {
	switch n := int(math.Round(100 * p)); {
	case n >= 100:
		return "it is all but certain that they are one person"
	case n <= 0:
		return "it is all but certain that they are two people"
	default:
		return strconv.Itoa(n) + " of 100 such pairs are one person"
	}
}

func lowered(all []string) (out []string) {
	for _, s := range all {
		out = append(out, lower(plain(s)))
	}
	return out
}

func resolve(v *visit, f *form) (string, error) {
	g, err := v.registrar()
	if err != nil {
		return "", err
	}
	q := &registraroas.ResolutionRequest{Outcome: registraroas.ResolutionRequestOutcome(f.get("outcome")), Reason: registraroas.Code(f.get("reason"))}
	switch f.get("outcome") {
	case "same-person":
		q.Survivor.SetTo(registraroas.SubjectReference(f.get("survivor")))
	case "two-people":
		q.Items = codes[registraroas.ID](f.many("items"))
	}
	_, err = g.ResolveTask(v.ctx, q, registraroas.ResolveTaskParams{Register: registerOf(v), Task: registraroas.ID(v.r.PathValue("task"))})
	return v.said("Decided. It can be taken back.", workOf(v)+"/open?reason="+url.QueryEscape(v.r.URL.Query().Get("reason"))), err
}

func take(v *visit, f *form) (string, error) {
	g, err := v.registrar()
	if err != nil {
		return "", err
	}
	_, err = g.TakeTask(v.ctx, &registraroas.TaskReason{Reason: registraroas.Code(f.get("reason"))}, registraroas.TakeTaskParams{Register: registerOf(v), Task: registraroas.ID(v.r.PathValue("task"))})
	return v.said("It is yours.", workOf(v)+"/open?reason="+url.QueryEscape(f.get("reason"))), err
}

func reopen(v *visit, f *form) (string, error) {
	g, err := v.registrar()
	if err != nil {
		return "", err
	}
	_, err = g.ReopenTask(v.ctx, &registraroas.TaskReason{Reason: registraroas.Code(f.get("reason"))}, registraroas.ReopenTaskParams{Register: registerOf(v), Task: registraroas.ID(v.r.PathValue("task"))})
	return v.said("Taken back: it is open again.", workOf(v)+"/open?reason="+url.QueryEscape(f.get("reason"))), err
}

func reportForm(v *visit) *form {
	entry := func(name, label, hint string, optional bool) *field {
		return &field{Name: name, Label: label, Hint: hint, Kind: text, Width: 30, Optional: optional}
	}
	return &form{Action: v.r.URL.Path, Button: "Report it", at: map[string]string{}, Fields: []*field{
		{Name: "kind", Label: "What is wrong?", Kind: choice, Missing: "Select what is wrong", Options: []option{{Value: "duplicate", Text: "Two entries are one person's"}, {Value: "overlay", Text: "One entry is two people's"}}},
		entry("subject", "The entry", "Your agency's reference of it: 26 letters and digits.", false), entry("other", "The other entry", "Of two that are one person's.", true),
		reasonField(v.t, "Why?"),
	}, judge: func(f *form) {
		if f.get("kind") == "duplicate" && f.get("other") == "" {
			f.wrong("other", "Enter the other entry")
		}
		for _, name := range []string{"subject", "other"} {
			if s := f.get(name); s != "" && (len(s) != 26 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") != "") {
				f.wrong(name, f.field(name).Label+" has 26 small letters and digits: copy it from where you were given it")
			}
		}
	}}
}

func report(v *visit, f *form) (string, error) {
	g, err := v.registrar()
	if err != nil {
		return "", err
	}
	q := &registraroas.RegisterReport{Kind: registraroas.RegisterReportKind(f.get("kind")), Reason: registraroas.Code(f.get("reason"))}
	q.Subject.SetTo(registraroas.SubjectReference(f.get("subject")))
	if q.Kind == registraroas.RegisterReportKindDuplicate {
		q.Other.SetTo(registraroas.SubjectReference(f.get("other")))
	}
	_, err = g.ReportToRegistrar(v.ctx, q, registraroas.ReportToRegistrarParams{Register: registerOf(v)})
	return v.said("Reported.", workOf(v)+"/open?reason="+url.QueryEscape(f.get("reason"))), err
}

// sideBySide is what entries say of each kind of datum, and how much its comparison says.
func sideBySide(entries []*registraroas.Subject, compared registraroas.OptRecognitionCompared) []table {
	known := table{Title: "What is known", Head: []string{"What"}}
	var kinds []string
	said := map[string][][]string{}
	for n, e := range entries {
		known.Head = append(known.Head, "Entry "+strconv.Itoa(n+1))
		for _, i := range e.Items {
			what, value := itemText(i)
			if said[what] == nil {
				kinds, said[what] = append(kinds, what), make([][]string, len(entries))
			}
			said[what][n] = append(said[what][n], value+" ("+lower(plain(string(i.Source)))+")")
		}
	}
	for _, k := range kinds {
		l := line{Name: k}
		for _, values := range said[k] {
			if len(values) == 0 {
				values = []string{"Nothing"}
			}
			l.Cells = append(l.Cells, strings.Join(values, "; "))
		}
		known.Lines = append(known.Lines, l)
	}
	all := []table{known}
	if c, ok := compared.Get(); ok && len(c.Fields) > 0 {
		how := table{Title: "How they compare", Head: []string{"What", "How", "What it says"}}
		for _, f := range c.Fields {
			how.Lines = append(how.Lines, line{Name: plain(f.Field), Cells: []string{plain(f.Level), weight(f.Bits)}})
		}
		all = append(all, how)
	}
	return all
}

// weight is in words how much a comparison of one field says.
func weight(bits float64) string {
	how := "Little"
	switch b := math.Abs(bits); {
	case b < 0.5:
		return "Nothing"
	case b >= 7:
		how = "Very much"
	case b >= 3:
		how = "Much"
	}
	if bits < 0 {
		return how + ", for two people"
	}
	return how + ", for one person"
}

// itemText is a datum in words.
func itemText(i registraroas.Item) (what, value string) {
	w := func(all ...registraroas.OptWords) string {
		var out []string
		for _, one := range all {
			if s, ok := one.Get(); ok {
				out = append(out, string(s))
			}
		}
		return strings.Join(out, " ")
	}
	switch {
	case i.Name.Set:
		n := i.Name.Value
		value = w(n.Given, n.Family, n.Whole)
		if u, ok := n.Use.Get(); ok {
			value += ", " + string(u)
		}
		return "Name", value
	case i.Birth.Set:
		value = string(i.Birth.Value.Date)
		if n, ok := i.Birth.Value.Within.Get(); ok && n > 0 {
			value += ", within " + strconv.Itoa(n) + " years"
		}
		return "Birth", strings.TrimSpace(value + " " + w(i.Birth.Value.Place))
	case i.Sex.Set:
		return "Sex", plain(string(i.Sex.Value))
	case i.Address.Set:
		a := i.Address.Value
		return "Address", strings.TrimSpace(strings.Join([]string{a.House.Or(""), w(a.Lines, a.Locality, a.Region), a.Postcode.Or("")}, " "))
	case i.Phone.Set:
		return "Telephone", string(i.Phone.Value)
	case i.Email.Set:
		return "Email", string(i.Email.Value)
	case i.Identifier.Set:
		return "Number", string(i.Identifier.Value.Scheme) + " " + i.Identifier.Value.Value
	case i.Parent.Set:
		return "Parent", w(i.Parent.Value.Name.Given, i.Parent.Value.Name.Family, i.Parent.Value.Name.Whole)
	case i.Biometric.Set:
		return "Biometric", plain(string(i.Biometric.Value.Method))
	case i.Unborn.Set:
		return "Unborn", "due " + string(i.Unborn.Value.Due)
	case i.Death.Set:
		return "Death", string(i.Death.Value.Date)
	}
	return "Other", ""
}
