package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

// overlays is how the rule by which an entry contradicts itself does on a set: put
// before a keeper though it is one person's, and though it is two people's.
type overlays struct {
	Name        string  `json:"name"`
	Persons     int     `json:"persons"` // with several records
	FalseAlarms int     `json:"false_alarms"`
	Alarmed     float64 `json:"false_alarm_share"`
	Overlays    int     `json:"overlays"` // of two persons' records, drawn by lot
	Found       int     `json:"found"`
	Share       float64 `json:"found_share"`
	// Alike are overlays of those whom the matcher would rather take for one: two
	// persons whom it puts before a keeper as a duplicate.
	Alike      int `json:"overlays_of_people_alike"`
	AlikeFound int `json:"found_of_people_alike"`
}

// itemsOf is what an entry has of the records that a registrar would accept: dates of the
// calendar, sexes and numbers. Names and addresses contradict nobody.
func itemsOf(records ...match.Record) (all []registrar.Item) {
	for _, r := range records {
		for _, d := range r.Births {
			if date := fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day); d.Year > 0 && d.Month > 0 && d.Day > 0 && registrar.IsDate(date) {
				all = append(all, registrar.Item{Birth: &registrar.Birth{Date: date, Within: d.Within}})
			}
		}
		if r.Sex != "" {
			all = append(all, registrar.Item{Sex: r.Sex})
		}
		for _, i := range r.Identifiers {
			all = append(all, registrar.Item{Identifier: &registrar.Identifier{Scheme: i.Scheme, Value: i.Value}})
		}
	}
	return all
}

// overlaid measures the rule on a set: every person's records as one entry, each record
// with one of somebody else's, and each pair of two people that the matcher proposes.
func (l *loaded) overlaid(name string, m *match.Model) overlays {
	o := overlays{Name: name}
	type at struct {
		record match.Record
		whose  string
	}
	var all []at
	whole := map[string][]match.Record{}
	sides := []*people{l.a}
	if l.other != nil {
		sides = append(sides, l.b)
	}
	for _, p := range sides {
		for i, r := range p.records {
			all = append(all, at{r, p.whose[i]})
			whole[p.whose[i]] = append(whole[p.whose[i]], r)
		}
	}
	for _, records := range whole {
		if len(records) > 1 {
			o.Persons++
			if registrar.Contradict(itemsOf(records...)) {
				o.FalseAlarms++
			}
		}
	}
	chance := rand.New(rand.NewPCG(1, 2))
	for _, one := range all {
		other := all[chance.IntN(len(all))]
		if other.whose == one.whose {
			continue
		}
		o.Overlays++
		if registrar.Contradict(itemsOf(one.record, other.record)) {
			o.Found++
		}
	}
	var pairs []match.Pair
	if l.other == nil {
		pairs = l.ix.Duplicates(m)
	} else {
		pairs = l.ix.Links(m, l.other)
	}
	for _, p := range pairs {
		if l.a.whose[p.A] == l.b.whose[p.B] {
			continue
		}
		o.Alike++
		if registrar.Contradict(itemsOf(l.a.records[p.A], l.b.records[p.B])) {
			o.AlikeFound++
		}
	}
	o.Alarmed, o.Share = part(o.FalseAlarms, o.Persons), part(o.Found, o.Overlays)
	return o
}

// allOverlaid measures the rule on each set.
func allOverlaid(sets []set, dir string) (all []overlays, err error) {
	for _, s := range sets {
		l, err := s.load(dir)
		if errors.Is(err, os.ErrNotExist) {
			fmt.Printf("%s: SKIPPED, NOT MEASURED: %v\n", s.name, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		o := l.overlaid(s.name, l.estimate())
		fmt.Printf("%-26s false alarms %d of %d persons (%.4f)  found %d of %d overlays by lot (%.4f), %d of %d of people alike\n",
			o.Name, o.FalseAlarms, o.Persons, o.Alarmed, o.Found, o.Overlays, o.Share, o.AlikeFound, o.Alike)
		all = append(all, o)
	}
	return all, nil
}
