package web

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/governanceoas"
)

// code is one of a partnership's lists.
type code struct {
	Code  string `json:"code"`
	Title string `json:"title"`
}

// terms is what the portal reads of a partnership's document: what forms offer to choose
// from, and what codes are called. The duties decide by their own reading of it.
type terms struct {
	Partnership struct {
		Name       string `json:"name"`
		LawProfile string `json:"law_profile"`
	} `json:"partnership"`
	Codes struct {
		Purposes, Aspects, Transactions, Reasons, Aims, Roles, Risks []code
	} `json:"codes"`
	Agencies []struct {
		ID   string     `json:"id"`
		Name string     `json:"name"`
		Kind string     `json:"kind"`
		Ends *time.Time `json:"ends"`
	} `json:"agencies"`
	Columns    []column    `json:"columns"`
	Providers  []provider  `json:"providers"`
	Powers     []power     `json:"powers"`
	Agreements []agreement `json:"agreements"`
	Registrars []struct {
		Code   string   `json:"code"`
		Title  string   `json:"title"`
		Agency string   `json:"agency"`
		Roles  []string `json:"roles"`
	} `json:"registrars"`

	Version int64 `json:"-"`
}

type provider struct {
	ID    string     `json:"id"`
	Title string     `json:"title"`
	Kind  string     `json:"kind"`
	Ends  *time.Time `json:"ends"`
}

type column struct {
	ID        string     `json:"id"`
	Provider  string     `json:"provider"`
	Agency    string     `json:"agency"`
	Example   string     `json:"example"`
	Scheme    string     `json:"scheme"`
	Sensitive bool       `json:"sensitive"`
	Closes    *time.Time `json:"closes"`
	Contacts  []contact  `json:"contacts"`
}

type contact struct {
	Code      string `json:"code"`
	Kind      string `json:"kind"`
	Value     string `json:"value"`
	Hours     string `json:"hours"`
	Confirmed string `json:"confirmed"`
}

type power struct {
	Code     string     `json:"code"`
	Title    string     `json:"title"`
	Citation string     `json:"citation"`
	Kinds    []string   `json:"kinds"`
	Ends     *time.Time `json:"ends"`
}

type agreement struct {
	Code      string              `json:"code"`
	Title     string              `json:"title"`
	Parties   []string            `json:"parties"`
	Peers     []string            `json:"peers"`
	Purposes  []string            `json:"purposes"`
	Powers    []string            `json:"powers"`
	Aspects   []string            `json:"aspects"`
	Effect    string              `json:"effect"`
	Modes     []string            `json:"modes"`
	Grounds   []string            `json:"grounds"`
	Roles     map[string][]string `json:"roles"`
	NeedsCase bool                `json:"needs_case"`
	Review    string              `json:"review"`
	Ends      *time.Time          `json:"ends"`
	Receiving struct {
		Ordinary  string `json:"ordinary"`
		Sensitive string `json:"sensitive"`
	} `json:"receiving"`
}

// termsFor is how long the document is taken to be as it was read. It is for forms and
// words: what is in force, the duties say each time.
const termsFor = 10 * time.Second

type termsCache struct {
	mu sync.Mutex
	t  *terms
	at time.Time
}

// readTerms returns the document in force, as whoever asks.
func (p *Portal) readTerms(ctx context.Context, g *governanceoas.Client) (*terms, error) {
	p.terms.mu.Lock()
	defer p.terms.mu.Unlock()
	if p.terms.t != nil && p.Now().Sub(p.terms.at) < termsFor {
		return p.terms.t, nil
	}
	in, err := g.ReadPartnership(ctx)
	if err != nil {
		return nil, bearer.Told(err)
	}
	text, err := json.Marshal(in.Document)
	if err != nil {
		return nil, err
	}
	t := &terms{Version: in.Version}
	if err := json.Unmarshal(text, t); err != nil {
		return nil, err
	}
	p.terms.t, p.terms.at = t, p.Now()
	return t, nil
}

// words is the document as a practitioner's page read it last, for what codes are called:
// somebody who has signed in as themself may not read it. Before anybody has, it is
// empty, and codes are shown as they are.
func (p *Portal) words() *terms {
	p.terms.mu.Lock()
	defer p.terms.mu.Unlock()
	if p.terms.t == nil {
		return new(terms)
	}
	return p.terms.t
}

// title is what a code is called in a list, the code itself where it is in none.
func title(list []code, c string) string {
	for _, one := range list {
		if one.Code == c {
			return one.Title
		}
	}
	return plain(c)
}

func options(list []code) (all []option) {
	for _, c := range list {
		all = append(all, option{Value: c.Code, Text: c.Title})
	}
	return all
}

// only are the options of the list whose codes are among those.
func only(list []code, among []string) (all []option) {
	for _, c := range list {
		if slices.Contains(among, c.Code) {
			all = append(all, option{Value: c.Code, Text: c.Title})
		}
	}
	return all
}

func (t *terms) column(id string) *column {
	for i := range t.Columns {
		if t.Columns[i].ID == id {
			return &t.Columns[i]
		}
	}
	return nil
}

// columnTitle is who stands at the head of a column.
func (t *terms) columnTitle(id string) string {
	if c := t.column(id); c != nil {
		for _, p := range t.Providers {
			if p.ID == c.Provider {
				return p.Title
			}
		}
	}
	return plain(id)
}

func (t *terms) agencyName(id string) string {
	for _, a := range t.Agencies {
		if a.ID == id {
			return a.Name
		}
	}
	return plain(id)
}

func (t *terms) agencyKind(id string) string {
	for _, a := range t.Agencies {
		if a.ID == id {
			return a.Kind
		}
	}
	return ""
}

// own are the columns that somebody is a member of, as the duties will find it.
func (t *terms) own(u governanceoas.User, now time.Time) (all []column) {
	for _, c := range t.Columns {
		if slices.Contains(u.Providers, governanceoas.Code(c.Provider)) && (c.Closes == nil || now.Before(*c.Closes)) {
			all = append(all, c)
		}
	}
	return all
}

// may are the agreements under which somebody's role may do that: enquire, publish,
// correlate, impose, emergency, review, approve.
func (t *terms) may(u governanceoas.User, deeds ...string) (all []agreement) {
	for _, a := range t.Agreements {
		if !slices.Contains(a.Parties, string(u.Agency)) {
			continue
		}
		for _, deed := range deeds {
			if slices.ContainsFunc(u.Roles, func(r governanceoas.Code) bool { return slices.Contains(a.Roles[deed], string(r)) }) {
				all = append(all, a)
				break
			}
		}
	}
	return all
}

// keepers are the roles whose holders keep an agency's registers.
func (t *terms) keepers(agency string) (all []string) {
	for _, r := range t.Registrars {
		if r.Agency == agency {
			all = append(all, r.Roles...)
		}
	}
	return all
}

// gather is what the agreements have of something, each once.
func gather(all []agreement, of func(agreement) []string) (out []string) {
	for _, a := range all {
		for _, c := range of(a) {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}
