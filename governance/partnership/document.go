package partnership

import (
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
)

// Document is a partnership document: the terms without their version and with
// the law profile by name, and the users registered by hand. One that Parse
// returned can be stored as JSON and parsed again; it gives the same document.
type Document struct {
	Partnership decide.Partnership `json:"partnership"`
	Settings    decide.Settings    `json:"settings"`
	Issuers     []decide.Issuer    `json:"issuers"`
	Registrars  []decide.Registrar `json:"registrars"`
	Managers    []decide.Idmgr     `json:"managers"`
	Codes       decide.Codes       `json:"codes"`
	Agencies    []decide.Agency    `json:"agencies"`
	Providers   []decide.Provider  `json:"providers"`
	Columns     []decide.Column    `json:"columns"`
	Powers      []decide.Power     `json:"powers"`
	Bars        []decide.Bar       `json:"bars"`
	Agreements  []decide.Agreement `json:"agreements"`
	Recourse    []decide.Level     `json:"recourse"`

	Services []decide.SharedService `json:"services"`

	Practitioners []Practitioner `json:"practitioners"`
}

// Practitioner is a user registered by hand.
type Practitioner struct {
	ID     ident.Practitioner `json:"id"`
	Agency ident.Agency       `json:"agency"`
	Issuer string             `json:"issuer"` // the name of an issuer of the document
	// Subject is the sub claim of their tokens. It identifies a person: store
	// a hash of it, and show it to nobody.
	Subject   string           `json:"subject"`
	Roles     []string         `json:"roles"`
	Providers []ident.Provider `json:"providers"`
	Starts    *time.Time       `json:"starts,omitempty"`
	Ends      *time.Time       `json:"ends,omitempty"`
}

// The roles that every partnership has.
const (
	GovernanceOfficer   = "governance-officer"   // may apply a partnership document
	AgencyAdministrator = "agency-administrator" // may register users of their own agency
)

// Terms returns what the duties read, indexed, at that version and with the law
// profile in full. It shares nothing with the document that either would change
// by appending; both are read-only otherwise. A document that Parse has not
// seen may name a profile that does not exist: its terms have an empty one, and
// every decision on them fails step 4.
func (d Document) Terms(version int64) *decide.Terms {
	profile, _ := LawProfile(d.Partnership.LawProfile)
	t := &decide.Terms{
		Version:     version,
		Partnership: d.Partnership,
		Settings:    d.Settings,
		Issuers:     slices.Clone(d.Issuers),
		Registrars:  slices.Clone(d.Registrars),
		Managers:    slices.Clone(d.Managers),
		Codes:       d.Codes,
		Agencies:    slices.Clone(d.Agencies),
		Providers:   slices.Clone(d.Providers),
		Columns:     slices.Clone(d.Columns),
		Powers:      slices.Clone(d.Powers),
		Bars:        slices.Clone(d.Bars),
		Agreements:  slices.Clone(d.Agreements),
		Recourse:    slices.Clone(d.Recourse),
		Services:    slices.Clone(d.Services),
		Profile:     profile,
	}
	return t.Index()
}

// The settings of a partnership that says nothing of them; the schema states
// them too.
var defaults = decide.Settings{
	PairingMinutes: 10, StatementMinutes: 10, HandleProofMins: 10, RequestsPerMinute: 600, ReviewSamplePercent: 1, BackupDays: 30,
	KeepEndedDays: 2192, KeepEnquiriesDays: 2192, KeepRefusalsDays: 2192, KeepIdempotencyDays: 30, NoticeMinutes: 60,
}

// complete fills in what a document may leave out and brings times to UTC, so
// that two documents that mean the same are the same. The schema refuses a zero
// for each setting, so that a zero is an absent one.
func (d *Document) complete() {
	orDefault(&d.Settings.PairingMinutes, defaults.PairingMinutes)
	orDefault(&d.Settings.StatementMinutes, defaults.StatementMinutes)
	orDefault(&d.Settings.HandleProofMins, defaults.HandleProofMins)
	orDefault(&d.Settings.RequestsPerMinute, defaults.RequestsPerMinute)
	orDefault(&d.Settings.ReviewSamplePercent, defaults.ReviewSamplePercent)
	orDefault(&d.Settings.BackupDays, defaults.BackupDays)
	orDefault(&d.Settings.KeepEndedDays, defaults.KeepEndedDays)
	orDefault(&d.Settings.KeepEnquiriesDays, defaults.KeepEnquiriesDays)
	orDefault(&d.Settings.KeepRefusalsDays, defaults.KeepRefusalsDays)
	orDefault(&d.Settings.KeepIdempotencyDays, defaults.KeepIdempotencyDays)
	orDefault(&d.Settings.NoticeMinutes, defaults.NoticeMinutes)
	if d.Bars == nil {
		d.Bars = []decide.Bar{}
	}
	if d.Registrars == nil {
		d.Registrars = []decide.Registrar{}
	}
	if d.Managers == nil {
		d.Managers = []decide.Idmgr{}
	}
	if d.Recourse == nil {
		d.Recourse = []decide.Level{}
	}
	if d.Services == nil {
		d.Services = []decide.SharedService{}
	}
	if d.Practitioners == nil {
		d.Practitioners = []Practitioner{}
	}
	for i := range d.Agencies {
		utc(d.Agencies[i].Starts, d.Agencies[i].Ends)
	}
	for i := range d.Providers {
		utc(d.Providers[i].Ends)
	}
	for i := range d.Columns {
		utc(d.Columns[i].Closes)
	}
	for i := range d.Powers {
		utc(d.Powers[i].Starts, d.Powers[i].Ends)
	}
	for i := range d.Bars {
		utc(d.Bars[i].Starts, d.Bars[i].Ends)
	}
	for i := range d.Agreements {
		utc(d.Agreements[i].Starts, d.Agreements[i].Ends)
	}
	for i := range d.Practitioners {
		utc(d.Practitioners[i].Starts, d.Practitioners[i].Ends)
	}
}

func orDefault(setting *int, value int) {
	if *setting == 0 {
		*setting = value
	}
}

func utc(times ...*time.Time) {
	for _, t := range times {
		if t != nil {
			*t = t.UTC()
		}
	}
}
