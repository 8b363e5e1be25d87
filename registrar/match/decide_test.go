package match

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// lot is a register of n invented people, of whom one in eight stands in it twice,
// the second time with a slip in a name, another address or without a telephone
// number. Four live at each address under one family name.
func lot(n int) []*Form {
	start, end := strings.Fields("Al Bran Cor Dun Esk Fen Glen Hax Ing Kel Lor Mor Nor Pel Quar Ros Stel Thur Ull Wex"), strings.Fields("an bert by croft dale ester field grove holm is ley mond ric son ton wick")
	given := strings.Fields("Ada Bea Cyril Dora Edgar Flora Gwen Hugo Iris Jonas Klara Lena Magnus Nora Otis Petra Quentin Rita Silas Thea Ulric Vera Wanda Yara Zeno")
	var all []*Form
	for i := range n {
		who := i
		if i%8 == 7 {
			who = i - 4
		}
		home := rand.New(rand.NewPCG(1, uint64(who/4)))
		own := rand.New(rand.NewPCG(2, uint64(who)))
		r := Record{
			Names:  []Name{{Given: given[own.IntN(len(given))], Family: start[home.IntN(len(start))] + end[home.IntN(len(end))]}},
			Births: []Date{{Year: 1930 + own.IntN(90), Month: 1 + own.IntN(12), Day: 1 + own.IntN(28)}}, Sex: []string{"f", "m"}[own.IntN(2)],
			Addresses: []Address{{Lines: fmt.Sprint(1+home.IntN(60)) + " " + start[home.IntN(len(start))] + end[home.IntN(len(end))] + " Street", Postcode: fmt.Sprintf("AB%d %dCD", home.IntN(90), home.IntN(9))}},
			Phones:    []string{fmt.Sprintf("07700 9%05d", own.IntN(99999))},
		}
		if who != i {
			switch i / 8 % 3 {
			case 0:
				r.Names[0].Family += "e"
			case 1:
				r.Addresses = nil
			default:
				r.Phones, r.Addresses[0].Postcode = nil, "ZZ9 9ZZ"
			}
		}
		all = append(all, Normalise(r))
	}
	return all
}

func indexOf(all []*Form) *Index { return NewIndex(len(all), func(i int) *Form { return all[i] }) }

// REG-01, AUT-02: the cautious cases do not rest on the prior's numbers.
func TestNobodyIsDeterminedOtherwiseUnderAnEstimatedModel(t *testing.T) {
	t.Parallel()
	m := Estimate(indexOf(lot(4000)), nil, "lot")
	right, wanted := 0, 0
	for _, c := range outcomes(t) {
		var register []*Form
		for _, line := range c.Register {
			register = append(register, Normalise(of(line)))
		}
		var c2 Found
		evidence := Normalise(of(c.Evidence))
		ix := indexOf(register)
		ix.Candidates(evidence, &c2)
		var candidates []*Form
		for _, i := range c2.Records {
			candidates = append(candidates, register[i])
		}
		out := m.Recognise(evidence, candidates, c2.Full, 100_000)
		got := string(out.Kind)
		if out.Kind == Determined {
			got = fmt.Sprintf("%s %d", got, c2.Records[out.Candidate])
		}
		if out.Kind == Determined && got != c.Want {
			t.Errorf("%s: %s, want %s", c.Name, got, c.Want)
		}
		if strings.HasPrefix(c.Want, string(Determined)) {
			wanted++
			if got == c.Want {
				right++
			}
		}
	}
	if right < wanted*3/4 {
		t.Errorf("only %d of the %d to be determined were", right, wanted)
	}
}

// AUT-02: an answer names nobody, counts nobody, and asks for the same whoever is
// registered.
func TestWhatWouldHelpSaysNothingOfWhoIsRegistered(t *testing.T) {
	t.Parallel()
	m := Prior(100_000)
	for _, c := range outcomes(t) {
		evidence := Normalise(of(c.Evidence))
		none := m.Recognise(evidence, nil, [Passes]bool{}, 100_000)
		var register []*Form
		for _, line := range c.Register {
			register = append(register, Normalise(of(line)))
		}
		out := recognise(m, register, evidence)
		if out.Kind == UnderDetermined && none.Kind == UnderDetermined && !reflect.DeepEqual(out.Answer, none.Answer) {
			t.Errorf("%s: with the register %+v, without %+v", c.Name, out.Answer, none.Answer)
		}
		if out.Kind == UnderDetermined && (len(out.Helps) == 0 || out.Candidate != -1 || out.Confidence != NoConfidence) {
			t.Errorf("%s: %+v of candidate %d", c.Name, out.Answer, out.Candidate)
		}
		if out.Kind != UnderDetermined && out.Helps != nil {
			t.Errorf("%s: %s asks for more", c.Name, out.Kind)
		}
	}
	answer := reflect.TypeFor[Answer]()
	for i := range answer.NumField() {
		if f := answer.Field(i); !slices.Contains([]string{"Kind", "Confidence", "Helps"}, f.Name) {
			t.Errorf("an answer holds %s: could that name or count somebody?", f.Name)
		}
	}
}

// AUT-05: a level of a closed list, none of which is certainty, and never high
// without an identifier.
func TestConfidenceFollowsTheKindsOfEvidence(t *testing.T) {
	t.Parallel()
	m := Prior(1000)
	whole := "Beatriz / Carvalho / 1991-04-07 / f / 19 Elm Grove / RG1 5AA / 07700900999 / 7012345708"
	for evidence, want := range map[string]Confidence{
		whole: High,
		"Beatriz / Carvalho / 1991-04-07 / f / 19 Elm Grove / RG1 5AA": Medium,
		"Beatriz / Carvalho / 1991-04-07 / f":                          Low,
		"Beatriz / Carvalho / / / / / / 7012345708":                    Medium,
		"Beatriz / Carvalho":                                           NoConfidence,
	} {
		out := recognise(m, []*Form{Normalise(of(whole))}, Normalise(of(evidence)))
		if out.Confidence != want {
			t.Errorf("%s: %s %s, want %s", evidence, out.Kind, out.Confidence, want)
		}
	}
}

func TestTenThousandOfOneNameAreNeitherReadNorGuessedAt(t *testing.T) {
	t.Parallel()
	one := "Jan / Novak / 1980-01-01 / m / 1 High Street / AB1 2CD / 07700900111"
	same := Normalise(of(one))
	her := Normalise(of("Jan / Novak / 1980-01-01 / m / 1 High Street / AB1 2CD / 07700900111 / 7012345708"))
	register := append(slices.Repeat([]*Form{same}, 10_000), her)
	m := Prior(len(register))
	ix := indexOf(register)
	var found Found
	ix.Candidates(same, &found)
	if len(found.Records) > 1000 {
		t.Errorf("%d candidates were read", len(found.Records))
	}
	if !found.Full[ByYearAndNames] || !found.Full[ByHome] {
		t.Errorf("the full blocks are %v", found.Full)
	}
	if out := recognise(m, register, same); out.Kind != UnderDetermined {
		t.Errorf("one of ten thousand is %s", out.Kind)
	}
	if out := recognise(m, register, her); out.Kind != Determined || out.Candidate != 10_000 {
		t.Errorf("the one with a number is %s, %d", out.Kind, out.Candidate)
	}
	if pairs := ix.Duplicates(m); len(pairs) != 0 {
		t.Errorf("%d pairs were proposed", len(pairs))
	}
}

func TestTheSameRegisterGivesTheSameModel(t *testing.T) {
	t.Parallel()
	register := lot(1500)
	a, _ := Estimate(indexOf(register), nil, "v").Encode()
	b, _ := Estimate(indexOf(register), nil, "v").Encode()
	if string(a) != string(b) {
		t.Error("two estimates differ")
	}
	m, err := Decode(a)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := m.Encode(); string(again) != string(a) {
		t.Error("a model that was written and read is another")
	}
	if m.Odds < 0.05 || m.Odds > 0.6 {
		t.Errorf("a quarter of the records has a second one, the model says %v", m.Odds)
	}
}

// REG-10: a register says where it may hold somebody twice, without being told.
func TestDuplicatesAreFoundWithoutLabels(t *testing.T) {
	t.Parallel()
	register := lot(4000)
	ix := indexOf(register)
	right, pairs := 0, ix.Duplicates(Estimate(ix, nil, "v"))
	for _, p := range pairs {
		if p.B%8 == 7 && p.A == p.B-4 {
			right++
		}
	}
	if right < 450 || len(pairs)-right > 10 {
		t.Errorf("of 500 second records %d are found, and %d pairs are wrong", right, len(pairs)-right)
	}
}

func TestAModelThatWeighsNothingIsRefused(t *testing.T) {
	t.Parallel()
	good, err := Prior(10).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(good); err != nil {
		t.Errorf("the prior is refused: %v", err)
	}
	for _, wrong := range []string{
		"", "{}", "[]", `{"version":"x","entries":1,"odds":1,"household":1}`,
		strings.Replace(string(good), `"odds":0.02`, `"odds":0`, 1), strings.Replace(string(good), `"entries":10`, `"entries":-1`, 1),
		strings.Replace(string(good), "0.78", "7.8", 1), strings.Replace(string(good), `"values":null`, `"values":{"1":2}`, 1),
	} {
		if _, err := Decode([]byte(wrong)); err == nil {
			t.Errorf("%.60s is accepted", wrong)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, _ := Prior(10).Encode()
	f.Add(string(good))
	f.Add("{}")
	a, b := Normalise(of(twinA)), Normalise(of(twinB))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Decode([]byte(text))
		if err != nil {
			return
		}
		if p := m.Explain(a, b).Probability; !(p >= 0 && p <= 1) {
			t.Errorf("a probability of %v", p)
		}
	})
}

// What one person's records are written like must meet in at least one token.
func TestOnePersonsRecordsShareAToken(t *testing.T) {
	t.Parallel()
	const whole = "Elizabeth / Thackeray / 1970-03-30 / f / 12 Elm Road / LS1 4AB / 07700900999"
	for _, other := range []string{
		"Thackeray / Elizabeth / 1970-03-30", "Betty / Thackeray / 1970-03", "Elisabeth / Thakeray / 1970-03-03", "Elizabeth / Jones / 1970-30-03",
		"/ / 1970-03-30", "Elizabeth / / 1971-03-30", "/ Thackery / 1970-03-31", "E / Jones / / / 12 Elm Road / LS1 4AB", "/ / / / / / 07700 900 999",
		"?Thackeray, Elizabeth Anne", "Элизабет / Тэкерей / 1970-03-30", "Elizabeth / Thackeray",
	} {
		keys := Normalise(of(whole)).Keys()
		if !slices.ContainsFunc(Normalise(of(other)).Keys(), func(k Key) bool { return slices.Contains(keys, k) }) {
			t.Errorf("%q shares no token", other)
		}
	}
}
