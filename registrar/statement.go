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

// stateRecognition signs a recognition for the one who asked, with the person's
// secret encrypted to the relationship manager (docs/decisions/0045).
func (s *Service) stateRecognition(ctx context.Context, caller decide.Caller, r Recognition, subject ident.Subject, at time.Time) (string, error) {
	sealed, err := s.sealedTo(ctx, subject, caller.Terms)
	if sealed == "" || err != nil {
		return "", err
	}
	return s.signer.SignRecognition(ctx, attest.Recognition{
		Audience: audience(caller.Terms), Practitioner: caller.Practitioner, Agency: caller.Agency, Level: string(r.Confidence), Types: r.Types, Secret: sealed,
		IssuedAt: at, Expires: at.Add(statementLife(caller.Terms)), ID: r.ID,
	})
}

// StateSubject signs who has signed in, for the relationship manager alone, as long as
// a statement lives: with it the portal asks as that person. What rests on an
// authenticator that has been revoked is stated no more. Empty where the registrar
// knows no relationship manager.
func (s *Accounts) StateSubject(ctx context.Context, of Session) (statement string, err error) {
	defer fault.Wrap(&err, "registrar.StateSubject")
	at := s.now()
	terms, err := s.terms(ctx)
	if err != nil {
		return "", err
	}
	entry, err := s.queries.FindSurvivor(ctx, s.db, ident.UntypedID(of.Subject))
	if err != nil {
		return "", pg.Fault(err)
	}
	sealed, err := s.sealedTo(ctx, entry.SubjectID, terms)
	if sealed == "" || err != nil {
		return "", err
	}
	all, err := s.members(ctx, s.db, entry.SubjectID, false)
	if err != nil {
		return "", err
	}
	items, err := s.known(ctx, s.db, all)
	if err != nil {
		return "", err
	}
	done, err := s.checksOf(ctx, s.db, all)
	if err != nil {
		return "", err
	}
	level, _, _ := standing(items, done, entry.SelfRegistered, at)
	return s.signer.SignSubject(ctx, attest.Subject{
		Audience: audience(terms), Level: string(level), ACR: of.Level().String(), Secret: sealed, IssuedAt: at, Expires: at.Add(statementLife(terms)),
	})
}

// sealedTo is what the hub's relationship manager knows a person by, encrypted to it;
// empty where the registrar knows none.
func (s *Service) sealedTo(ctx context.Context, subject ident.Subject, terms *decide.Terms) (string, error) {
	if s.to.IsZero() {
		return "", nil
	}
	secret, err := s.hubSecret(ctx, subject, terms.Partnership.Hub)
	if err != nil {
		return "", err
	}
	return s.to.Encrypt(secret)
}

func audience(terms *decide.Terms) string { return terms.Partnership.Hub + "/relmgr" }

func statementLife(terms *decide.Terms) time.Duration {
	return time.Duration(terms.Settings.StatementMinutes) * time.Minute
}
