package attest

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// TypCommonClient is the type of a CommonClient.
const TypCommonClient = "fame-common-client+jwt"

// CommonClient is a registrar's word that two pairings at a hub are of one
// person in its register (AUT-09). It knows each pairing by a reference that the
// agency which opened it handed over, and says nothing of the person. Times are
// cut to whole seconds.
type CommonClient struct {
	Issuer     string // the registrar's code; set by VerifyCommonClient
	Audience   string
	References [2]string
	Level      string   // of confidence, of the less certain recognition
	Types      []string // the kinds of recognition data used
	IssuedAt   time.Time
	Expires    time.Time
	ID         ident.StatementID // drawn when signing, if zero
}

type commonClientClaims struct {
	Issuer     string            `json:"iss,omitempty"`
	Audience   string            `json:"aud"`
	IssuedAt   int64             `json:"iat"`
	NotBefore  int64             `json:"nbf"`
	Expires    int64             `json:"exp"`
	ID         ident.StatementID `json:"jti"`
	References []string          `json:"references"`
	Level      string            `json:"level"`
	Types      []string          `json:"types"`
}

func (c commonClientClaims) complete() bool {
	return !c.ID.IsZero() && len(c.References) == 2 && c.References[0] != "" && c.References[1] != "" &&
		c.References[0] != c.References[1] && c.Level != "" && len(c.Types) > 0
}

// SignCommonClient signs a statement. Every field but Issuer and ID must be set.
func (s *Signer) SignCommonClient(ctx context.Context, p CommonClient) (string, error) {
	if p.ID.IsZero() {
		p.ID = ident.NewStatement()
	}
	c := commonClientClaims{
		Issuer: p.Issuer, Audience: p.Audience, IssuedAt: p.IssuedAt.Unix(), NotBefore: p.IssuedAt.Unix(), Expires: p.Expires.Unix(),
		ID: p.ID, References: p.References[:], Level: p.Level, Types: p.Types,
	}
	if !c.complete() {
		return "", errors.New("attest: not signed: a common-client statement names two references, a level and types of recognition data")
	}
	return s.Sign(ctx, TypCommonClient, c)
}

// VerifyCommonClient returns the statement that token carries for the audience,
// or an error as Verify does. One that was to live for longer than maxLifetime is
// refused. Whether the level and the types are known is the caller's to check.
func (v *Verifier) VerifyCommonClient(ctx context.Context, token, audience string, maxLifetime time.Duration) (CommonClient, error) {
	var c commonClientClaims
	if err := v.Verify(ctx, token, Expect{TypCommonClient, audience, maxLifetime}, &c); err != nil {
		return CommonClient{}, err
	}
	if !c.complete() {
		return CommonClient{}, refused("the common-client statement lacks a claim")
	}
	return CommonClient{
		Issuer: c.Issuer, Audience: c.Audience, References: [2]string(c.References), Level: c.Level, Types: c.Types,
		IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC(), ID: c.ID,
	}, nil
}

// KeysOf makes a set of keys that each marshal to a JWK.
func KeysOf[K any](jwks ...K) (KeySet, error) {
	b, err := stdjson.Marshal(map[string][]K{"keys": jwks})
	if err != nil {
		return KeySet{}, errKeySet
	}
	return ParseKeySet(b)
}
