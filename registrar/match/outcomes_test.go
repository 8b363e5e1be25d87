package match

import (
	"fmt"
	"strings"
	"testing"
)

// Every person in this file is invented for it.

// of reads a record from what a person would write on one line:
// given / family / birth / sex / address / postcode / telephone or e-mail / number.
// What is not known is left out; = between two values of one place makes them two.
func of(line string) (r Record) {
	at := strings.Split(line, "/")
	for i := range at {
		at[i] = strings.TrimSpace(at[i])
	}
	at = append(at, make([]string, 8)...)
	given, family := strings.Split(at[0], "="), strings.Split(at[1], "=")
	for i := range max(len(given), len(family)) {
		n := Name{Given: given[min(i, len(given)-1)], Family: family[min(i, len(family)-1)]}
		if strings.HasPrefix(n.Given, "?") {
			n = Name{Parts: n.Given[1:]}
		}
		if n != (Name{}) {
			r.Names = append(r.Names, n)
		}
	}
	if at[2] != "" {
		d, _, approximate := strings.Cut(at[2], "~")
		date := ParseDate(d, YearFirst)
		if approximate {
			date.Within = 2
		}
		r.Births = []Date{date}
	}
	r.Sex = at[3]
	if at[4]+at[5] != "" {
		r.Addresses = []Address{{Lines: at[4], Postcode: at[5]}}
	}
	if strings.Contains(at[6], "@") {
		r.Emails = []string{at[6]}
	} else if at[6] != "" {
		r.Phones = []string{at[6]}
	}
	if at[7] != "" {
		r.Identifiers = []Identifier{{"health", at[7]}}
	}
	return r
}

// outcome is one hand-made case: who is registered, what is shown, and what must
// come of it. "determined 0" is the first of the register.
type outcome struct {
	name     string
	register []string
	evidence string
	want     string
}

const (
	under = string(UnderDetermined)
	over  = string(OverDetermined)
	first = string(Determined) + " 0"
	other = string(Determined) + " 1"
)

var (
	twinA  = "Amelia / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT / 0113 4960001 / 4857773456"
	twinB  = "Rosalind / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT / 0113 4960001 / 4857773464"
	father = "Douglas / Pemberton / 1961-11-20 / m / 3 Mill Lane / YO1 7HH / / 9434765919"
	son    = "Douglas / Pemberton / 1989-02-02 / m / 3 Mill Lane / YO1 7HH / / 9434765870"
	sister = "Ngozi / Okonkwo / 2008-07-15 / f / 41 Canal Street / M1 3HE / 07700900123"
	senior = "Chidi / Okonkwo / 2005-01-30 / m / 41 Canal Street / M1 3HE / 07700900123"
)

var outcomes = []outcome{
	// Twins.
	{"twins, all that they share", []string{twinA, twinB}, "/ Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT / 0113 4960001", under},
	{"a twin alone in the register, all that they share", []string{twinA}, "/ Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT / 0113 4960001", under},
	{"twins, with the given name", []string{twinA, twinB}, "Amelia / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT", first},
	{"twins, with the other's given name", []string{twinA, twinB}, "Rosalind / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT", other},
	{"twins, with the number and the birth", []string{twinA, twinB}, "/ Hartnell / 2014-03-09 / / / / / 4857773464", other},
	{"the unregistered twin", []string{twinA}, "Rosalind / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT", over},
	{"the unregistered twin with a number of her own", []string{twinA}, "Rosalind / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT / / 4857773464", over},
	{"twins whose given names are one letter apart", []string{"Erin" + rest(twinA), "Eryn" + rest(twinB)}, "Erin / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT", under},
	{"the unregistered twin whose name is one letter apart", []string{"Jaydon" + rest(twinA)}, "Jayden / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT", under},
	{"twins with one initial", []string{"Thomas" + rest(twinA), "Timothy" + rest(twinB)}, "T / Hartnell / 2014-03-09 / / 12 Weavers Row / LS9 4QT", under},
	{"twins told apart by the second given name only, which is not shown", []string{"Maria Ines" + rest(twinA), "Maria Luz" + rest(twinB)}, "Maria / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT", under},
	{"twins told apart by the second given name, shown", []string{"Maria Ines" + rest(twinA), "Maria Luz" + rest(twinB)}, "Maria Luz / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT / / 4857773464", other},
	{"newborn twins without given names", []string{"Baby / Hartnell / 2026-10-01 / / 12 Weavers Row / LS9 4QT", "Baby / Hartnell / 2026-10-01 / / 12 Weavers Row / LS9 4QT"}, "Baby / Hartnell / 2026-10-01 / / 12 Weavers Row / LS9 4QT", under},
	{"a twin's name with a slip of the pen, and the number", []string{twinA, twinB}, "Ameila / Hartnell / 2014-03-09 / f / / / / 4857773456", first},
	{"a twin with the other's number", []string{twinA, twinB}, "Amelia / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT / / 4857773464", under},

	// Brothers and sisters at one address.
	{"siblings, all that they share", []string{sister, senior}, "/ Okonkwo / / / 41 Canal Street / M1 3HE / 07700900123", under},
	{"a sibling with given name and birth", []string{sister, senior}, "Ngozi / Okonkwo / 2008-07-15 / f / 41 Canal Street / M1 3HE", first},
	{"a sibling without birth", []string{sister, senior}, "Chidi / Okonkwo / / m / 41 Canal Street / M1 3HE", under},
	{"a sibling without given name", []string{sister, senior}, "/ Okonkwo / 2008-07-15 / / 41 Canal Street / M1 3HE", under},
	{"the unregistered sibling", []string{sister, senior}, "Ifeoma / Okonkwo / 2011-12-03 / f / 41 Canal Street / M1 3HE / 07700900123", over},
	{"a sibling's name with the other's birth", []string{sister, senior}, "Ngozi / Okonkwo / 2005-01-30 / f / 41 Canal Street / M1 3HE", over},
	{"a child shown with the mother's number", []string{"Adaeze / Okonkwo / 1980-05-05 / f / 41 Canal Street / M1 3HE / / 4010232137"}, "Ngozi / Okonkwo / 2008-07-15 / f / 41 Canal Street / M1 3HE / / 4010232137", over},

	// Father and son.
	{"father and son, name and address", []string{father, son}, "Douglas / Pemberton / / m / 3 Mill Lane / YO1 7HH", under},
	{"the father alone in the register, name and address", []string{father}, "Douglas / Pemberton / / m / 3 Mill Lane / YO1 7HH", under},
	{"father and son, with the son's birth", []string{father, son}, "Douglas / Pemberton / 1989-02-02 / m / 3 Mill Lane / YO1 7HH", other},
	{"the unregistered son", []string{father}, "Douglas / Pemberton / 1989-02-02 / m / 3 Mill Lane / YO1 7HH", over},
	{"father and son, number and given name", []string{father, son}, "Douglas / / / / / / / 9434765919", first},
	{"the son with the father's number", []string{father, son}, "Douglas / Pemberton / 1989-02-02 / m / 3 Mill Lane / YO1 7HH / / 9434765919", over},
	{"mother and daughter, name, address and the year", []string{"Greta / Lindqvist / 1958-08-08 / f / 7 Quay / BS1 4DJ", "Greta / Lindqvist / 1990-04-17 / f / 7 Quay / BS1 4DJ"}, "Greta / Lindqvist / 1990 / f / 7 Quay / BS1 4DJ", under},

	// Namesakes.
	{"two of one name and birth", []string{"Sarah / Whitlock / 1977-06-06", "Sarah / Whitlock / 1977-06-06"}, "Sarah / Whitlock / 1977-06-06", under},
	{"two of one name and birth, with an address", []string{"Sarah / Whitlock / 1977-06-06 / / 9 Fell View / CA1 1AA", "Sarah / Whitlock / 1977-06-06 / / 88 Harbour Street / TR1 2QQ"}, "Sarah / Whitlock / 1977-06-06 / / 88 Harbour Street / TR1 2QQ", other},
	{"two of one name and birth, with a third address", []string{"Sarah / Whitlock / 1977-06-06 / / 9 Fell View / CA1 1AA", "Sarah / Whitlock / 1977-06-06 / / 88 Harbour Street / TR1 2QQ"}, "Sarah / Whitlock / 1977-06-06 / / 1 The Mews / N1 9GU", under},
	{"only a name", []string{"Peregrine / Ashworth-Vane / 1950-01-02"}, "Peregrine / Ashworth-Vane", under},
	{"only a birth", []string{"Peregrine / Ashworth-Vane / 1950-01-02"}, "/ / 1950-01-02", under},
	{"nothing", []string{twinA}, "", under},
	{"a name and an approximate year", []string{"Farida / Noorzai / 1994~"}, "Farida / Noorzai / 1995", under},
	{"one name and an approximate year, with a telephone number", []string{"Farida / / 1994~ / / / / 07700900555"}, "Farida / / 1994 / / / / 07700900555", under},
	{"a namesake born another day", []string{"Owen / Pritchard / 1983-09-12 / m / 2 Chapel Row / CF10 1EP"}, "Owen / Pritchard / 1959-04-27 / m / 60 Station Road / NP20 4AL", over},
	{"nobody like this", []string{twinA, father, sister}, "Zbigniew / Wojciechowski / 1966-10-10 / m / 5 Dock Road / L3 4AA", over},

	// Names that changed, or are written otherwise.
	{"a married name, everything else the same", []string{"Catherine / Fairweather / 1992-02-28 / f / 15 Orchard Close / EX1 1BB / 07700900321"}, "Catherine / Mbeki / 1992-02-28 / f / 15 Orchard Close / EX1 1BB / 07700900321", first},
	{"a married name and a new address", []string{"Catherine / Fairweather / 1992-02-28 / f / 15 Orchard Close / EX1 1BB"}, "Catherine / Mbeki / 1992-02-28 / f / 8 Tor Road / PL1 1AA", under},
	{"a married name that the register knows", []string{"Catherine=Catherine / Fairweather=Mbeki / 1992-02-28 / f / 15 Orchard Close / EX1 1BB"}, "Catherine / Mbeki / 1992-02-28 / f / 15 Orchard Close / EX1 1BB", first},
	{"a double-barrelled name, half of it shown", []string{"Harriet / Lyle-Braithwaite / 1999-12-01 / f / 4 Park Crescent / EH1 3QR / / 7012345678"}, "Harriet / Braithwaite / 1999-12-01 / f / / / / 7012345678", first},
	{"another given name with the number", []string{"Steven / Gallimore / 1985-05-19 / m / 30 Hill Street / DE1 2QY / / 7012345686"}, "Stella / Gallimore / 1985-05-19 / f / 30 Hill Street / DE1 2QY / / 7012345686", under},
	{"a nickname, with the number", []string{"Elizabeth / Thackeray / 1970-03-30 / f / / / / 7012345694"}, "Betty / Thackeray / 1970-03-30 / f / / / / 7012345694", first},
	{"family and given name the other way round", []string{"Minh / Nguyen / 1988-08-18 / m / 22 Tower Hill / E1 8AA / 07700900777"}, "Nguyen / Minh / 1988-08-18 / m / 22 Tower Hill / E1 8AA / 07700900777", first},
	{"a name in no known order", []string{"Minh / Nguyen / 1988-08-18 / m / 22 Tower Hill / E1 8AA / 07700900777"}, "?Nguyen Minh / / 1988-08-18 / m / 22 Tower Hill / E1 8AA / 07700900777", first},
	{"a name in another script", []string{"Сергей / Воробьёв / 1979-01-23 / m / 6 Castle Street / NR1 1AA / 07700900888"}, "Sergei / Vorobyov / 1979-01-23 / m / 6 Castle Street / NR1 1AA / 07700900888", first},
	{"day and month the other way round", []string{"Beatriz / Carvalho / 1991-04-07 / f / 19 Elm Grove / RG1 5AA / 07700900999"}, "Beatriz / Carvalho / 1991-07-04 / f / 19 Elm Grove / RG1 5AA / 07700900999", first},
	{"one wrong item: the birth", []string{"Beatriz / Carvalho / 1991-04-07 / f / 19 Elm Grove / RG1 5AA"}, "Beatriz / Carvalho / 1968-10-25 / f / 19 Elm Grove / RG1 5AA", over},
	{"one wrong item: the number", []string{"Beatriz / Carvalho / 1991-04-07 / f / 19 Elm Grove / RG1 5AA / / 7012345708"}, "Beatriz / Carvalho / 1991-04-07 / f / 19 Elm Grove / RG1 5AA / / 4059871236", over},
	{"a number with one wrong digit", []string{"Beatriz / Carvalho / 1991-04-07 / f / 19 Elm Grove / RG1 5AA / / 7012345708"}, "Beatriz / Carvalho / 1991-04-07 / f / 19 Elm Grove / RG1 5AA / / 7012845708", first},
}

// rest is a line without its first place.
func rest(line string) string { return " " + line[strings.Index(line, "/"):] }

// recognise is what the registrar does: look up the candidates by keys, compare
// them, decide.
func recognise(m *Model, register []*Form, evidence *Form) Outcome {
	ix := NewIndex(len(register), func(i int) *Form { return register[i] })
	var found Found
	ix.Candidates(evidence, &found)
	candidates := make([]*Form, len(found.Records))
	for i, r := range found.Records {
		candidates[i] = register[r]
	}
	out := m.Recognise(evidence, candidates, found.Full, len(register))
	if out.Candidate >= 0 {
		out.Candidate = int(found.Records[out.Candidate])
	}
	return out
}

// REG-01, AUT-02, AUT-03, E2E-09.
func TestWhomTheEvidenceIsOf(t *testing.T) {
	t.Parallel()
	if len(outcomes) < 50 {
		t.Errorf("there are %d cases, not fifty", len(outcomes))
	}
	m := Prior(100_000)
	for _, c := range outcomes {
		var register []*Form
		for _, line := range c.register {
			register = append(register, Normalise(of(line)))
		}
		evidence := Normalise(of(c.evidence))
		out := recognise(m, register, evidence)
		got := string(out.Kind)
		if out.Kind == Determined {
			got = fmt.Sprintf("%s %d", got, out.Candidate)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
			for _, e := range out.Explanations {
				t.Logf("  %d: %.6f of %.1f bits, kin %q, contradicts %v, %v", e.Candidate, e.Probability, e.Bits, e.Kin, e.Contradicts, e.Fields)
			}
		}
	}
}
