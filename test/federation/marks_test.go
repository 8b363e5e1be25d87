//go:build goexperiment.jsonv2

package federation

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	oidfed "github.com/go-oidfed/lib"
	"github.com/go-oidfed/lib/jwx"
	"github.com/lestrrat-go/jwx/v4/jwa"

	"github.com/fame-hub/fame/federation/entity"
)

const subject = "https://subject.example"

// signed is what an entity of the federation says, as our side signs.
func (f *federation) signed(t *testing.T, name, typ string, claims any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: f.keys[name], KeyID: f.kid(name)}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (f *federation) set(t *testing.T, name string) entity.Keys {
	t.Helper()
	b, err := json.Marshal(f.jwks(name))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := entity.ParseKeys(b)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// anchored is the anchor's configuration, as our side states it: the region and the anchor give marks of two kinds, of
// which the leaf owns one.
func (f *federation) anchored(t *testing.T, owned, own string) string {
	t.Helper()
	keys, owner, now := f.set(t, "anchor"), f.set(t, "leaf"), time.Now()
	return f.signed(t, "anchor", entity.Typ, entity.Statement{
		Issuer: f.id("anchor"), Subject: f.id("anchor"), IssuedAt: now.Unix(), Expires: now.Add(time.Hour).Unix(), Keys: &keys,
		TrustMarkIssuers: map[string][]string{owned: {f.id("region"), f.id("anchor")}, own: {f.id("anchor")}},
		TrustMarkOwners:  map[string]entity.Owner{owned: {Subject: f.id("leaf"), Keys: &owner}},
	})
}

// Issue 7: go-oidfed/lib verifies marks that our side has signed, its own and in an owner's name, under an anchor
// that our side has stated; one without the owner's word it refuses.
func TestThePartnerVerifiesOurMarks(t *testing.T) {
	f := newFederation(t)
	owned, own, now := f.id("leaf")+"/names/marks/tested", f.id("anchor")+"/names/marks/floor-kept", time.Now()
	ta, err := oidfed.ParseEntityStatement([]byte(f.anchored(t, owned, own)))
	if err != nil {
		t.Fatal(err)
	}
	delegation := f.signed(t, "leaf", entity.DelegationTyp, map[string]any{"iss": f.id("leaf"), "sub": f.id("anchor"), "trust_mark_type": owned, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()})
	for name, c := range map[string]struct {
		kind, delegation string
		good             bool
	}{"its own": {own, "", true}, "an owner's": {owned, delegation, true}, "an owner's, without its word": {owned, "", false}} {
		text := f.signed(t, "anchor", entity.MarkTyp, entity.Mark{
			Issuer: f.id("anchor"), Subject: subject, Type: c.kind, ID: "3", IssuedAt: now.Unix(), Expires: now.Add(time.Hour).Unix(), Delegation: c.delegation,
		})
		mark, err := oidfed.ParseTrustMark([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := mark.VerifyFederation(&ta.EntityStatementPayload); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// ... and our side those that it has signed.
func TestOurSideVerifiesThePartnersMarks(t *testing.T) {
	f := newFederation(t)
	owned, own, now := f.id("leaf")+"/names/marks/tested", f.id("anchor")+"/names/marks/floor-kept", time.Now()
	by := func(name string) jwx.VersatileSigner {
		return jwx.NewSingleKeyVersatileSigner(f.keys[name], jwa.ES256())
	}
	owner := oidfed.NewTrustMarkOwner(f.id("leaf"), jwx.NewTrustMarkDelegationSigner(by("leaf")), []oidfed.OwnedTrustMark{{ID: owned, DelegationLifetime: time.Hour}})
	delegation, err := owner.DelegationJWT(owned, f.id("region"))
	if err != nil {
		t.Fatal(err)
	}
	chain, err := entity.Verify([]string{f.anchored(t, owned, own)}, entity.Anchor{Entity: f.id("anchor"), Keys: f.set(t, "anchor")}, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		delegation string
		good       bool
	}{"by the owner's word": {string(delegation), true}, "without it": {"", false}} {
		issuer := oidfed.NewTrustMarkIssuer(f.id("region"), jwx.NewTrustMarkSigner(by("region")), []oidfed.TrustMarkSpec{{TrustMarkType: owned, DelegationJWT: c.delegation}})
		text, _, err := issuer.IssueTrustMark(owned, subject, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := chain.OpenMark(text, subject, f.set(t, "region"), time.Now()); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
