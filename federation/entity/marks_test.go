package entity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fame-hub/fame/federation/entity"
)

// Issue 7: a mark counts where the anchor knows its issuer for its type, and, where it states that somebody
// owns the type, by that owner's word to that very issuer, for its time.
func TestAMarkOfAnOwnedTypeIsGivenByItsOwnersWord(t *testing.T) {
	t.Parallel()
	w := region(t)
	w.add("owner")
	w.add("stranger")
	kind, open := id("owner")+"/marks/tested", id("anchor")+"/marks/anybody"
	owners := w.keySet("owner")
	w.config[id("anchor")].TrustMarkIssuers = map[string][]string{kind: {id("region")}, open: {}}
	w.config[id("anchor")].TrustMarkOwners = map[string]entity.Owner{kind: {Subject: id("owner"), Keys: &owners}}
	c, err := w.build("leaf", "anchor")
	w.must(err)
	type claims = map[string]any
	delegation := func(change claims) string {
		d := claims{"iss": id("owner"), "sub": id("region"), "trust_mark_type": kind, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
		for k, v := range change {
			d[k] = v
		}
		return w.sign(id("owner"), entity.DelegationTyp, d)
	}
	opens := func(by, kind, delegation string) error {
		m := entity.Mark{Issuer: id(by), Subject: id("leaf"), Type: kind, IssuedAt: now.Unix(), Expires: now.Add(time.Hour).Unix(), Delegation: delegation}
		_, err := c.OpenMark(w.sign(id(by), entity.MarkTyp, m), id("leaf"), w.keySet(by), now)
		return err
	}
	w.must(opens("region", kind, delegation(nil)))
	w.must(opens("region", kind, delegation(claims{"ref": "https://owner.example/why"})))
	w.must(opens("stranger", open, ""))
	for name, err := range map[string]error{
		"without the owner's word":                       opens("region", kind, ""),
		"by one whom the anchor knows not":               opens("stranger", kind, delegation(claims{"sub": id("stranger")})),
		"by a word to another":                           opens("region", kind, delegation(claims{"sub": id("stranger")})),
		"by a word of another type":                      opens("region", kind, delegation(claims{"trust_mark_type": open})),
		"by another's word":                              opens("region", kind, delegation(claims{"iss": id("stranger")})),
		"by a word that is over":                         opens("region", kind, delegation(claims{"exp": now.Unix()})),
		"by a word of the future":                        opens("region", kind, delegation(claims{"iat": now.Add(time.Hour).Unix()})),
		"by a word that is signed by itself":             opens("region", kind, w.sign(id("region"), entity.DelegationTyp, claims{"iss": id("owner"), "sub": id("region"), "trust_mark_type": kind, "iat": now.Unix()})),
		"by a word that is a mark":                       opens("region", kind, w.sign(id("owner"), entity.MarkTyp, claims{"iss": id("owner"), "sub": id("region"), "trust_mark_type": kind, "iat": now.Unix()})),
		"of a type that nobody owns, by somebody's word": opens("region", open, delegation(claims{"trust_mark_type": open})),
		"of a type that the anchor does not name":        opens("region", id("anchor")+"/marks/none", ""),
	} {
		if !errors.Is(err, entity.ErrRefused) {
			t.Errorf("a mark given %s: %v", name, err)
		}
	}
	// Who owns a type is for an entity to state of itself, with keys.
	w.config[id("anchor")].TrustMarkOwners = map[string]entity.Owner{kind: {Subject: id("owner")}}
	if _, err := w.build("leaf", "anchor"); !errors.Is(err, entity.ErrRefused) {
		t.Errorf("an owner without keys: %v", err)
	}
}
