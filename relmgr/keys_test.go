package relmgr_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr"
)

// DCP-10: a process with another key file is refused at its start, instead of
// giving everybody a second handle.
func TestAnotherKeyFileIsRefused(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	dir := t.TempDir()
	other, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = relmgr.New(t.Context(), relmgr.Config{DB: b.hub.DB(t, "relmgr"), Keys: other, Now: b.clock})
	if !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("an empty key file was accepted: %v", err)
	}
	for _, k := range []struct {
		id   seal.KeyID
		kind seal.KeyKind
	}{
		{"duty/relmgr/records", seal.KindWrap}, {"duty/relmgr/pairings", seal.KindMAC}, {relmgr.SigningKey, seal.KindSign},
		{"column/gp-riverside/1", seal.KindMAC}, {"agency/riverside-gp/1", seal.KindWrap},
	} {
		if _, _, err := other.Ensure(t.Context(), k.id, k.kind); err != nil {
			t.Fatal(err)
		}
	}
	_, err = relmgr.New(t.Context(), relmgr.Config{DB: b.hub.DB(t, "relmgr"), Keys: other, Now: b.clock})
	if !errors.Is(err, seal.ErrKeyChanged) {
		t.Errorf("a key file with other keys was accepted: %v", err)
	}
}

// DCP-10: with a member's key gone its identifiers are unreadable, to itself and
// to all others, while everybody else's stay.
func TestWithoutAMembersKeyItsIdentifiersAreUnreadable(t *testing.T) {
	b := setup(t)
	gp, care := b.handle(t, "gp", gpChild), b.handle(t, "social", socialChild)
	for who, h := range map[string]struct {
		handle ident.HandleID
		want   string
	}{"gp": {gp, "GP-00042"}, "social": {care, "LMN-00042"}} {
		if got, err := b.Reveal(t.Context(), b.as(who), h.handle); err != nil || got != h.want {
			t.Errorf("%s cannot read its own identifier: %v", who, err)
		}
	}
	_, err := b.Reveal(t.Context(), b.as("social"), gp)
	wantKind(t, err, fault.NotKnown)
	if err := b.keys.Destroy(t.Context(), seal.AgencyKey("riverside-gp", 1)); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Reveal(t.Context(), b.as("gp"), gp); err == nil {
		t.Errorf("an identifier was read without its agency's key: %d characters", len(got))
	}
	if _, err := b.Reveal(t.Context(), b.as("social"), care); err != nil {
		t.Errorf("another agency's key took mine with it: %v", err)
	}
}

// DCP-03, IDX-04, invariant 9: a superuser's dump holds no identifier and no case, in clear,
// in hexadecimal or in base 64, nor a pairing code.
func TestADumpHoldsNoIdentifier(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	p, err := b.OpenPairing(t.Context(), b.as("gp"), gpChild, b.proposal(t, "gp", gpChild))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", socialChild, p.Code)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.askFor(t, "social", socialChild, "CASE/00042"); err != nil {
		t.Fatal(err)
	}
	dump := strings.ToLower(b.hub.Dump(t))
	if !strings.Contains(dump, "riverside-gp") || !strings.Contains(dump, "mr-lindqvist") {
		t.Fatal("the dump does not hold what it should: the search would find nothing")
	}
	for _, secret := range []string{"GP-00042", "LMN-00042", "CASE/00042", p.Code, strings.ReplaceAll(p.Code, " ", "")} {
		for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(dump, strings.ToLower(strings.TrimRight(form, "="))) {
				t.Errorf("the dump holds an identifier or a code, as %d characters", len(form))
			}
		}
	}
}

// An identifier and a case print as a mask, whatever prints it.
func TestAnIdentifierAndACasePrintAsAMask(t *testing.T) {
	t.Parallel()
	id := relmgr.Identifier("GP-00042")
	o := own("gp-riverside", "GP-00042")
	c := relmgr.Question{Case: "GP-00042"}
	for _, s := range []string{c.Case.LogValue().String(), fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c.Case, c.Case), fmt.Sprint(id), fmt.Sprintf("%v %+v %#v %s %q", id, id, id, id, id), fmt.Sprintf("%v %+v %#v", o, o, o), id.LogValue().String()} {
		if strings.Contains(s, "GP-00042") {
			t.Errorf("printed: %s", strings.ReplaceAll(s, "GP-00042", "the identifier"))
		}
	}
}
