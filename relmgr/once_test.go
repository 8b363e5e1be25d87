package relmgr_test

import (
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

const onceKey = "a-key-of-sixteen"

// A replay makes no second act and gets the first one's receipt, also where the
// first used something up, such as a code.
func TestAReplayMakesNoSecondAct(t *testing.T) {
	b := setup(t)
	once := func(op string) *relmgr.Service { return b.Once("mr-lindqvist", op, onceKey, []byte("body")) }
	rel := b.relationship(t, "social", socialChild)
	c := b.correlation(t, "social", socialChild, b.code(t, "gp", gpChild))
	for name, do := range map[string]func() (relmgr.Receipt, error){
		"publish":   func() (relmgr.Receipt, error) { return once("publish").Publish(t.Context(), b.as("social"), rel) },
		"correlate": func() (relmgr.Receipt, error) { return once("correlate").Correlate(t.Context(), b.as("social"), c) },
		"dispute": func() (relmgr.Receipt, error) {
			return once("dispute").DisputeIdentity(t.Context(), b.as("social"), socialChild, "not-the-same-person")
		},
	} {
		first := must(t)(do())
		acts := b.count(t, `select count(*) from relmgr.acts`)
		second := must(t)(do())
		if second.Act != first.Act || string(second.Commitment) != string(first.Commitment) {
			t.Errorf("%s: a replay got another receipt", name)
		}
		if b.count(t, `select count(*) from relmgr.acts`) != acts {
			t.Errorf("%s: a replay made another act", name)
		}
	}
}

// A key is bound to its caller, its operation and its body.
func TestAKeyIsBoundToWhatWasSent(t *testing.T) {
	b := setup(t)
	seen := map[ident.ReferenceID]bool{}
	for _, s := range []*relmgr.Service{
		b.Once("mr-lindqvist", "dispute", onceKey, []byte("body")), b.Once("ms-plain", "dispute", onceKey, []byte("body")),
		b.Once("mr-lindqvist", "other", onceKey, []byte("body")), b.Once("mr-lindqvist", "dispute", onceKey+"2", []byte("body")),
		b.Once("mr-lindqvist", "dispute", onceKey, []byte("other")), b.Once("mr-lindqvist", "dispute", "", []byte("body")),
	} {
		r := must(t)(s.DisputeIdentity(t.Context(), b.as("social"), socialChild, "not-the-same-person"))
		if seen[r.Act] {
			t.Error("two requests that differ were taken for one")
		}
		seen[r.Act] = true
	}
}

// A replay is decided afresh: what the caller could do then and cannot do now is
// refused, and nothing of the first answer is shown.
func TestAReplayIsDecidedAfresh(t *testing.T) {
	b := setup(t)
	rel := b.relationship(t, "social", socialChild)
	rel.Until = b.clock().Add(time.Hour)
	publish := func() (relmgr.Receipt, error) {
		return b.Once("mr-lindqvist", "publish", onceKey, []byte("body")).Publish(t.Context(), b.as("social"), rel)
	}
	must(t)(publish())
	b.withdraw(t, rel.Consents[0])
	r, err := publish()
	wantKind(t, err, fault.DecisionRefused)
	if !r.Act.IsZero() || len(r.Commitment) != 0 {
		t.Error("a refused replay still shows the first receipt")
	}
}

// A replayed keep-apart is decided afresh too: without the role that it needs
// nothing of the first is shown.
func TestAReplayedKeepApartNeedsItsRoleStill(t *testing.T) {
	b := setup(t)
	a := relmgr.Apart{Own: socialChild, Code: b.code(t, "gp", gpChild), Reason: "subject-asked"}
	once := func() *relmgr.Service { return b.Once("mr-lindqvist", "keep apart", onceKey, []byte("body")) }
	first := must(t)(once().KeepApart(t.Context(), b.as("social"), a))
	if again := must(t)(once().KeepApart(t.Context(), b.as("social"), a)); again.Act != first.Act {
		t.Error("a replay got another receipt")
	}
	r, err := once().KeepApart(t.Context(), b.as("plain"), a)
	wantKind(t, err, fault.Forbidden)
	if !r.Act.IsZero() {
		t.Error("a refused replay still shows the first receipt")
	}
}

// Many who send one request at once make one act.
func TestOneRequestSentManyTimesAtOnceMakesOneAct(t *testing.T) {
	b := setup(t)
	c := b.correlation(t, "social", socialChild, b.code(t, "gp", gpChild))
	var wg sync.WaitGroup
	got := make([]relmgr.Receipt, 6)
	for i := range got {
		wg.Go(func() {
			var err error
			got[i], err = b.Once("mr-lindqvist", "correlate", onceKey, []byte("body")).Correlate(t.Context(), b.as("social"), c)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range got[1:] {
		if r.Act != got[0].Act {
			t.Error("one request made two acts")
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'correlate'`); n != 1 {
		t.Errorf("%d correlations, want 1", n)
	}
}
