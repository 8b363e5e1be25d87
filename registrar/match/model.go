package match

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Model is what weighs a comparison: for each field and level how often it is met
// in two records of one person (M) and of two strangers (U), and how frequent the
// values of the register are. It is estimated from a register without labels
// (Estimate), or Prior before there is one. A model is read-only and may be shared.
//
// It may be stored: Values holds no value but a 32-bit hash of those that are
// common to many entries, and so nothing of any one person.
type Model struct {
	// Version names the estimate in every explanation that rests on it.
	Version string `json:"version"`
	// Entries is how many records it was estimated from.
	Entries int `json:"entries"`
	// Odds is how many records of the same person a record has among the others,
	// on average. It weighs pairs when a register is searched for duplicates.
	Odds float64 `json:"odds"`
	// Household is how many others of a person's household the register holds, on
	// average.
	Household float64                       `json:"household"`
	M         [fields][maxLevel + 1]float64 `json:"m"`
	U         [fields][maxLevel + 1]float64 `json:"u"`
	// Values is how frequent a common value is; Rare is how likely two strangers
	// are to have the same value where it is none of these.
	Values map[uint32]float32 `json:"values"`
	Rare   [fields]float64    `json:"rare"`
}

// weighty are the fields whose frequencies count: that two people are called
// Smith says less than that two are called Featherstonehaugh (Winkler 1989).
var weighty = [fields]bool{
	Given: true, Family: true, Birth: true, Postcode: true, Street: true, Locality: true, Phone: true, Email: true,
}

// prior is how two records of one person compare before anything is known of a
// register: levels from 1 on. An estimate counts it as priorMatches matches, so
// that a register without duplicates still has a model.
var prior = [fields][]float64{
	Given:       {0.78, 0.06, 0.06, 0.03, 0.02, 0.05},
	Middle:      {0.70, 0.04, 0.05, 0.03, 0.08, 0.10},
	Family:      {0.80, 0.03, 0.06, 0.03, 0.01, 0.07},
	Order:       {0.97, 0.03},
	Birth:       {0.88, 0.04, 0.01, 0.02, 0.02, 0.02, 0.01},
	Sex:         {0.985, 0.015},
	Postcode:    {0.72, 0.05, 0.05, 0.18},
	House:       {0.72, 0.06, 0.22},
	Street:      {0.68, 0.06, 0.04, 0.22},
	StreetThere: {0.85, 0.08, 0.03, 0.04},
	Locality:    {0.75, 0.08, 0.17},
	Region:      {0.90, 0.03, 0.07},
	Phone:       {0.60, 0.05, 0.35},
	Email:       {0.65, 0.07, 0.05, 0.23},
	Number:      {0.94, 0.04, 0.005, 0.015},
}

// strangers is the same for two strangers.
var strangers = [fields][]float64{
	Given:       {0.004, 0.003, 0.002, 0.02, 0.03, 0.941},
	Middle:      {0.01, 0.005, 0.002, 0.02, 0.06, 0.903},
	Family:      {0.001, 0.001, 0.001, 0.01, 0.005, 0.982},
	Order:       {0.9, 0.1},
	Birth:       {0.00004, 0.0006, 0.0015, 0.015, 0.003, 0.03, 0.95},
	Sex:         {0.5, 0.5},
	Postcode:    {0.0002, 0.0015, 0.01, 0.9883},
	House:       {0.02, 0.1, 0.88},
	Street:      {0.001, 0.002, 0.02, 0.977},
	StreetThere: {0.3, 0.02, 0.03, 0.65},
	Locality:    {0.01, 0.01, 0.98},
	Region:      {0.2, 0.02, 0.78},
	Phone:       {0.00001, 0.0001, 0.99989},
	Email:       {0.00001, 0.0001, 0.005, 0.99489},
	Number:      {0.000001, 0.00001, 0.0001, 0.999889},
}

// limits are how often the records of one person may disagree altogether, however
// the estimate comes out. Without them it can settle on another thing than people
// that makes records alike, such as where their names come from.
var limits = [fields]float64{
	Given: 0.2, Middle: 0.3, Family: 0.25, Birth: 0.2, Sex: 0.1, Postcode: 0.45, House: 0.45, Street: 0.45, StreetThere: 0.2,
	Locality: 0.45, Region: 0.3, Phone: 0.6, Email: 0.5, Number: 0.1,
}

const (
	priorMatches = 40 // matches that count as the prior
	priorRecords = 20 // records that count as the prior of households
)

// Prior is the model of a register of which nothing is known but its size.
func Prior(entries int) *Model {
	m := &Model{Version: "prior", Entries: entries, Odds: 0.02, Household: cautious}
	for f := range fields {
		for l := range f.levels() {
			m.M[f][l+1], m.U[f][l+1] = prior[f][l], strangers[f][l]
		}
		m.Rare[f] = m.U[f][1]
	}
	return m
}

// kin is people who share what a family shares: the other way in which a pair can
// agree on much and yet be two. For each field share is the part of such pairs that
// agree as one person with himself would; the rest agree like strangers. The shares
// are set, not estimated: without labels a register does not tell its twins from
// its duplicates.
type kin struct {
	name  string
	per   float64 // how many there are for each one of a household
	share [fields]float64
}

var family = [...]kin{
	{"household", 1, [fields]float64{
		Middle: 0.1, Family: 0.8, Order: 1, Postcode: 0.85, House: 0.85, Street: 0.85, StreetThere: 0.85, Locality: 0.9, Region: 0.95,
		Phone: 0.5, Email: 0.1,
	}},
	{"twin", 0.02, [fields]float64{
		Given: 0.01, Middle: 0.1, Family: 0.95, Order: 1, Birth: 1, Sex: 0.3, Postcode: 0.9, House: 0.9, Street: 0.9,
		Locality: 0.95, Region: 0.95, Phone: 0.7, Email: 0.2,
	}},
	{"namesake", 0.03, [fields]float64{
		Given: 0.95, Middle: 0.3, Family: 0.95, Order: 1, Sex: 0.95, Postcode: 0.7, House: 0.7, Street: 0.7, StreetThere: 0.7, Locality: 0.8,
		Region: 0.9, Phone: 0.5, Email: 0.1,
	}},
}

// cautious is how many others of a household are reckoned with where it is decided
// who somebody is, however few the register holds: a brother need not be registered
// to be taken for the one who is.
const cautious = 1.5

// twinNames: parents who give twins names that sound alike do so on purpose, so
// that a near miss of the given name tells twins apart less well than strangers.
const twinNames = 0.06

// weight is how much a level says for one person (in bits, negative against), and
// the frequency it rests on.
func (m *Model) weight(c *compared, f Field) (bits, stranger float64) {
	l := c.pattern[f]
	if l == 0 {
		return 0, 1
	}
	if f == Order {
		return math.Log2(m.M[f][l]), 1
	}
	stranger = m.U[f][l]
	if l == 1 && weighty[f] && c.value[f] != 0 {
		if v, ok := m.Values[c.value[f]]; ok {
			stranger = float64(v)
		} else {
			stranger = m.Rare[f]
		}
	}
	return math.Log2(m.M[f][l] / stranger), stranger
}

// ratio is what a comparison says in all.
type ratio struct {
	bits float64              // log2 P(comparison | one person) / P(comparison | strangers)
	kin  [len(family)]float64 // log2 P(comparison | kin of that kind) / P(comparison | strangers)
	by   [fields]float64      // bits of each field
}

func (m *Model) ratio(c *compared) (r ratio) {
	for f := range fields {
		l := c.pattern[f]
		if l == 0 {
			continue
		}
		bits, stranger := m.weight(c, f)
		r.by[f] = bits
		r.bits += bits
		for k := range family {
			share := family[k].share[f]
			if f == Given && k == 1 && l >= nameNear && l <= nameInitial {
				share = min(max(share, twinNames/m.M[f][l]), 1)
			}
			if share > 0 {
				r.kin[k] += math.Log2(share*m.M[f][l]/stranger + 1 - share)
			}
		}
	}
	return r
}

// odds are those of one person against strangers and kin, where a record has on
// average same other records of its person and household ones of kin among size.
func (r *ratio) odds(same, household, size float64) float64 {
	other := size
	for k := range family {
		other += household * family[k].per * math.Exp2(min(r.kin[k], 500))
	}
	return same * math.Exp2(min(r.bits, 500)) / other
}

// probability that a pair of the register's records is one person's.
func (m *Model) probability(c *compared) float64 {
	r := m.ratio(c)
	o := r.odds(m.Odds, m.Household, float64(max(m.Entries, 1)))
	return o / (1 + o)
}

// Encode writes the model as JSON.
func (m *Model) Encode() ([]byte, error) { return json.Marshal(m) }

// Decode reads what Encode wrote, and refuses a model with which no comparison
// could be weighed.
func Decode(text []byte) (*Model, error) {
	m := new(Model)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("read a model: %w", err)
	}
	if m.Version == "" || m.Entries < 0 || !(m.Odds > 0 && m.Odds < 1e9) || !(m.Household > 0 && m.Household < 1e9) {
		return nil, errors.New("read a model: version, entries, odds or household are missing: estimate it anew")
	}
	for f := range fields {
		for l := 1; l <= f.levels(); l++ {
			if !(m.M[f][l] > 0 && m.M[f][l] <= 1 && m.U[f][l] > 0 && m.U[f][l] <= 1) {
				return nil, fmt.Errorf("read a model: %s has a level without a frequency: estimate it anew", f)
			}
		}
		if !(m.Rare[f] > 0 && m.Rare[f] <= 1) {
			return nil, fmt.Errorf("read a model: %s has no frequency of rare values: estimate it anew", f)
		}
	}
	for _, v := range m.Values {
		if !(v > 0 && v <= 1) {
			return nil, errors.New("read a model: a value has a frequency outside 0 to 1: estimate it anew")
		}
	}
	return m, nil
}
