package federation_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// told has another hub answer every message with what outcome says then, and returns what
// it was told of disputes.
func (a axled) told(outcome *string) *[]attest.AxleDispute {
	var heard []attest.AxleDispute
	to := a.sealedFor()
	a.other.Takes(func(name, signed string) (string, int) {
		m := a.opened(name, signed)
		if m.Kind != "dispute" || m.Dispute == nil {
			a.t.Errorf("%+v", m)
			return "", http.StatusBadRequest
		}
		heard = append(heard, *m.Dispute)
		if *outcome == "" {
			return "", http.StatusServiceUnavailable
		}
		answer := a.honest(m)
		answer.Outcome, answer.Providers = *outcome, nil
		return a.other.Says(a.t, name, attest.TypAxleAnswer, answer, to), http.StatusOK
	})
	return &heard
}

// hears has this hub receive a message about a dispute from another.
func (a axled) hears(name string, d attest.AxleDispute) error {
	a.t.Helper()
	_, err := a.Receive(a.t.Context(), a.other.Says(a.t, name, attest.TypAxleMessage, attest.AxleMessage{Claims: a.claims(here), Kind: "dispute", Version: 1, Dispute: &d}, a.sealedFor()))
	return err
}

func (a axled) peerOf(name string) ident.PeerID {
	a.t.Helper()
	for _, p := range must(a.Peers(a.t.Context())) {
		if p.Entity == a.other.Entity(name) {
			return p.ID
		}
	}
	a.t.Fatalf("%s is no peer", name)
	return ident.PeerID{}
}

func (a axled) dispute(id ident.ActID) federation.Dispute {
	a.t.Helper()
	for _, d := range must(a.Disputes(a.t.Context(), officer(), 100)) {
		if d.ID == id {
			return d
		}
	}
	a.t.Fatal("the dispute is not listed")
	return federation.Dispute{}
}

// TRU-10: what is filed here is told while the other hub is away, again until it has taken
// it, also by another process; its outcome is recorded once, whatever is said later.
func TestADisputeIsToldUntilItIsTakenAndEndsOnce(t *testing.T) {
	a := withAxles(t, nil)
	a.peered("mill")
	ctx, away := t.Context(), ""
	heard := a.told(&away)
	filed, err := a.FileDispute(ctx, officer(), a.peerOf("mill"), "no-answer", ident.ActID{}, "work-ended")
	a.must(err)
	id := filed.Dispute.ID
	if d := filed.Dispute; d.Filed != "here" || d.Told || d.Outcome != "" || !d.Due.Equal(d.At.Add(federation.DisputeLives)) {
		t.Errorf("%+v", d)
	}
	a.must(a.TendDisputes(ctx))
	if d := a.dispute(id); d.Told || len(*heard) == 0 {
		t.Errorf("a hub that is away has taken %+v", d)
	}
	// What it was told is in rows: another process goes on.
	again := a.openAxles(a.open(a.keys))
	away = "taken"
	a.must(again.TendDisputes(ctx))
	before := len(*heard)
	a.must(a.TendDisputes(ctx))
	if d := a.dispute(id); !d.Told || len(*heard) != before {
		t.Errorf("%+v after %d messages, want %d", d, len(*heard), before)
	}
	if said := (*heard)[before-1]; said.Dispute != id.String() || said.About != "no-answer" || said.Reason != "work-ended" || said.At != filed.Dispute.At.Unix() {
		t.Errorf("told %+v", said)
	}
	// Only the hub that it was filed against ends it, and once.
	a.peered("weir")
	a.wants(fault.Invalid, a.hears("weir", attest.AxleDispute{Dispute: id.String(), Outcome: "dismissed", Reason: "work-ended"}))
	a.wants(fault.Invalid, a.hears("mill", attest.AxleDispute{Dispute: ident.NewAct().String(), Outcome: "dismissed", Reason: "work-ended"}))
	a.wants(fault.Invalid, a.hears("mill", attest.AxleDispute{Dispute: id.String(), About: "conduct", Reason: "work-ended"}))
	_, err = a.AnswerDispute(ctx, officer(), id, "upheld", "work-ended")
	a.wants(fault.Conflict, err)
	for _, outcome := range []string{"upheld", "upheld", "dismissed"} {
		a.must(a.hears("mill", attest.AxleDispute{Dispute: id.String(), Outcome: outcome, Reason: "work-ended"}))
	}
	if d := a.dispute(id); d.Outcome != "upheld" || d.OutcomeReason != "work-ended" || d.Ended.IsZero() {
		t.Errorf("%+v", d)
	}
	if n := a.count(`select count(*) from federation.acts where kind = 'see-answer'`); n != 1 {
		t.Errorf("%d acts record one outcome", n)
	}
}

// TRU-10: what another hub files is taken once, however often it comes and from how many at
// once, is due in four weeks at the most, and two officers who answer at once give one
// outcome, which that hub is told.
func TestADisputeThatAnotherHubFilesIsTakenAndAnsweredOnce(t *testing.T) {
	a := withAxles(t, nil)
	a.peered("mill", "weir")
	ctx, says := t.Context(), "taken"
	heard := a.told(&says)
	id := ident.NewAct()
	filing := attest.AxleDispute{Dispute: id.String(), About: "wrong-answer", Reason: "work-ended", At: a.now().Add(time.Hour).Unix()}
	a.must(a.hears("mill", filing)) // so that the agreement is seen before several come at once
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := a.hears("mill", filing); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	d := a.dispute(id)
	if n := a.count(`select count(*) from federation.acts where kind = 'see-dispute'`); n != 1 || d.Filed != "there" || d.Hub != a.other.Entity("mill") || !d.Told || d.At.After(a.now()) {
		t.Errorf("%d acts, %+v", n, d)
	}
	a.wants(fault.Invalid, a.hears("weir", filing)) // under another's id
	_, err := a.AnswerDispute(ctx, officer(), ident.NewAct(), "upheld", "work-ended")
	a.wants(fault.NotKnown, err)
	_, err = a.AnswerDispute(ctx, patel, id, "upheld", "work-ended")
	a.wants(fault.Forbidden, err)
	_, err = a.AnswerDispute(ctx, officer(), id, "upheld", "of-no-list")
	a.wants(fault.Invalid, err)
	errs := make(chan error, 4)
	for _, outcome := range []string{"upheld", "dismissed", "settled", "upheld"} {
		all.Go(func() {
			_, err := a.AnswerDispute(ctx, officer(), id, outcome, "work-ended")
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	done := 0
	for err := range errs {
		if err == nil {
			done++
		} else if fault.KindOf(err) != fault.Conflict {
			t.Error(err)
		}
	}
	a.must(a.TendDisputes(ctx))
	d = a.dispute(id)
	if done != 1 || !d.Told || len(*heard) != 1 || (*heard)[0].Outcome != d.Outcome || (*heard)[0].Dispute != id.String() {
		t.Errorf("%d answers, %+v, told %+v", done, d, *heard)
	}
}

// TRU-10, FED-05: a hub that knows no disputes, or not this reason, returns the message: that
// is its outcome, and both sides have a record of it.
func TestADisputeThatIsNotUnderstoodIsReturned(t *testing.T) {
	a := withAxles(t, nil)
	a.peered("mill")
	says := "returned"
	a.told(&says)
	filed, err := a.FileDispute(t.Context(), officer(), a.peerOf("mill"), "conduct", ident.ActID{}, "work-ended")
	a.must(err)
	a.must(a.TendDisputes(t.Context()))
	if d := a.dispute(filed.Dispute.ID); d.Outcome != "returned" || !d.Told {
		t.Errorf("%+v", d)
	}
	for _, d := range []attest.AxleDispute{
		{Dispute: ident.NewAct().String(), About: "conduct", Reason: "theirs-alone"}, {Dispute: ident.NewAct().String(), About: "the-weather", Reason: "work-ended"},
	} {
		a.must(a.hears("mill", d))
	}
	if n := a.count(`select count(*) from federation.unknown_messages where kind = 'dispute' and became = 'returned'`); n != 2 {
		t.Errorf("%d of 2 are recorded as not understood", n)
	}
}

// TRU-10: what a dispute is about, by the contract's codes and the hub's own book, and with
// whom there is an agreement. One that nobody answers in time is said once.
func TestADisputeIsWithAPeerAboutWhatTheBookHas(t *testing.T) {
	a := withAxles(t, nil)
	a.peered("mill", "weir")
	ctx, says := t.Context(), "taken"
	a.told(&says)
	mill := a.peerOf("mill")
	a.must(a.hears("mill", attest.AxleDispute{Dispute: ident.NewAct().String(), About: "conduct", Reason: "work-ended", At: 1}))
	var exchange, hash string
	a.must(a.base.Admin(t).QueryRowContext(ctx, `select exchange_id, encode(message_hash, 'hex') from federation.exchanges where kind = 'dispute'`).Scan(&exchange, &hash))
	book := must(ident.ParseAct(exchange))
	filed, err := a.FileDispute(ctx, officer(), mill, "agreement-breached", book, "work-ended")
	a.must(err)
	if got := hex.EncodeToString(filed.Dispute.Message); got != hash {
		t.Errorf("%s, want %s", got, hash)
	}
	for name, try := range map[string]struct {
		who      func() (federation.DisputeChange, error)
		expected fault.Kind
	}{
		"another hub's exchange": {func() (federation.DisputeChange, error) {
			return a.FileDispute(ctx, officer(), a.peerOf("weir"), "conduct", book, "work-ended")
		}, fault.Invalid},
		"about nothing of the list": {func() (federation.DisputeChange, error) {
			return a.FileDispute(ctx, officer(), mill, "the-weather", ident.ActID{}, "work-ended")
		}, fault.Invalid},
		"no reason of the list": {func() (federation.DisputeChange, error) {
			return a.FileDispute(ctx, officer(), mill, "conduct", ident.ActID{}, "of-no-list")
		}, fault.Invalid},
		"no officer": {func() (federation.DisputeChange, error) {
			return a.FileDispute(ctx, patel, mill, "conduct", ident.ActID{}, "work-ended")
		}, fault.Forbidden},
	} {
		if _, err := try.who(); fault.KindOf(err) != try.expected {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = a.Disputes(ctx, patel, 5)
	a.wants(fault.Forbidden, err)
	_, err = a.Leave(ctx, officer(), mill, "work-ended")
	a.must(err)
	_, err = a.FileDispute(ctx, officer(), mill, "conduct", ident.ActID{}, "work-ended")
	a.wants(fault.Conflict, err)
	// The mill's was due when it came, ours is in four weeks.
	for want, wait := range []time.Duration{0, 0, federation.DisputeLives} {
		a.pass(wait)
		a.must(a.TendDisputes(ctx))
		if n := strings.Count(a.said.String(), `"alert":"dispute-overdue"`); n != max(want, 1) {
			t.Errorf("%d alerts, want %d", n, max(want, 1))
		}
	}
}

// TRU-10: what the other hub refuses is said once and told again each day, for four weeks; then it is
// told no more, and stands as refused. Taken at last, it is told.
func TestWhatAHubRefusesIsNotToldForEver(t *testing.T) {
	a := withAxles(t, nil)
	a.peered("mill", "weir")
	ctx, takes := t.Context(), false
	told := 0
	a.other.Takes(func(name, signed string) (string, int) {
		told++
		if name == "mill" || !takes {
			return "", http.StatusUnprocessableEntity
		}
		answer := a.honest(a.opened(name, signed))
		answer.Outcome, answer.Providers = "taken", nil
		return a.other.Says(a.t, name, attest.TypAxleAnswer, answer, a.sealedFor()), http.StatusOK
	})
	filed := must(a.FileDispute(ctx, officer(), a.peerOf("mill"), "conduct", ident.ActID{}, "work-ended"))
	late := must(a.FileDispute(ctx, officer(), a.peerOf("weir"), "conduct", ident.ActID{}, "work-ended"))
	since := a.now()
	for day := range 28 {
		for range 3 {
			a.must(a.TendDisputes(ctx))
		}
		if want := 2 * (day + 1); told != want {
			t.Fatalf("told %d times after %d days, want %d", told, day+1, want)
		}
		a.pass(24 * time.Hour)
	}
	takes = true // the weir, at last
	if d := a.dispute(filed.Dispute.ID); d.Told || !d.Refused.Equal(since) {
		t.Errorf("%+v, refused since %v", d, since)
	}
	a.must(a.TendDisputes(ctx))
	was := told
	for range 3 {
		a.pass(48 * time.Hour)
		a.must(a.openAxles(a.open(a.keys)).TendDisputes(ctx)) // another process, too
	}
	if d := a.dispute(filed.Dispute.ID); told != was || d.Told || d.Refused.IsZero() {
		t.Errorf("told %d times more, and %+v", told-was, d)
	}
	if d := a.dispute(late.Dispute.ID); !d.Told || !d.Refused.IsZero() {
		t.Errorf("%+v", d)
	}
	if n := strings.Count(a.said.String(), `"alert":"dispute-refused"`); n != 2 {
		t.Errorf("%d alerts of two that were refused", n)
	}
}

// TRU-10: a hub has so many open disputes against another as its people can answer. One more is not taken, and leaves
// no record but the exchange; the same again is, and one that is answered makes room.
func TestAHubFilesNoMoreDisputesThanWait(t *testing.T) {
	a := withAxles(t, nil)
	a.peered("mill", "weir")
	ctx, says := t.Context(), "taken"
	a.told(&says)
	filing := func() attest.AxleDispute {
		return attest.AxleDispute{Dispute: ident.NewAct().String(), About: "conduct", Reason: "work-ended", At: a.now().Unix()}
	}
	first := filing()
	a.must(a.hears("mill", first))
	var all sync.WaitGroup
	for range federation.MostOpenDisputes + 4 {
		all.Go(func() {
			if err := a.hears("mill", filing()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	const disputes, over = `select count(*) from federation.disputes`, `select count(*) from federation.exchanges where kind = 'dispute' and outcome = 'over-quota'`
	if n, o := a.count(disputes), a.count(over); n != federation.MostOpenDisputes || o != 5 {
		t.Errorf("%d are open and %d were not taken", n, o)
	}
	a.must(a.hears("mill", first))
	a.must(a.hears("weir", filing())) // another's own
	if o := a.count(over); o != 5 {
		t.Errorf("%d were not taken", o)
	}
	_, err := a.AnswerDispute(ctx, officer(), must(ident.ParseAct(first.Dispute)), "settled", "work-ended")
	a.must(err)
	a.must(a.hears("mill", filing()))
	if n, o := a.count(disputes), a.count(over); n != federation.MostOpenDisputes+2 || o != 5 {
		t.Errorf("%d were taken and %d were not", n, o)
	}
	// So with those that are filed here, whoever sends them.
	weir := a.peerOf("weir")
	for range federation.MostOpenDisputes {
		_, err := a.FileDispute(ctx, officer(), weir, "conduct", ident.ActID{}, "work-ended")
		a.must(err)
	}
	_, err = a.FileDispute(ctx, officer(), weir, "conduct", ident.ActID{}, "work-ended")
	a.wants(fault.Conflict, err)
}
