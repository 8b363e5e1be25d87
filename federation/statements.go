package federation

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/federation/registers"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Prefix is where the duty is served.
const Prefix = "/federation/v1"

// configurationLives is how long what the hub states of itself may be kept.
const configurationLives = time.Hour

// Endpoints are where a hub takes what, by the names of its metadata. Empty: it does
// not.
type Endpoints struct {
	Fetch      string `json:"-"` // of federation_entity
	Registrars string `json:"registrars_endpoint,omitempty"`
}

// hubMetadata is the metadata of the type fame_hub: what peers need of a hub, and nothing of
// a person.
type hubMetadata struct {
	Version int             `json:"version"` // of the messages between hubs
	LogKey  string          `json:"log_key"` // verifies the hub's checkpoints (C2SP signed-note)
	Keys    json.RawMessage `json:"jwks"`    // what messages to it are encrypted to
	LookUp  *LookUpKey      `json:"look_up,omitempty"`
	// Coverage is about whom the hub can be asked; nil of a hub that does not say.
	Coverage *Coverage `json:"coverage,omitempty"`
	// Recognitions is whose word of a person the hub takes; nil: of no other hub's registrar.
	Recognitions *Recognitions `json:"recognitions,omitempty"`
	Endpoints
}

// Coverage is about whom a hub can be asked: the schemes of identifiers that its columns
// use (FED-25), and where the people live (FED-24). A question by another scheme, or about
// somebody from elsewhere, is not sent.
type Coverage struct {
	Schemes []string `json:"schemes"`
	Areas   []string `json:"areas,omitempty"` // none: it does not say
}

// covers reports whether a hub can be asked by identifiers of the scheme about people of an
// area; none: of any.
func (c *Coverage) covers(scheme, area string) bool {
	return c == nil || slices.Contains(c.Schemes, scheme) && (area == "" || len(c.Areas) == 0 || slices.Contains(c.Areas, area))
}

func coverageOf(t *decide.Terms, at time.Time) Coverage {
	c := Coverage{Schemes: []string{}, Areas: t.Partnership.Areas}
	for i := range t.Columns {
		if s := t.Columns[i].Scheme; s != "" && t.FindColumn(t.Columns[i].ID, at) != nil {
			c.Schemes = append(c.Schemes, s)
		}
	}
	slices.Sort(c.Schemes)
	c.Schemes = slices.Compact(c.Schemes)
	return c
}

// Recognitions are the registrars whose word of a person a hub takes, for how long at the most,
// and what the hub's relationship manager is to be known a person by is encrypted to.
type Recognitions struct {
	Keys       json.RawMessage  `json:"jwks"`
	Minutes    int              `json:"minutes"`
	Registrars []KnownRegistrar `json:"registrars"`
}

// KnownRegistrar is a registrar as a hub calls it, and the keys by which another hub sees that
// it is one of its own.
type KnownRegistrar struct {
	Code ident.Registrar `json:"code"`
	Kids []string        `json:"kids"`
}

// recognitions are stated of the registrars that are in the register of registrars and not
// suspended. Nil where this process does not know what relmgr opens.
func (s *Service) recognitions(ctx context.Context, t *decide.Terms) (*Recognitions, error) {
	if s.toRelmgr.IsZero() {
		return nil, nil
	}
	rows, err := s.q.ListRegistrars(ctx, s.db)
	if err != nil {
		return nil, pg.Fault(err)
	}
	keys, err := json.Marshal(s.toRelmgr)
	if err != nil {
		return nil, err
	}
	out := &Recognitions{Keys: keys, Minutes: t.Settings.StatementMinutes, Registrars: []KnownRegistrar{}}
	for _, row := range rows {
		r := t.FindRegistrar(string(row.Registrar))
		if state := statuses[row.State]; r == nil || state != registers.Admitted && state != registers.Flagged {
			continue
		}
		one := KnownRegistrar{Code: row.Registrar}
		for _, k := range r.Keys {
			one.Kids = append(one.Kids, k.Kid)
		}
		out.Registrars = append(out.Registrars, one)
	}
	return out, nil
}

// aCode is what the database's domain governance.code accepts.
var aCode = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// admitted keeps what a peer states of this hub's registrars: each is told by its keys, whatever
// either hub calls it.
func (s *Service) admitted(ctx context.Context, hub string, said *Recognitions) error {
	terms, err := s.terms(ctx)
	if err != nil {
		return err
	}
	p := federationdb.KeepAdmittedParams{Hub: hub, Registrars: []string{}, KnownAs: []string{}}
	if said != nil {
		p.Jwks, p.Minutes = string(said.Keys), int32(min(max(said.Minutes, 1), 60))
		if _, err := attest.ParseRecipients(said.Keys); err != nil {
			return errNoHub
		}
		for i := range terms.Registrars {
			r := &terms.Registrars[i]
			at := slices.IndexFunc(said.Registrars, func(k KnownRegistrar) bool {
				return r.Code != "" && slices.ContainsFunc(r.Keys, func(own decide.PublicKey) bool { return slices.Contains(k.Kids, own.Kid) })
			})
			if at >= 0 && aCode.MatchString(string(said.Registrars[at].Code)) {
				p.Registrars, p.KnownAs = append(p.Registrars, r.Code), append(p.KnownAs, string(said.Registrars[at].Code))
			}
		}
	}
	return pg.Fault(s.q.KeepAdmitted(ctx, s.db, p))
}

// LookUpKey is the key of a hub's private look-ups, which its proofs are held to: one for
// everybody, and none made for one asker (docs/threat-model.md).
type LookUpKey struct {
	Epoch     int    `json:"epoch"`
	PublicKey []byte `json:"public_key"`
}

// hubVersion is the version of what hubs say to each other.
const hubVersion = 1

// metadataOf reads the metadata of a hub, as another hub states it.
func metadataOf(s *entity.Statement) (m hubMetadata, to attest.Recipients, err error) {
	b, err := json.Marshal(s.Metadata[entity.Hub])
	if err != nil {
		return m, to, err
	}
	if err := json.Unmarshal(b, &m); err != nil || m.Version < 1 || m.LogKey == "" {
		return m, to, errNoHub
	}
	m.Fetch, _ = s.Metadata[entity.FederationEntity]["federation_fetch_endpoint"].(string)
	if to, err = attest.ParseRecipients(m.Keys); err != nil {
		return m, to, errNoHub
	}
	return m, to, nil
}

var errNoHub = errors.New("what is stated is no hub's")

// Configuration is what the hub states of itself (OpenID Federation 1.1, section 9).
func (s *Service) Configuration(ctx context.Context) (text string, err error) {
	defer fault.Wrap(&err, "federation.Configuration")
	if entity.CheckID(s.hub) != nil {
		return "", fault.New(fault.NotKnown, "this hub has no address that other hubs can reach")
	}
	terms, err := s.terms(ctx)
	if err != nil {
		return "", err
	}
	peers, err := s.q.ListPeers(ctx, s.db)
	if err != nil {
		return "", pg.Fault(err)
	}
	keys, err := json.Marshal(s.sealed)
	if err != nil {
		return "", err
	}
	hub, err := s.identity(ctx)
	if err != nil {
		return "", err
	}
	own, at := hub.stated, s.now()
	said := entity.Statement{
		Issuer: s.hub, Subject: s.hub, IssuedAt: at.Unix(), Expires: at.Add(configurationLives).Unix(), Keys: &own,
		Metadata: entity.Metadata{
			entity.FederationEntity: {
				"organization_name":           terms.Partnership.Name,
				"federation_fetch_endpoint":   s.hub + Prefix + "/fetch",
				"federation_list_endpoint":    s.hub + Prefix + "/list",
				"federation_resolve_endpoint": s.hub + Prefix + "/resolve",

				"federation_historical_keys_endpoint": s.hub + Prefix + "/historical-keys",

				"federation_trust_mark_endpoint":        s.hub + Prefix + "/trust-mark",
				"federation_trust_mark_list_endpoint":   s.hub + Prefix + "/trust-mark-list",
				"federation_trust_mark_status_endpoint": s.hub + Prefix + "/trust-mark-status",
			},
			entity.Hub: {"registrars_endpoint": s.hub + Prefix + "/registrars", "version": hubVersion, "log_key": s.logKey, "jwks": json.RawMessage(keys)},
		},
	}
	said.Metadata[entity.Hub]["coverage"] = coverageOf(terms, at)
	if key, err := s.q.FindLookUpKey(ctx, s.db); err == nil {
		said.Metadata[entity.Hub]["look_up"] = LookUpKey{int(key.Epoch), key.PublicKey}
	} else if !errors.Is(err, sql.ErrNoRows) {
		return "", pg.Fault(err)
	}
	if known, err := s.recognitions(ctx, terms); err != nil {
		return "", err
	} else if known != nil {
		said.Metadata[entity.Hub]["recognitions"] = known
	}
	if said.TrustMarkIssuers, err = s.markIssuers(ctx); err != nil {
		return "", err
	}
	// Those who state something about this hub, as it was last seen.
	for _, p := range peers {
		if p.Theirs == seeConfirmed && inForce(p.Ours) && len(said.AuthorityHints) < mostHints {
			said.AuthorityHints = append(said.AuthorityHints, p.EntityID)
		}
	}
	return s.signs(ctx, entity.Typ, said)
}

// mostHints bounds what whoever follows them is given.
const mostHints = 64

// About is what the hub states about a peer in force: its keys, the agreement, and that
// it is a hub. Of whoever is none it states nothing: NotKnown.
func (s *Service) About(ctx context.Context, subject string) (text string, err error) {
	defer fault.Wrap(&err, "federation.About")
	p, err := s.q.FindPeer(ctx, s.db, subject)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errNothingStated()
	}
	if err != nil {
		return "", pg.Fault(err)
	}
	agreed, _, err := agreementOf([]byte(p.Document))
	if err != nil {
		return "", err
	}
	at := s.now()
	if !inForce(p.Ours) || !agreed.Until.After(at) {
		return "", errNothingStated()
	}
	ends := at.Add(agreed.Bound())
	if agreed.Until.Before(ends) {
		ends = agreed.Until
	}
	keys, err := entity.ParseKeys([]byte(p.Keys))
	if err != nil {
		return "", err
	}
	return s.signs(ctx, entity.Typ, entity.Statement{
		Issuer: s.hub, Subject: subject, IssuedAt: at.Unix(), Expires: ends.Unix(), Keys: &keys, SourceEndpoint: s.hub + Prefix + "/fetch",
		Agreement: []byte(p.Document),
	})
}

func errNothingStated() error {
	return fault.New(fault.NotKnown, "this hub states nothing about that address: GET %s/list has those whom it states something about", Prefix)
}

// List is of whom the hub states something.
func (s *Service) List(ctx context.Context) (all []string, err error) {
	defer fault.Wrap(&err, "federation.List")
	peers, err := s.q.ListPeers(ctx, s.db)
	if err != nil {
		return nil, pg.Fault(err)
	}
	all = []string{}
	for _, p := range peers {
		if inForce(p.Ours) {
			all = append(all, p.EntityID)
		}
	}
	return all, nil
}
