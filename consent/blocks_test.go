package consent_test

import (
	"sync"
	"testing"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

func (h *hub) block(reach consent.Reach) consent.BlockReceipt {
	h.t.Helper()
	got, err := h.consent.Block(h.t.Context(), alice, consent.BlockRequest{
		Proof: h.proof(alice, "gp-people"), Reach: reach, Warning: "effect-on-care-v1", Evidence: consent.SpokenAndNoted,
	})
	must(h.t, err)
	return got
}

// PUB-08, PUB-09: a block takes effect at once for relmgr, says how far it
// reaches, and ends at once.
func TestABlockIsPublishedAndEndsAtOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for _, reach := range []consent.Reach{consent.Blocked, consent.CreatorOnly} {
		made := h.block(reach)
		const live = `consent.published_blocks where ended_at is null and reach = `
		if n := h.count(live + `'` + string(reach) + `'`); n != 1 {
			t.Errorf("%s: %d live blocks published, want 1", reach, n)
		}
		_, err := h.consent.Unblock(t.Context(), alice, made.Block, consent.SignedForm)
		must(t, err)
		if n := h.count(live + `'` + string(reach) + `'`); n != 0 {
			t.Errorf("%s: %d live blocks published after its end", reach, n)
		}
	}
	if n := h.count(`consent.acts where kind in ('block', 'unblock')`); n != 4 {
		t.Errorf("%d acts, want 4", n)
	}
}

// PUB-09: the warning that was shown is part of the record, and nothing is
// blocked without it, without evidence, or with a reach that is not known.
func TestABlockNeedsItsWarningAndEvidence(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for name, spoil := range map[string]func(*consent.BlockRequest){
		"no warning":       func(r *consent.BlockRequest) { r.Warning = "" },
		"words as warning": func(r *consent.BlockRequest) { r.Warning = "She was told." },
		"no evidence":      func(r *consent.BlockRequest) { r.Evidence = "" },
		"unknown reach":    func(r *consent.BlockRequest) { r.Reach = "everybody" },
		"no proof":         func(r *consent.BlockRequest) { r.Proof = "" },
	} {
		req := consent.BlockRequest{
			Proof: h.proof(alice, "gp-people"), Reach: consent.Blocked, Warning: "effect-on-care-v1", Evidence: consent.SignedForm,
		}
		spoil(&req)
		if _, err := h.consent.Block(t.Context(), alice, req); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
	if n := h.count("consent.acts"); n != 0 {
		t.Errorf("refused blocks left %d acts", n)
	}
}

// Two who end one block at once get one receipt, and a block that is not theirs
// is one that is not.
func TestABlockEndsOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	made := h.block(consent.Blocked)
	var wg sync.WaitGroup
	got := make([]consent.Receipt, 6)
	for i := range got {
		wg.Go(func() {
			var err error
			got[i], err = h.consent.Unblock(t.Context(), alice, made.Block, consent.SignedForm)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range got[1:] {
		if r.Act != got[0].Act {
			t.Error("one block was ended by two acts")
		}
	}
	_, err := h.consent.Unblock(t.Context(), alice, ident.NewBlock(), consent.SignedForm)
	wantFault(t, err, fault.NotKnown)
}
