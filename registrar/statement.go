package registrar

import (
	"context"
	"fmt"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
)

// secretEpoch is that of HubSecretsKey.
const secretEpoch = 1

// hubSecret is what one hub's relationship manager knows a person by. No two hubs'
// are alike, and neither says anything of the person.
func (s *Service) hubSecret(ctx context.Context, subject ident.Subject, hub string) (attest.HubSecret, error) {
	sum, err := s.keys.MAC(ctx, HubSecretsKey, append(subject[:], hub...))
	if err != nil {
		return attest.HubSecret{}, fmt.Errorf("registrar: hub secret: %w", err)
	}
	return attest.NewHubSecret(sum, secretEpoch), nil
}

// asker is who may use a recognition, and at which hub they ask.
type asker struct {
	hub          string
	practitioner ident.Practitioner
	agency       ident.Agency
}

// stateRecognition signs a recognition for the one who asked, to each hub that takes this
// registrar's word, with the person's secret of that hub encrypted to its relationship manager
// (docs/decisions/0045): the one for the asker's own hub, and those for the others.
func (s *Service) stateRecognition(ctx context.Context, by asker, to []hubTo, r Recognition, subject ident.Subject, at time.Time) (own string, elsewhere []StatementAt, err error) {
	for _, hub := range to {
		if hub.keys.IsZero() {
			continue // this registrar knows no relationship manager of its own
		}
		sealed, err := s.sealedFor(ctx, subject, hub)
		if err != nil {
			return "", nil, err
		}
		text, err := hub.signer.SignRecognition(ctx, attest.Recognition{
			Audience: hub.hub + "/relmgr", Practitioner: by.practitioner, Agency: by.agency, Level: string(r.Confidence), Types: r.Types, Secret: sealed,
			IssuedAt: at, Expires: at.Add(hub.life), ID: r.ID,
		})
		switch {
		case err != nil:
			return "", nil, err
		case hub.hub == by.hub:
			own = text
		default:
			elsewhere = append(elsewhere, StatementAt{hub.hub, text})
		}
	}
	return own, elsewhere, nil
}

// Statements are what the portal may ask with, once somebody has signed in: each a
// compact JWS for the relationship manager alone.
type Statements struct {
	// Own is empty for who cannot decide for themself.
	Own string
	// NeedsRepresentative says that an adult with authority asks for who has signed in.
	NeedsRepresentative bool
	// For are those for whom who has signed in acts.
	For []StatementFor
	// Elsewhere is Own for each other hub that takes this registrar's word.
	Elsewhere []StatementAt
}

// StatementAt is what one other hub is told of who has signed in, and none but that one can
// read.
type StatementAt struct {
	Hub       string `json:"hub"`
	Statement string `json:"recognition"`
}

// StatementFor is of somebody for whom another has signed in.
type StatementFor struct {
	Authority string   `json:"authority"`
	Scope     []string `json:"scope"`
	Statement string   `json:"recognition"`
	// Elsewhere is Statement for each other hub that takes this registrar's word.
	Elsewhere []StatementAt `json:"elsewhere,omitempty"`
}

// StateSubject signs who has signed in, and for whom else they act, as long as a
// statement lives. What rests on an authenticator that has been revoked is stated no
// more; nor is a representation of somebody who can decide for themself, or by somebody
// who cannot (LEG-21, SUB-12). Empty where the registrar knows no relationship manager.
func (s *Accounts) StateSubject(ctx context.Context, of Session) (out Statements, err error) {
	defer fault.Wrap(&err, "registrar.StateSubject")
	if s.to.IsZero() {
		return Statements{}, nil
	}
	at := s.now()
	terms, err := s.terms(ctx)
	if err != nil {
		return Statements{}, err
	}
	own, err := s.standingOf(ctx, terms, of.Subject, at)
	if err != nil || !own.competent {
		return Statements{NeedsRepresentative: err == nil}, err
	}
	acr := of.Level().String()
	to, err := s.hubs(ctx, terms)
	if err != nil {
		return Statements{}, err
	}
	if out.Own, out.Elsewhere, err = s.stateAll(ctx, to, own, attest.Subject{ACR: acr}, at); err != nil {
		return Statements{}, err
	}
	rows, err := s.queries.ListRepresented(ctx, s.db, registrardb.ListRepresentedParams{Representative: ident.UntypedID(own.subject), Now: at})
	if err != nil {
		return Statements{}, pg.Fault(err)
	}
	for _, r := range rows {
		other, err := s.standingOf(ctx, terms, ident.Subject(r.SubjectID), at)
		if err != nil {
			return Statements{}, err
		}
		if other.competent {
			continue
		}
		said, elsewhere, err := s.stateAll(ctx, to, other, attest.Subject{ACR: acr, Authority: r.Authority, Scope: r.Scope}, at)
		if err != nil {
			return Statements{}, err
		}
		out.For = append(out.For, StatementFor{r.Authority, r.Scope, said, elsewhere})
	}
	return out, nil
}

// stated is a person as a statement says.
type stated struct {
	subject   ident.Subject
	level     match.Confidence
	competent bool
}

// standingOf is what stands in a register of one person now.
func (s *Service) standingOf(ctx context.Context, terms *decide.Terms, subject ident.Subject, at time.Time) (stated, error) {
	entry, err := s.queries.FindSurvivor(ctx, s.db, ident.UntypedID(subject))
	if err != nil {
		return stated{}, pg.Fault(err)
	}
	all, err := s.members(ctx, s.db, entry.SubjectID, false)
	if err != nil {
		return stated{}, err
	}
	items, err := s.known(ctx, s.db, all)
	if err != nil {
		return stated{}, err
	}
	done, err := s.checksOf(ctx, s.db, all)
	if err != nil {
		return stated{}, err
	}
	p := stated{subject: entry.SubjectID}
	p.level, _, _ = standing(items, done, entry.SelfRegistered, at)
	p.competent, err = s.competent(ctx, terms, p.subject, items, at)
	return p, err
}

// hubTo is a hub that takes this registrar's word: what it calls the registrar, what its
// relationship manager opens, and how long a statement lives there.
type hubTo struct {
	hub    string
	signer *attest.Signer
	keys   attest.Recipients
	life   time.Duration
}

// hubs are those that take this registrar's word, the own one first.
func (s *Service) hubs(ctx context.Context, terms *decide.Terms) ([]hubTo, error) {
	all := []hubTo{{terms.Partnership.Hub, s.signer, s.to, statementLife(terms)}}
	rows, err := s.queries.ListAdmitting(ctx, s.db, string(s.registrar))
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		keys, err := attest.ParseRecipients([]byte(r.Jwks))
		if err != nil {
			return nil, err
		}
		all = append(all, hubTo{r.Hub, attest.NewSigner(s.keys, SigningKey(s.registrar), r.KnownAs), keys, min(statementLife(terms), time.Duration(r.Minutes)*time.Minute)})
	}
	return all, nil
}

// stateAll states a person to the own hub, and to each other: no two are told the same of them.
func (s *Service) stateAll(ctx context.Context, to []hubTo, p stated, said attest.Subject, at time.Time) (own string, elsewhere []StatementAt, err error) {
	for i, hub := range to {
		sealed, err := s.sealedFor(ctx, p.subject, hub)
		if err != nil {
			return "", nil, err
		}
		said.Audience, said.Level, said.Secret, said.IssuedAt, said.Expires = hub.hub+"/relmgr", string(p.level), sealed, at, at.Add(hub.life)
		text, err := hub.signer.SignSubject(ctx, said)
		if err != nil {
			return "", nil, err
		}
		if i == 0 {
			own = text
		} else {
			elsewhere = append(elsewhere, StatementAt{hub.hub, text})
		}
	}
	return own, elsewhere, nil
}

// sealedFor is what a hub's relationship manager knows a person by, encrypted to it.
func (s *Service) sealedFor(ctx context.Context, subject ident.Subject, to hubTo) (string, error) {
	secret, err := s.hubSecret(ctx, subject, to.hub)
	if err != nil {
		return "", err
	}
	return to.keys.Encrypt(secret)
}

func audience(terms *decide.Terms) string { return terms.Partnership.Hub + "/relmgr" }

func statementLife(terms *decide.Terms) time.Duration {
	return time.Duration(terms.Settings.StatementMinutes) * time.Minute
}
