package leaf_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

const key = seal.KeyID("duty/relmgr/records")

func keys(t *testing.T) seal.Provider {
	t.Helper()
	dir := t.TempDir()
	f, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Ensure(t.Context(), key, seal.KindWrap); err != nil {
		t.Fatal(err)
	}
	return f
}

type record struct {
	Zeta  string `json:"zeta"`
	Alpha int    `json:"alpha"`
}

// ACT-01: what a record leaves behind opens to the same record, and its
// commitment is salted: the same record never commits to the same value.
func TestALeafOpensToItsRecordAndCommitsWithSalt(t *testing.T) {
	t.Parallel()
	p, id := keys(t), ident.NewAct()
	one, err := leaf.Of(t.Context(), p, key, id, record{"z", 7})
	if err != nil {
		t.Fatal(err)
	}
	two, err := leaf.Of(t.Context(), p, key, id, record{"z", 7})
	if err != nil {
		t.Fatal(err)
	}
	if string(one.Commitment) == string(two.Commitment) {
		t.Error("two commitments of one record are equal: the salt is not used")
	}
	var got record
	if err := leaf.Open(t.Context(), p, key, id, one, &got); err != nil || got != (record{"z", 7}) {
		t.Errorf("opened %+v, %v", got, err)
	}
}

// DCP-11, design.md section 9: a sealed record cannot be moved to another id,
// nor pass for another commitment.
func TestALeafIsBoundToItsPlaceAndItsCommitment(t *testing.T) {
	t.Parallel()
	p, id := keys(t), ident.NewAct()
	one, _ := leaf.Of(t.Context(), p, key, id, record{"z", 7})
	two, _ := leaf.Of(t.Context(), p, key, id, record{"z", 8})
	var got record
	if err := leaf.Open(t.Context(), p, key, ident.NewAct(), one, &got); err == nil {
		t.Error("a sealed record opened under another id")
	}
	one.Commitment = two.Commitment
	if err := leaf.Open(t.Context(), p, key, id, one, &got); !errors.Is(err, leaf.ErrAltered) {
		t.Errorf("got %v, want ErrAltered", err)
	}
}
