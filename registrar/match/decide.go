package match

import (
	"cmp"
	"math"
	"slices"
)

// Kind is how a recognition came out. A fourth, mis-determined, is found later and
// by a person (AUT-04).
type Kind string

// The outcomes.
const (
	// Determined: the evidence fits one entry and tells it from everybody else's.
	Determined Kind = "determined"
	// UnderDetermined: the evidence fits more than one person, in the register or
	// outside it (AUT-02).
	UnderDetermined Kind = "under-determined"
	// OverDetermined: the evidence excludes everybody in the register (AUT-03).
	OverDetermined Kind = "over-determined"
)

// Confidence is a level of GPG 45. None says that it is certain (AUT-05), and
// demographic data alone never reaches very high.
type Confidence string

// The levels that a comparison can reach.
const (
	NoConfidence Confidence = "none"
	Low          Confidence = "low"
	Medium       Confidence = "medium"
	High         Confidence = "high"
)

// Evidence is a kind of evidence that would help.
type Evidence string

// What can be asked for. Performative is a secret, a signature or a token
// (REG-03).
const (
	AnIdentifier Evidence = "identifier"
	ABirth       Evidence = "date-of-birth"
	AGivenName   Evidence = "given-name"
	AFamilyName  Evidence = "family-name"
	AnAddress    Evidence = "address"
	AContact     Evidence = "telephone-or-e-mail"
	Performative Evidence = "performative"
)

const (
	// sure is how probable the one must be among all others, strangers and kin
	// included.
	sure = 0.999
	// possible is how probable those must be whom the evidence does not exclude, or
	// else it excludes everybody.
	possible = 0.01
	// explained is how many candidates an outcome explains to the registrar.
	explained = 5
)

// Answer is all of an outcome that may leave the registrar, before any identifier
// is added to a determined one. It names nobody and counts nobody; what would help
// depends on the evidence alone and not on who is registered.
type Answer struct {
	Kind       Kind
	Confidence Confidence
	Helps      []Evidence // under-determined only
}

// Outcome is an answer with what the registrar's own staff see of it.
type Outcome struct {
	Answer
	// Candidate is the place among the candidates of the one determined, else -1.
	Candidate int
	// Explanations are of the best candidates, best first.
	Explanations []Explanation
}

// Explanation says field by field why two records were thought to be, or not to be,
// one person's. It holds no value of either.
type Explanation struct {
	Candidate int
	// Model is the version of the model that weighed.
	Model  string
	Fields []FieldWeight
	// Bits is the sum of the fields': log2 of how much likelier the comparison is
	// for one person than for two strangers.
	Bits float64
	// Kin is who else would agree like this, where that is at least one to a
	// hundred: household, twin, namesake, or "".
	Kin string
	// Probability is that of this candidate among all, the unregistered included.
	Probability float64
	// Contradicts are the fields that exclude the candidate.
	Contradicts []Field
}

// FieldWeight is one line of an explanation. Fields that either record does not
// say anything about are left out.
type FieldWeight struct {
	Field Field
	Level string
	Bits  float64
}

// Recognise decides who, if anybody, of the candidates the evidence is of. The
// candidates are all entries that share a token with it; full are the passes in which
// more than Bound did and which were left unread; entries is how many the register
// holds. Nothing is linked or joined by it: an outcome is all there is (invariant 10).
func (m *Model) Recognise(evidence *Form, candidates []*Form, full [Passes]bool, entries int) Outcome {
	size := float64(max(m.Entries, entries, 1))
	out := Outcome{
		Answer:    Answer{Kind: UnderDetermined, Confidence: NoConfidence, Helps: evidence.helps()},
		Candidate: -1,
	}

	// What the evidence could say at best: if everything agreed with itself, would
	// that be enough? This looks at no candidate.
	var c compared
	compareForms(evidence, evidence, &c)
	best := m.ratio(&c)
	enough := individual(&c.pattern) && chance(best.odds(1, cautious, size)) >= sure

	all := make([]candidate, len(candidates))
	most := math.Inf(-1)
	for i, other := range candidates {
		compareForms(evidence, other, &c)
		all[i] = candidate{at: i, pattern: c.pattern, ratio: m.ratio(&c), against: contradictions(&c.pattern)}
		if len(all[i].against) == 0 {
			most = max(most, all[i].bits)
		}
	}
	// Who is excluded does not compete. The others share what is to be had in
	// proportion to how well they fit; how likely it is that it is none of them,
	// but a stranger or kin of theirs, each says for himself.
	rivals := 0.0
	for i := range all {
		if len(all[i].against) == 0 {
			rivals += math.Exp2(all[i].bits - most)
		}
	}
	fits := 0.0
	for i := range all {
		a := &all[i]
		a.probability = chance(a.odds(1, cautious, size))
		if len(a.against) == 0 {
			a.probability *= math.Exp2(a.bits-most) / rivals
			fits += a.probability
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		if len(a.against) == 0 != (len(b.against) == 0) {
			return len(a.against) - len(b.against)
		}
		return cmp.Compare(b.bits, a.bits)
	})
	for i := range all[:min(len(all), explained)] {
		out.Explanations = append(out.Explanations, m.explain(&all[i]))
	}
	unread := unreadMatters(evidence, full)
	switch {
	case !enough:
	case fits < possible && !unread:
		out.Kind, out.Helps = OverDetermined, nil
	case len(all) > 0 && all[0].determined(unread):
		out.Kind, out.Helps, out.Candidate = Determined, nil, all[0].at
		out.Confidence = confidence(&all[0].pattern)
	}
	return out
}

// candidate is one of those whom evidence is compared with.
type candidate struct {
	at int
	pattern
	ratio
	against     []Field
	probability float64
}

// determined reports whether this is who the evidence is of. Where a block was left
// unread in which others may fit as well, only an identifier says so.
func (c *candidate) determined(unread bool) bool {
	return len(c.against) == 0 && c.probability >= sure && individual(&c.pattern) &&
		(!unread || c.pattern[Number] == numberSame)
}

func chance(odds float64) float64 { return odds / (1 + odds) }

// individual reports whether what agrees is the person's own and not the family's:
// a given name tells twins apart and a date of birth (a year is not enough) tells
// father from son; an identifier does both, but not if it goes with another given name, for mothers'
// numbers stand in children's records.
func individual(p *pattern) bool {
	given := p[Given] != 0 && p[Given] <= nameNear
	birth := p[Birth] != 0 && p[Birth] <= birthMonth
	return given && birth || p[Number] == numberSame && (given || birth) && p[Given] != nameOther
}

// contradictions are the fields that exclude a candidate whatever else agrees.
func contradictions(p *pattern) (all []Field) {
	if p[Given] == nameOther && p[Number] != numberSame {
		all = append(all, Given)
	}
	if p[Birth] == birthOther {
		all = append(all, Birth)
	}
	if p[Number] == numberElse {
		all = append(all, Number)
	}
	return all
}

// confidence of a determination. It rests on which kinds of evidence agree and not
// on the probability: a third independent kind is what GPG 45 would call another
// piece of evidence.
func confidence(p *pattern) Confidence {
	name := p[Given] != 0 && p[Given] <= nameNear && p[Family] != 0 && p[Family] <= nameNear
	birth := p[Birth] == birthSame
	address := p[Postcode] == 1 && (p[House] == 1 || p[Street] == 1)
	contact := p[Phone] == 1 || p[Email] == 1
	switch number := p[Number] == numberSame; {
	case number && name && birth:
		return High
	case number && (name || birth), name && birth && (address || contact):
		return Medium
	}
	return Low
}

// unreadMatters reports whether somebody who fits as well may stand in a block that
// was too full to read: everybody with this year and these names, or, where the
// evidence has no such token, whatever else is left of it.
func unreadMatters(f *Form, full [Passes]bool) bool {
	specific := false
	for _, k := range f.Keys() {
		specific = specific || k.Pass == ByYearAndNames
	}
	if specific {
		return full[ByYearAndNames]
	}
	return slices.Contains(full[:], true)
}

// helps is what the evidence lacks, the most telling first.
func (f *Form) helps() (all []Evidence) {
	var given, family bool
	for _, n := range f.names {
		given = given || len(n.given) > 0
		family = family || len(n.family) > 0 || n.loose && len(n.given) > 1
	}
	for _, e := range []struct {
		kind Evidence
		has  bool
	}{
		{AnIdentifier, len(f.numbers) > 0}, {ABirth, slices.ContainsFunc(f.births, func(d Date) bool { return d.Day > 0 && d.Within == 0 })},
		{AGivenName, given}, {AFamilyName, family}, {AnAddress, len(f.places) > 0}, {AContact, len(f.phones)+len(f.emails) > 0},
	} {
		if !e.has {
			all = append(all, e.kind)
		}
	}
	return append(all, Performative)
}

func (m *Model) explain(c *candidate) Explanation {
	e := Explanation{Candidate: c.at, Model: m.Version, Bits: c.bits, Probability: c.probability, Contradicts: c.against}
	for f, l := range c.pattern {
		if l != 0 {
			e.Fields = append(e.Fields, FieldWeight{Field(f), levelNames[f][l], c.by[f]})
		}
	}
	likeliest := math.Log2(0.01)
	for k := range family {
		if against := c.kin[k] + math.Log2(cautious*family[k].per) - c.bits; against >= likeliest {
			likeliest, e.Kin = against, family[k].name
		}
	}
	return e
}

// Explain compares two records, for whoever decides on a pair (Duplicates, Links).
func (m *Model) Explain(a, b *Form) Explanation {
	var c compared
	compareForms(a, b, &c)
	return m.explain(&candidate{pattern: c.pattern, ratio: m.ratio(&c), against: contradictions(&c.pattern), probability: m.probability(&c)})
}
