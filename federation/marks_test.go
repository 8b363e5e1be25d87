package federation_test

import (
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// FED-18, issue 7: an officer gives a peer a mark and takes it back. While it holds, it is signed for whoever asks,
// listed, and its status is active; revoked or over, it is not, also what was signed before. Each is an act.
func TestAMarkIsGivenListedAndTakenBack(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	b.confirmed("mill")
	b.confirmed("town")
	mill, kind := b.other.Entity("mill"), here+"/names/marks/floor-kept"
	status := func(text string) string {
		t.Helper()
		said, err := b.MarkStatus(ctx, text)
		b.must(err)
		s, err := entity.OpenStatus(said, here, text, b.own(), b.now())
		b.must(err)
		return s
	}
	listed := func(subject string, want int) {
		t.Helper()
		if all := must(b.Marked(ctx, kind, subject)); len(all) != want {
			t.Errorf("%v, want %d", all, want)
		}
	}
	listed("", 0)
	first, err := b.IssueMark(ctx, officer(), "floor-kept", mill, b.now().Add(72*time.Hour))
	b.must(err)
	if first.Type != kind || first.Status != "active" || len(first.Commitment) != 32 {
		t.Errorf("%+v", first)
	}
	_, err = b.IssueMark(ctx, officer(), "floor-kept", b.other.Entity("town"), b.now().Add(time.Hour))
	b.must(err)
	listed("", 2)
	listed(mill, 1)
	text, err := b.TrustMark(ctx, kind, mill)
	b.must(err)

	// Whoever has this hub as the anchor of a chain accepts it.
	own := must(b.Configuration(ctx))
	chain, err := entity.Verify([]string{own}, entity.Anchor{Entity: here, Keys: b.own()}, b.now())
	b.must(err)
	m, err := chain.OpenMark(text, mill, b.own(), b.now())
	b.must(err)
	if m.Type != kind || m.ID != first.Mark.String() || m.Expires > b.now().Add(25*time.Hour).Unix() {
		t.Errorf("%+v", m)
	}
	if s := status(text); s != entity.MarkActive {
		t.Errorf("%s", s)
	}
	b.pass(2 * time.Hour)
	listed("", 1) // the other's time is over
	if _, err := b.TrustMark(ctx, kind, b.other.Entity("town")); fault.KindOf(err) != fault.NotKnown {
		t.Error(err)
	}
	b.pass(30 * time.Hour)
	if s := status(text); s != entity.MarkExpired {
		t.Errorf("a day later: %s", s)
	}
	again := must(b.TrustMark(ctx, kind, mill))
	if s := status(again); s != entity.MarkActive {
		t.Errorf("signed anew: %s", s)
	}

	// Taken back by two at once, it is once.
	var done sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		done.Go(func() { _, errs[i] = b.RevokeMark(ctx, officer(), first.Mark, "work-ended") })
	}
	done.Wait()
	revoked := 0
	for _, err := range errs {
		if err == nil {
			revoked++
		} else if fault.KindOf(err) != fault.Conflict {
			t.Error(err)
		}
	}
	if revoked != 1 || status(again) != entity.MarkRevoked || status(text) != entity.MarkRevoked {
		t.Errorf("revoked %d times: %s, %s", revoked, status(again), status(text))
	}
	listed("", 0)
	_, err = b.TrustMark(ctx, kind, mill)
	b.wants(fault.NotKnown, err)
	var acts int
	b.must(b.base.Admin(t).QueryRow("select count(*) from federation.acts a join federation.marks m using (act_id) where m.step = a.kind").Scan(&acts))
	if acts != 3 {
		t.Errorf("%d acts", acts)
	}
}

// A mark is an officer's to give, about a peer in force, to an end; of what this hub has not signed it says nothing.
func TestWhatIsNoMark(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	b.confirmed("mill")
	mill, kind := b.other.Entity("mill"), here+"/names/marks/floor-kept"
	until := b.now().Add(time.Hour)
	_, err := b.IssueMark(ctx, keeper(), "floor-kept", mill, until)
	b.wants(fault.Forbidden, err)
	for _, c := range []struct {
		subject string
		until   time.Time
	}{{b.other.Entity("stranger"), until}, {here, until}, {mill, b.now()}, {mill, b.now().AddDate(2, 0, 0)}} {
		_, err := b.IssueMark(ctx, officer(), "floor-kept", c.subject, c.until)
		b.wants(fault.Invalid, err)
	}
	given, err := b.IssueMark(ctx, officer(), "floor-kept", mill, until)
	b.must(err)
	_, err = b.RevokeMark(ctx, keeper(), given.Mark, "work-ended")
	b.wants(fault.Forbidden, err)
	_, err = b.RevokeMark(ctx, officer(), given.Mark, "no-reason")
	b.wants(fault.Invalid, err)
	_, err = b.RevokeMark(ctx, officer(), ident.NewAct(), "work-ended")
	b.wants(fault.NotKnown, err)
	for _, of := range [][2]string{{kind, ""}, {kind, here}, {kind + "x", mill}, {"floor-kept", mill}, {"", mill}, {mill + "/names/marks/floor-kept", mill}} {
		_, err := b.TrustMark(ctx, of[0], of[1])
		b.wants(fault.NotKnown, err)
	}
	theirs, err := b.other.Signer("mill").SignPublic(ctx, entity.MarkTyp, entity.Mark{Issuer: here, Subject: mill, Type: kind, ID: given.Mark.String(), IssuedAt: b.now().Unix(), Expires: until.Unix()})
	b.must(err)
	for _, text := range []string{"", "a.b.c", theirs, must(b.Configuration(ctx))} {
		_, err := b.MarkStatus(ctx, text)
		b.wants(fault.NotKnown, err)
	}
	// Suspended, a peer is given none.
	for _, p := range must(b.Peers(ctx)) {
		_, err := b.Suspend(ctx, officer(), p.ID, "work-ended")
		b.must(err)
	}
	_, err = b.IssueMark(ctx, officer(), "floor-kept", mill, until)
	b.wants(fault.Invalid, err)
}
