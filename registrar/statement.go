package registrar

import (
	"context"
	"fmt"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
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
	if s.to.IsZero() {
		return "", nil
	}
	hub := caller.Terms.Partnership.Hub
	secret, err := s.hubSecret(ctx, subject, hub)
	if err != nil {
		return "", err
	}
	sealed, err := s.to.Encrypt(secret)
	if err != nil {
		return "", err
	}
	return s.signer.SignRecognition(ctx, attest.Recognition{
		Audience: hub + "/relmgr", Practitioner: caller.Practitioner, Agency: caller.Agency, Level: string(r.Confidence), Types: r.Types, Secret: sealed,
		IssuedAt: at, Expires: at.Add(time.Duration(caller.Terms.Settings.StatementMinutes) * time.Minute), ID: r.ID,
	})
}
