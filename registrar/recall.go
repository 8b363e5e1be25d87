package registrar

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
)

// A register shows how well it finds its own people, and whom it finds less well than
// others (REG-20): some of them, drawn at random, are looked for by what is known of
// them but one field, and by the script of their name with a slip of the pen in it. It
// is a measure and no recognition: nobody is told of anybody, and nothing is kept but
// shares.

// Recall is the share of people who were determined when they were looked for so.
type Recall struct {
	Of    string // "without birth", or "name in latin"
	Share float64
	Tried int
}

const (
	// recallEvery is how often a register is measured, recallOf by how many people.
	recallEvery, recallOf = time.Hour, 100
	// recallLeast is of how many the share must be to be shown where everybody can
	// see it, and recallStep by how much that moves: one person must not show.
	recallLeast, recallStep = 50, 0.1
)

// fields are what is left out of a person, each of them if they have it.
var fields = []struct {
	name string
	take func(*match.Record) bool
}{
	{"given name", func(r *match.Record) (had bool) {
		r.Names = slices.Clone(r.Names)
		for n := range r.Names {
			had = had || r.Names[n].Given != ""
			r.Names[n].Given = ""
		}
		return had
	}},
	{"family name", func(r *match.Record) (had bool) {
		r.Names = slices.Clone(r.Names)
		for n := range r.Names {
			had = had || r.Names[n].Family != ""
			r.Names[n].Family = ""
		}
		return had
	}},
	{"birth", func(r *match.Record) bool { had := len(r.Births) > 0; r.Births = nil; return had }},
	{"address", func(r *match.Record) bool { had := len(r.Addresses) > 0; r.Addresses = nil; return had }},
	{"telephone or e-mail", func(r *match.Record) bool {
		had := len(r.Phones)+len(r.Emails) > 0
		r.Phones, r.Emails = nil, nil
		return had
	}},
	{"identifier", func(r *match.Record) bool { had := len(r.Identifiers) > 0; r.Identifiers = nil; return had }},
}

// slipped is a name with its last letter but one left out.
func slipped(name string) string {
	letters := []rune(name)
	if len(letters) < 4 {
		return name
	}
	return string(slices.Delete(letters, len(letters)-2, len(letters)-1))
}

// scriptOf is the script of a person's names, as far as it can be told.
func scriptOf(r match.Record) string {
	for _, n := range r.Names {
		for _, letter := range n.Given + n.Family + n.Parts {
			switch {
			case !unicode.IsLetter(letter):
			case letter > unicode.MaxASCII && unicode.Is(unicode.Latin, letter):
				return "latin with marks"
			default:
				for _, script := range []string{"Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Han", "Hangul",
					"Hebrew", "Hiragana", "Katakana", "Tamil", "Thai"} {
					if unicode.Is(unicode.Scripts[script], letter) {
						return strings.ToLower(script)
					}
				}
				if letter > unicode.MaxASCII {
					return "another script"
				}
			}
		}
	}
	return "latin"
}

// looking are the ways in which a person is looked for.
func looking(r match.Record) map[string]match.Record {
	ways := map[string]match.Record{}
	for _, f := range fields {
		if less := r; f.take(&less) {
			ways["without "+f.name] = less
		}
	}
	if len(r.Names) > 0 {
		slip := r
		slip.Identifiers, slip.Phones, slip.Emails = nil, nil, nil
		slip.Names = slices.Clone(r.Names)
		for n := range slip.Names {
			slip.Names[n].Family, slip.Names[n].Parts = slipped(slip.Names[n].Family), slipped(slip.Names[n].Parts)
		}
		ways["name in "+scriptOf(r)] = slip
	}
	return ways
}

// MeasureRecall measures each of this registrar's registers.
func (s *Service) MeasureRecall(ctx context.Context) error {
	registers, err := s.queries.ListRegisters(ctx, s.db, registrardb.ListRegistersParams{Registrar: s.registrar})
	if err != nil {
		return pg.Fault(err)
	}
	for _, r := range registers {
		if err := s.measureRecall(ctx, r.RegisterID); err != nil {
			return fmt.Errorf("measure a register: %w", err)
		}
	}
	return nil
}

func (s *Service) measureRecall(ctx context.Context, id ident.Register) error {
	rows, err := s.queries.SampleToFind(ctx, s.db, registrardb.SampleToFindParams{RegisterID: id, SubjectID: ident.NewSubject(), Most: recallOf})
	if err != nil {
		return pg.Fault(err)
	}
	model, size, err := s.model(ctx, id)
	if err != nil {
		return err
	}
	tried, hit := map[string]int{}, map[string]int{}
	for _, row := range rows {
		dek, err := s.keys.Unwrap(ctx, seal.KeyID(row.WrappedBy), row.SubjectID[:], row.Wrapped)
		if err != nil {
			return err
		}
		record, err := openProfile(dek, row.SubjectID, row.Sealed)
		if err != nil {
			return err
		}
		for way, evidence := range looking(record) {
			found, err := s.finds(ctx, id, model, size, evidence, row.SubjectID)
			if err != nil {
				return err
			}
			if tried[way]++; found {
				hit[way]++
			}
		}
	}
	var all []Recall
	for way, n := range tried {
		all = append(all, Recall{way, float64(hit[way]) / float64(n), n})
	}
	slices.SortFunc(all, func(a, b Recall) int { return strings.Compare(a.Of, b.Of) })
	s.meter.recalled(id, all)
	return nil
}

// finds reports whether the evidence determines that very person.
func (s *Service) finds(ctx context.Context, id ident.Register, model *match.Model, size int, evidence match.Record, subject ident.Subject) (bool, error) {
	form := match.Normalise(evidence)
	if form.Empty() {
		return false, nil
	}
	found, full, err := s.candidates(ctx, id, form)
	if err != nil {
		return false, err
	}
	forms := make([]*match.Form, len(found))
	for n := range found {
		forms[n] = found[n].form
	}
	out := model.Recognise(form, forms, full, size)
	return out.Candidate >= 0 && found[out.Candidate].subject == subject, nil
}

// recalled keeps what was measured, and shows of it what tells nothing of one person.
func (m *meter) recalled(id ident.Register, all []Recall) {
	m.mu.Lock()
	m.recall[id] = all
	m.mu.Unlock()
	m.shares.DeletePartialMatch(map[string]string{"register": string(id)})
	for _, r := range all {
		if r.Tried >= recallLeast {
			m.shares.WithLabelValues(string(id), r.Of).Set(math.Round(r.Share/recallStep) * recallStep)
		}
	}
}

// recallsOf is what was measured last.
func (m *meter) recallsOf(id ident.Register) []Recall {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.recall[id])
}
