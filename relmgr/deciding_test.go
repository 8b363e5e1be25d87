package relmgr_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

// withheld is a manager's withholding of a handle from everybody, as its act leaves it.
func (b *bundle) withheld(t *testing.T, handle ident.HandleID, column ident.Column, until time.Time) (id ident.EffectID) {
	t.Helper()
	act := ident.NewAct()
	id = ident.NewEffect()
	if _, err := b.admin.ExecContext(t.Context(), `
		with act as (
			insert into idmgr.acts (act_id, kind, at, manager, practitioner_id, agency_id, role, terms_version, commitment, sealed)
			values ($1, 'withhold', $2, 'local-links', 'x', 'x', 'gp', 1, '\x00', '\x00') returning act_id
		)
		insert into idmgr.effects (effect_id, act_id, manager, kind, rule, version, handle_id, column_id, starts_at, ends_at, agreement, power, ground,
			mode, aspects, ordinary, review_at, audience_kind, audience, purposes, reasons, until)
		select $3, act_id, 'local-links', 'withhold', 'r', 1, $4, $5, $2, $6, '', '', '', '', '{}', '', $6, 'partnership', '{}', '{}', '{}', $6
		  from act`, act, b.clock(), id, handle, column, until); err != nil {
		t.Fatal(err)
	}
	return id
}

// deciding is what the record of an enquiry names as what decided it.
func (b *bundle) deciding(t *testing.T, id ident.EnquiryID) (record struct {
	Disclosed []struct {
		Decision ident.DecisionID `json:"decision"`
	} `json:"disclosed"`
	Effects  []ident.EffectID `json:"effects"`
	Decision struct {
		Outcome string `json:"outcome"`
		Power   string `json:"power"`
		Stopped int    `json:"stopped_at"`
	} `json:"decision"`
},
) {
	t.Helper()
	var l leaf.Leaf
	if err := b.admin.QueryRow(`select e.commitment, e.sealed, k.wrapped from relmgr.enquiries e
		join relmgr.content_keys k on k.record_id = e.enquiry_id where e.enquiry_id = $1`, id).Scan(&l.Commitment, &l.Sealed, &l.WrappedKey); err != nil {
		t.Fatal(err)
	}
	if err := leaf.Open(t.Context(), b.keys, seal.KeyID("duty/relmgr/records"), id, l, &record); err != nil {
		t.Fatal(err)
	}
	return record
}

// IDM-16: the record of what was answered names what decided it, told or not: the holder's
// decision, the asker's, and the manager's effect that kept it back. Nothing of it is in
// the answer.
func TestTheRecordOfAnEnquiryNamesWhatDecidedIt(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	told := b.ask(t, "social", socialChild, "")
	wantTold(t, told, "riverside-surgery")
	if r := b.deciding(t, told.ID); len(r.Disclosed) != 1 || r.Disclosed[0].Decision.IsZero() || len(r.Effects) != 0 || r.Decision.Power == "" {
		t.Errorf("what was told names %+v", r)
	}
	effect := b.withheld(t, b.handle(t, "gp", gpChild), "gp-riverside", b.clock().AddDate(0, 0, 9))
	kept := b.ask(t, "social", socialChild, "")
	wantTold(t, kept)
	if r := b.deciding(t, kept.ID); len(r.Disclosed) != 0 || !slices.Contains(r.Effects, effect) || len(r.Effects) != 1 {
		t.Errorf("what was kept back names %+v", r)
	}
	if len(kept.Recourse) != 0 {
		t.Errorf("the asker is told %v", kept.Recourse)
	}
}
