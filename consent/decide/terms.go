package decide

import (
	"cmp"
	"slices"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// Terms is everything a partnership has agreed that a decision may rest on, at
// one version. Governance writes it, the duties read it, nobody edits it in
// place: an applied change is a new version. Call Index once after decoding.
type Terms struct {
	Version     int64       `json:"version,omitempty"`
	Partnership Partnership `json:"partnership"`
	Settings    Settings    `json:"settings"`
	Issuers     []Issuer    `json:"issuers"`
	Registrars  []Registrar `json:"registrars"`
	Managers    []Idmgr     `json:"managers"`
	Codes       Codes       `json:"codes"`
	Agencies    []Agency    `json:"agencies"`
	Providers   []Provider  `json:"providers"`
	Columns     []Column    `json:"columns"`
	Powers      []Power     `json:"powers"`
	Bars        []Bar       `json:"bars"`
	Agreements  []Agreement `json:"agreements"`
	// Recourse lists who rules on cases, the first asked first. The last is the final
	// owner. Empty: nothing becomes a case.
	Recourse []Level `json:"recourse,omitempty"`
	// Services are what the members share, and who answers for each (FED-19, FED-34).
	Services []SharedService `json:"services,omitempty"`
	// Profile is the law profile in full, so that an old version of the terms
	// still says what its questions were.
	Profile Profile `json:"profile"`

	agencies   map[ident.Agency]*Agency
	providers  map[ident.Provider]*Provider
	columns    map[ident.Column]*Column
	powers     map[string]*Power
	agreements map[string]*Agreement
}

// Partnership names the hub.
type Partnership struct {
	Hub          string `json:"hub"`  // the hub's identifier, a URL
	Name         string `json:"name"` // shown to people
	Jurisdiction string `json:"jurisdiction"`
	LawProfile   string `json:"law_profile"`
	// Areas are where the people live about whom other hubs can ask; none: it does not
	// say, and is asked about anybody (FED-24).
	Areas []string `json:"areas,omitempty"`
}

// SharedService is something that members run together: a duty of the hub, by its name,
// or another service.
type SharedService struct {
	Code     string `json:"code"`
	Title    string `json:"title"`
	Function string `json:"function"` // what it does, in a sentence
	// Published tells other hubs of it.
	Published bool `json:"published,omitempty"`
	// Responsible has nobody's place empty: a service for a part of which nobody answers
	// is refused.
	Responsible Responsible `json:"responsible"`
}

// Responsible names the member that answers for each part of a service (000:4242).
type Responsible struct {
	Ownership   ident.Agency `json:"ownership"`
	Design      ident.Agency `json:"design"`
	Operation   ident.Agency `json:"operation"`
	Capacity    ident.Agency `json:"capacity"`
	Performance ident.Agency `json:"performance"`
}

// Settings are what a partnership may want to change (design.md section 11).
type Settings struct {
	PairingMinutes    int `json:"pairing_minutes"`      // life of a pairing code
	StatementMinutes  int `json:"statement_minutes"`    // the most that a common-client statement may live
	HandleProofMins   int `json:"handle_proof_minutes"` // life of a proof of a handle
	RequestsPerMinute int `json:"requests_per_minute"`  // per practitioner, bursts of a fifth
	// ReviewSamplePercent is the share of each agency's enquiries of a week that
	// its reviewers are given, rounded up.
	ReviewSamplePercent int `json:"review_sample_percent"`
	// BackupDays is how long backups are kept, and retired keys for them; zero in
	// terms of before the setting: 30.
	BackupDays int `json:"backup_days,omitempty"`
	// For how many days contents are kept after they have ended (LEG-29); zero in
	// terms of before the settings: for good.
	KeepEndedDays       int `json:"keep_ended_days,omitempty"`       // what a column called people for whom nothing is in force
	KeepEnquiriesDays   int `json:"keep_enquiries_days,omitempty"`   // of enquiries that nobody has still to review
	KeepRefusalsDays    int `json:"keep_refusals_days,omitempty"`    // of proposals that a step stopped
	KeepIdempotencyDays int `json:"keep_idempotency_days,omitempty"` // idempotency keys
	KeepConsentsDays    int `json:"keep_consents_days,omitempty"`    // of consents, exclusions, blocks and requests that are over; no default
	KeepLinksDays       int `json:"keep_links_days,omitempty"`       // of private links and cases that are over; no default
	// NoticeMinutes is how far apart notices are made; zero in terms of before the
	// setting: an hour.
	NoticeMinutes int `json:"notice_minutes,omitempty"`
	// NeedsUnderstanding has whoever records a consent say how they made sure that
	// the person understands it (PUB-11).
	NeedsUnderstanding bool `json:"needs_understanding,omitempty"`
	// RoleLevels are the least that an issuer has to be relied on for a role to count of
	// who signs in through it; of a role that it does not name, any issuer's will do (AUT-10).
	RoleLevels []RoleLevel `json:"role_levels,omitempty"`
	// UnknownMessages is what becomes of another hub's message that is not understood
	// (FED-05); empty: it is returned. EscalateTo are the hubs that escalations are
	// passed on to, the first that takes it; none: they end here (FED-06).
	UnknownMessages Unknown  `json:"unknown_messages,omitempty"`
	EscalateTo      []string `json:"escalate_to,omitempty"`
	// What hubs and practitioners may ask on a day, for one purpose, along axles; zero:
	// DefaultQuotas has it.
	Quotas Quotas `json:"quotas,omitzero"`
}

// Quotas are how many questions of each kind are taken on a day, UTC, for each purpose.
type Quotas struct {
	PeerQuestions int `json:"peer_questions,omitempty"` // of one other hub, by identifier
	PeerLookUps   int `json:"peer_look_ups,omitempty"`  // of one other hub, private
	LookUps       int `json:"look_ups,omitempty"`       // of one practitioner, private
}

// DefaultQuotas hold where the partnership writes none (docs/threat-model.md counts what
// that comes to).
var DefaultQuotas = Quotas{PeerQuestions: 5000, PeerLookUps: 1000, LookUps: 100}

// OrDefault is the quotas with what is not written filled in.
func (q Quotas) OrDefault() Quotas {
	return Quotas{
		PeerQuestions: cmp.Or(q.PeerQuestions, DefaultQuotas.PeerQuestions), PeerLookUps: cmp.Or(q.PeerLookUps, DefaultQuotas.PeerLookUps),
		LookUps: cmp.Or(q.LookUps, DefaultQuotas.LookUps),
	}
}

// RoleLevel is what a role asks of the issuer.
type RoleLevel struct {
	Role  string     `json:"role"`
	Level Confidence `json:"level"`
}

// Counts reports whether a role counts of who signs in through an issuer.
func (t *Terms) Counts(role, issuer string) bool {
	var level Confidence
	if i := slices.IndexFunc(t.Issuers, func(i Issuer) bool { return i.Name == issuer }); i >= 0 {
		level = t.Issuers[i].Level
	}
	return !slices.ContainsFunc(t.Settings.RoleLevels, func(r RoleLevel) bool { return r.Role == role && !level.Reaches(r.Level) })
}

// Unknown is what becomes of a message that is not understood.
type Unknown string

// What may become of it.
const (
	Return   Unknown = "return"
	Discard  Unknown = "discard"
	Escalate Unknown = "escalate"
)

// Issuer is an OpenID Provider whose tokens the hub accepts.
type Issuer struct {
	Name     string       `json:"name"`
	Issuer   string       `json:"issuer"`
	Audience string       `json:"audience"`
	Agency   ident.Agency `json:"agency,omitempty"` // whose people it speaks for; empty: any
	// Level is how far the partnership relies on its word of who somebody is (AUT-10).
	Level Confidence `json:"level,omitempty"`
	// Mappings turn claims of a verified token into a registered user.
	Mappings []Mapping `json:"mappings,omitempty"`
}

// Registrar keeps a register of subjects, and may state that two agencies'
// recognitions in it are of one person (AUT-09). It signs with any of its keys:
// an old and a new one stand side by side while they change.
type Registrar struct {
	Code   string       `json:"code"`
	Title  string       `json:"title"`
	Agency ident.Agency `json:"agency"` // the member that answers for it
	Keys   []PublicKey  `json:"keys"`
	// Roles lists who of that agency keeps its registers.
	Roles []string `json:"roles,omitempty"`
	// CoveredBy lists the registrars that may stand in for it (FED-20).
	CoveredBy []string `json:"covered_by,omitempty"`
	// Reach is how far the registrar's registers go, Areas where: none of either, it
	// does not say (FED-24).
	Reach Reach    `json:"reach,omitempty"`
	Areas []string `json:"areas,omitempty"`
	// RelyingParties are those that people can sign in at with it.
	RelyingParties []RelyingParty `json:"relying_parties,omitempty"`
}

// Reach is at what level a registrar works. Its identifier says nothing of it (FED-04).
type Reach string

// The levels, from the nearest to the widest.
const (
	SubRegional Reach = "sub-regional"
	Regional    Reach = "regional"
	National    Reach = "national"
)

// RelyingParty is an agency's site at which people sign in with a registrar, as a
// client of its OpenID Provider. It has no secret: it proves itself with a key.
type RelyingParty struct {
	Client        string       `json:"client"` // its client_id
	Title         string       `json:"title"`
	Agency        ident.Agency `json:"agency"` // whose reference it is told for a person (REG-25)
	RedirectURIs  []string     `json:"redirect_uris"`
	SignedOutURIs []string     `json:"signed_out_uris,omitempty"`
	Keys          []PublicKey  `json:"keys"`
	// Level is the least with which anybody signs in there: an acr of the provider's.
	// Empty: two factors.
	Level SignIn `json:"level,omitempty"`
	// Portal says that people see there what the hub holds of them: it is given the
	// statement with which it asks as that person, and no other site is.
	Portal bool `json:"portal,omitempty"`
}

// Idmgr is an identity manager: it makes private links, and the index never
// learns of them. Who it is, what for and where to complain is public (IDM-18).
type Idmgr struct {
	Code    ident.Idmgr  `json:"code"`
	Title   string       `json:"title"`
	Agency  ident.Agency `json:"agency"` // the member that answers for it
	Purpose string       `json:"purpose"`
	Appeal  string       `json:"appeal"` // to whom one turns
	// Kind says whose instructions it carries out: a person's own, a parent's, or a
	// service's; empty in terms of before there were others: a service's.
	Kind IdmgrKind `json:"kind,omitempty"`
	// Roles lists who of that agency keeps its rules and answers for its cases.
	Roles []string `json:"roles,omitempty"`
	// Columns are those to which it is attached (IDM-06); all where none is named.
	Columns []ident.Column `json:"columns,omitempty"`
}

// Serves reports whether the manager is attached to a column: it is brought handles of
// such columns, and of no others, and what it granted on another's counts for nothing.
func (m *Idmgr) Serves(c ident.Column) bool {
	return len(m.Columns) == 0 || slices.Contains(m.Columns, c)
}

// IdmgrKind is whose instructions an identity manager carries out (IDM-11 to 13).
type IdmgrKind string

// The kinds.
const (
	OfPerson  IdmgrKind = "person"
	OfParent  IdmgrKind = "parent"
	OfService IdmgrKind = "service"
)

// OnInstruction reports whether it does what somebody has said, so that evidence of
// their word belongs to whatever it publishes.
func (m *Idmgr) OnInstruction() bool { return m.Kind == OfPerson || m.Kind == OfParent }

// PublicKey is a public P-256 key as a JSON Web Key (RFC 7517), with its RFC
// 7638 thumbprint as kid.
type PublicKey struct {
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	Use string `json:"use,omitempty"`
	Alg string `json:"alg,omitempty"`
}

// Confidence is how sure a registrar is of whom it recognised: a level of GPG 45.
// The empty one is below all.
type Confidence string

// The levels.
const (
	LowConfidence      Confidence = "low"
	MediumConfidence   Confidence = "medium"
	HighConfidence     Confidence = "high"
	VeryHighConfidence Confidence = "very-high"
)

var confidences = []Confidence{LowConfidence, MediumConfidence, HighConfidence, VeryHighConfidence}

// Known reports whether it is one of the levels.
func (c Confidence) Known() bool { return slices.Contains(confidences, c) }

// Reaches reports whether it is at or above the least that is asked for.
func (c Confidence) Reaches(least Confidence) bool {
	return slices.Index(confidences, c) >= slices.Index(confidences, least)
}

// Mapping registers whoever signs in with a claim that has the value.
type Mapping struct {
	Claim     string           `json:"claim"`
	Value     string           `json:"value"`
	Agency    ident.Agency     `json:"agency"`
	Roles     []string         `json:"roles"`
	Providers []ident.Provider `json:"providers"`
	Hours     int              `json:"hours"` // how long one sign-in lasts in the register of users
}

// Code is one entry of a closed list.
type Code struct {
	Code  string `json:"code"`
	Title string `json:"title"`
	// Shared is what hubs call it among each other, a version included; empty: as this
	// partnership does (FED-36).
	Shared string `json:"shared,omitempty"`
}

// SharedOf is what hubs call a code of the list among each other.
func SharedOf(list []Code, code string) string {
	for _, c := range list {
		if c.Code == code && c.Shared != "" {
			return c.Shared
		}
	}
	return code
}

// LocalOf is the partnership's own code of what hubs call so; false: it has none, also
// where it calls something else so itself.
func LocalOf(list []Code, shared string) (string, bool) {
	for _, c := range list {
		if cmp.Or(c.Shared, c.Code) == shared {
			return c.Code, true
		}
	}
	return "", false
}

// Codes are the partnership's closed lists. Nothing outside them enters the
// index.
type Codes struct {
	Purposes     []Code `json:"purposes"`
	Aspects      []Code `json:"aspects"`
	Transactions []Code `json:"transactions"`
	Reasons      []Code `json:"reasons"`
	Aims         []Code `json:"aims"`
	Roles        []Code `json:"roles"`
	// Risks are what an override may name (LEG-16).
	Risks []Code `json:"risks,omitempty"`
}

// Agency is a member of the partnership.
type Agency struct {
	ID     ident.Agency `json:"id"`
	Name   string       `json:"name"`
	Kind   string       `json:"kind"`
	Starts *time.Time   `json:"starts,omitempty"`
	Ends   *time.Time   `json:"ends,omitempty"`
	// Webhook is where the agency is sent that notices wait for it; empty: nowhere.
	Webhook string `json:"webhook,omitempty"`
}

// ProviderKind is one of the five (COL-02, 000:3889-3906).
type ProviderKind string

// The five kinds.
const (
	NamedPerson ProviderKind = "named-person"
	Role        ProviderKind = "role"
	Team        ProviderKind = "team"
	Unit        ProviderKind = "unit"
	WholeAgency ProviderKind = "agency"
)

// Provider stands at the head of a column.
type Provider struct {
	ID     ident.Provider `json:"id"`
	Kind   ProviderKind   `json:"kind"`
	Title  string         `json:"title"`
	Agency ident.Agency   `json:"agency"`
	// Agencies lists the others whose people a team may include (COL-03).
	Agencies []ident.Agency `json:"agencies,omitempty"`
	// Person and Ends are required of a named person.
	Person ident.Practitioner `json:"person,omitempty"`
	Ends   *time.Time         `json:"ends,omitempty"`
}

// Column is a provider's place in the index.
type Column struct {
	ID       ident.Column   `json:"id"`
	Provider ident.Provider `json:"provider"`
	// Agency controls the column, also where a team spans several.
	Agency ident.Agency `json:"agency"`
	// Pattern is what an identifier looks like (RE2, anchored by the reader).
	Pattern string `json:"pattern"`
	// Example is shown when an identifier does not fit Pattern.
	Example string `json:"example"`
	// Scheme is the shared scheme of its identifiers, by which other hubs may ask;
	// empty: they are its own.
	Scheme string `json:"scheme,omitempty"`
	// Sensitive columns disclose on explicit consent or significant harm only.
	Sensitive bool           `json:"sensitive,omitempty"`
	Contacts  []ContactRoute `json:"contacts"`
	// Closes ends the column: its cells stop answering at that instant.
	Closes *time.Time `json:"closes,omitempty"`
}

// ContactRoute is how a provider can be reached.
type ContactRoute struct {
	Code      string `json:"code"`
	Kind      string `json:"kind"` // telephone, email, page
	Value     string `json:"value"`
	Hours     string `json:"hours"`
	Confirmed string `json:"confirmed"` // date, YYYY-MM-DD
}

// Power is a statutory power or duty with its dates (LEG-02, LEG-26).
type Power struct {
	Code     string     `json:"code"`
	Title    string     `json:"title"`
	Citation string     `json:"citation"`
	Kinds    []string   `json:"kinds"` // the kinds of agency that hold it
	Purposes []string   `json:"purposes"`
	Starts   *time.Time `json:"starts,omitempty"`
	Ends     *time.Time `json:"ends,omitempty"`
	// Duty is set where the law does not only permit sharing but requires it of
	// those listed (Children Act 2004 s.16LA).
	Duty *Duty `json:"duty,omitempty"`
}

// Duty lists whom a duty to share binds: all columns of an agency, or some.
type Duty struct {
	Agencies []ident.Agency `json:"agencies,omitempty"`
	Columns  []ident.Column `json:"columns,omitempty"`
}

func (d *Duty) binds(c *Column) bool {
	return d != nil && (slices.Contains(d.Agencies, c.Agency) || slices.Contains(d.Columns, c.ID))
}

// Bar is an express or implied statutory restriction (LEG-03). It applies when
// every list that it gives names what is proposed; an empty list means any.
type Bar struct {
	Code      string     `json:"code"`
	Title     string     `json:"title"`
	Citation  string     `json:"citation"`
	FromKinds []string   `json:"from_kinds,omitempty"`
	ToKinds   []string   `json:"to_kinds,omitempty"`
	Purposes  []string   `json:"purposes,omitempty"`
	Starts    *time.Time `json:"starts,omitempty"`
	Ends      *time.Time `json:"ends,omitempty"`
}

// LookUp is how hubs find out, under an agreement, whether another knows somebody.
type LookUp string

// The private ones: first, and who is known is then asked about by the identifier; or only,
// and no identifier crosses under the agreement.
const (
	LookUpFirst LookUp = "first"
	LookUpOnly  LookUp = "only"
)

// Agreement is an information sharing agreement (IDX-14).
type Agreement struct {
	Code    string         `json:"code"`
	Title   string         `json:"title"`
	Parties []ident.Agency `json:"parties"`
	// Purposes, powers and aspects it covers.
	Purposes []string `json:"purposes"`
	Powers   []string `json:"powers"`
	Aspects  []string `json:"aspects"`
	// Peers are the hubs with which it holds as well: what is decided under it may
	// name them, and they may ask (FED-31).
	Peers []string `json:"peers,omitempty"`
	// LookUp says whether those hubs are asked by a private look-up, in which one that does
	// not know the person learns nothing; empty: by the identifier at once.
	LookUp LookUp `json:"private_look_up,omitempty"`
	// Effect says whether it permits or mandates sharing.
	Effect string `json:"effect"`
	// Modes of act and grounds of confidentiality it allows.
	Modes   []Mode   `json:"modes"`
	Grounds []Ground `json:"grounds"`
	// Roles that may do each thing under it. The relationship-manager role is
	// granted to practitioners by naming theirs under correlate.
	Roles AgreementRoles `json:"roles"`
	// NeedsCase has an enquiry name its case where the asker's own column does
	// not publish the person.
	NeedsCase bool `json:"needs_case,omitempty"`
	// StatementLevel is the least that a registrar's statement has to be sure for
	// two identifiers to be correlated; empty: a pairing code will do.
	StatementLevel Confidence `json:"statement_level,omitempty"`
	// Receiving holds the conditions on which its parties receive (LEG-11).
	Receiving Conditions `json:"receiving"`
	// Trust is how its parties come to rely on each other; nil: directly.
	Trust  *Trust     `json:"trust,omitempty"`
	Starts *time.Time `json:"starts,omitempty"`
	Ends   *time.Time `json:"ends,omitempty"`
	Review string     `json:"review"` // date, YYYY-MM-DD
	// ReviewDays is within how many days a decision under it is looked at again,
	// where that is sooner than the law profile asks; 0: as the profile asks.
	ReviewDays int `json:"review_days,omitempty"`
}

// Party reports whether the agency has made the agreement.
func (a *Agreement) Party(id ident.Agency) bool { return slices.Contains(a.Parties, id) }

// AgreementRoles lists the role codes that may do each thing.
type AgreementRoles struct {
	Enquire   []string `json:"enquire"`
	Publish   []string `json:"publish"`
	Correlate []string `json:"correlate"`
	// Impose is the higher role that an imposed act needs (ACT-06).
	Impose []string `json:"impose,omitempty"`
	// Override is who may override a refused or absent consent (LEG-15).
	Override []string `json:"override,omitempty"`
	// Emergency lists who may declare one (PUB-08, QRY-05), Review who looks at
	// their own agency's afterwards.
	Emergency []string `json:"emergency,omitempty"`
	Review    []string `json:"review,omitempty"`
	// Approve lists the authorities that may approve an import (ACT-04).
	Approve []string `json:"approve,omitempty"`
}

// Conditions are the two data-protection conditions of one side (LEG-09).
type Conditions struct {
	Ordinary  string `json:"ordinary"`
	Sensitive string `json:"sensitive,omitempty"`
}

// Mode says who makes an act (ACT-06, 000:3932).
type Mode string

// The modes.
const (
	BySubject   Mode = "subject"
	WithConsent Mode = "supplier-with-consent"
	Joint       Mode = "joint"
	Imposed     Mode = "imposed"
)

// Ground says how a disclosure passes the duty of confidence (step 3, LEG-07).
type Ground string

// The grounds.
const (
	NotConfidential Ground = "not-confidential"
	ExplicitConsent Ground = "explicit-consent"
	ImpliedConsent  Ground = "implied-consent"
	PublicInterest  Ground = "public-interest"
	SignificantHarm Ground = "significant-harm"
	RequiredByLaw   Ground = "required-by-law"
	DutyToShare     Ground = "duty-to-share" // a power that is a duty, with the detriment question answered
	CourtOrder      Ground = "court-order"   // or one like it, with its reference as evidence
)

// OnConsent reports whether the ground ends when its consents end.
func (g Ground) OnConsent() bool { return g == ExplicitConsent || g == ImpliedConsent }

// compelled reports whether the law leaves the holder no choice, so that a
// refusal need not be overridden.
func (g Ground) compelled() bool { return g == RequiredByLaw || g == DutyToShare || g == CourtOrder }

// overrides reports whether the ground may override a refused consent.
func (g Ground) overrides() bool { return g == SignificantHarm || g == PublicInterest }

// Profile is a law profile: the words of the four questions and the conditions
// of step 4 (LEG-08).
type Profile struct {
	ID        string             `json:"id"`
	Title     string             `json:"title"`
	Questions [4]string          `json:"questions"`
	Ordinary  []ProfileCondition `json:"ordinary"`
	Sensitive []ProfileCondition `json:"sensitive"`
	// ReviewDays is the longest until a decision is looked at again (LEG-05),
	// OverrideDays that of one which overrides a person's refusal; 0: no bound.
	ReviewDays   int `json:"review_days,omitempty"`
	OverrideDays int `json:"override_days,omitempty"`
	// Duty is what the profile's duty to share asks, nil where it knows none.
	Duty *DutyQuestion `json:"duty,omitempty"`
	// Orders are the kinds of order that lift confidence.
	Orders []Code `json:"orders,omitempty"`
	// Competence is from which age a person is presumed to decide for themselves:
	// the first that names the partnership's jurisdiction, or none (LEG-21).
	Competence []Presumption `json:"competence,omitempty"`
}

// DutyQuestion is the question that a holder answers before a duty to share
// binds, and about whom it is.
type DutyQuestion struct {
	Title      string       `json:"title"`
	Question   string       `json:"question"`
	Concerning []Concerning `json:"concerning"`
}

// Presumption is an age of presumed competence. It is law, never a person's age.
type Presumption struct {
	Jurisdictions []string `json:"jurisdictions,omitempty"`
	From          int      `json:"from"`
	Citation      string   `json:"citation"`
}

// Presumes returns the presumption that holds in the partnership's
// jurisdiction, nil where the profile makes none.
func (t *Terms) Presumes() *Presumption {
	for i := range t.Profile.Competence {
		p := &t.Profile.Competence[i]
		if len(p.Jurisdictions) == 0 || slices.Contains(p.Jurisdictions, t.Partnership.Jurisdiction) {
			return p
		}
	}
	return nil
}

// ProfileCondition is one condition that step 4 may name.
type ProfileCondition struct {
	Code         string `json:"code"`
	Title        string `json:"title"`
	NeedsConsent bool   `json:"needs_consent,omitempty"`
	// NeedsExplicit asks for explicit consent: an implied one is not enough (LEG-14).
	NeedsExplicit bool `json:"needs_explicit,omitempty"`
}

// OnConsent reports whether the condition is the person's consent, of either kind.
func (p ProfileCondition) OnConsent() bool { return p.NeedsConsent || p.NeedsExplicit }

// Index builds the look-up tables. Terms are read-only from then on and safe
// for concurrent use.
func (t *Terms) Index() *Terms {
	t.agencies = byKey(t.Agencies, func(a *Agency) ident.Agency { return a.ID })
	t.providers = byKey(t.Providers, func(p *Provider) ident.Provider { return p.ID })
	t.columns = byKey(t.Columns, func(c *Column) ident.Column { return c.ID })
	t.powers = byKey(t.Powers, func(p *Power) string { return p.Code })
	t.agreements = byKey(t.Agreements, func(a *Agreement) string { return a.Code })
	return t
}

func byKey[K comparable, V any](list []V, key func(*V) K) map[K]*V {
	m := make(map[K]*V, len(list))
	for i := range list {
		m[key(&list[i])] = &list[i]
	}
	return m
}

// FindAgency returns the member, nil for none or one that is not a member at
// that instant.
func (t *Terms) FindAgency(id ident.Agency, at time.Time) *Agency {
	if a := t.agencies[id]; a != nil && within(at, a.Starts, a.Ends) {
		return a
	}
	return nil
}

// FindRegistrar returns the registrar of that code, nil for none.
func (t *Terms) FindRegistrar(code string) *Registrar {
	for i := range t.Registrars {
		if t.Registrars[i].Code == code {
			return &t.Registrars[i]
		}
	}
	return nil
}

// FindManager returns the identity manager of that code, nil for none.
func (t *Terms) FindManager(code ident.Idmgr) *Idmgr {
	for i := range t.Managers {
		if t.Managers[i].Code == code {
			return &t.Managers[i]
		}
	}
	return nil
}

// FindColumn returns the column, nil for none or one that is closed, whose
// named person has left, or whose agency is no member at that instant.
func (t *Terms) FindColumn(id ident.Column, at time.Time) *Column {
	c := t.columns[id]
	if c == nil || !within(at, nil, c.Closes) || t.FindAgency(c.Agency, at) == nil {
		return nil
	}
	if p := t.providers[c.Provider]; p == nil || !within(at, nil, p.Ends) {
		return nil
	}
	return c
}

// Column returns the column whether open or closed, nil for none.
func (t *Terms) Column(id ident.Column) *Column { return t.columns[id] }

// ProviderOf returns the provider at the head of the column.
func (t *Terms) ProviderOf(c *Column) *Provider { return t.providers[c.Provider] }

// StatementLevel is the least confidence of a statement on which an agreement
// correlates, empty where a code will do or there is no such agreement.
func (t *Terms) StatementLevel(agreement string) Confidence {
	if a := t.agreements[agreement]; a != nil {
		return a.StatementLevel
	}
	return ""
}

// FindAgreement returns the agreement if it is in force at that instant.
func (t *Terms) FindAgreement(code string, at time.Time) *Agreement {
	if a := t.agreements[code]; a != nil && within(at, a.Starts, a.Ends) {
		return a
	}
	return nil
}

// Route returns the column's contact route of that code, nil for none.
func (c *Column) Route(code string) *ContactRoute {
	for i := range c.Contacts {
		if c.Contacts[i].Code == code {
			return &c.Contacts[i]
		}
	}
	return nil
}

// Has reports whether a closed list holds the code.
func Has(list []Code, code string) bool {
	return slices.ContainsFunc(list, func(c Code) bool { return c.Code == code })
}

// TitleOf returns the words of a code, the code itself where there are none.
func TitleOf(list []Code, code string) string {
	for _, c := range list {
		if c.Code == code && c.Title != "" {
			return c.Title
		}
	}
	return code
}

// within reports starts ≤ at < ends, an absent bound being open.
func within(at time.Time, starts, ends *time.Time) bool {
	return (starts == nil || !at.Before(*starts)) && (ends == nil || at.Before(*ends))
}

// HasAll reports whether a closed list holds every code.
func HasAll(list []Code, codes []string) bool {
	return !slices.ContainsFunc(codes, func(c string) bool { return !Has(list, c) })
}

// HasAgreement reports whether the partnership has ever declared the agreement,
// in force or not.
func (t *Terms) HasAgreement(code string) bool { return t.agreements[code] != nil }

// HasPower reports whether the partnership has ever declared the power.
func (t *Terms) HasPower(code string) bool { return t.powers[code] != nil }

// HasAudience reports whether everyone named is a member or a column of the
// partnership.
func (t *Terms) HasAudience(a Audience) bool {
	return !slices.ContainsFunc(a.Names, func(name string) bool {
		if a.Kind == ToPeers {
			return !t.hasPeer(name)
		}
		if a.Kind == ToColumns {
			return t.columns[ident.Column(name)] == nil
		}
		return t.agencies[ident.Agency(name)] == nil
	})
}

// hasPeer reports whether an agreement names the hub.
func (t *Terms) hasPeer(hub string) bool {
	return slices.ContainsFunc(t.Agreements, func(a Agreement) bool { return slices.Contains(a.Peers, hub) })
}

// Agreement returns the agreement whether in force or not, nil for none.
func (t *Terms) Agreement(code string) *Agreement { return t.agreements[code] }

// AgencyName returns the words of a member's code.
func (t *Terms) AgencyName(id ident.Agency) string {
	if a := t.agencies[id]; a != nil {
		return a.Name
	}
	return string(id)
}
