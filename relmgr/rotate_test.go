package relmgr_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr"
)

const month = 30 * 24 * time.Hour

func quiet(string, int, int) {}

func (b *bundle) rotates(t *testing.T, column ident.Column) {
	t.Helper()
	if err := b.RotateTokens(t.Context(), column, quiet); err != nil {
		t.Fatal(err)
	}
}

// oneSlot says that every handle of a column has one token, of the epoch.
func (b *bundle) oneSlot(t *testing.T, column ident.Column, epoch int) {
	t.Helper()
	full, empty := "token", "token_b"
	if epoch%2 == 0 {
		full, empty = empty, full
	}
	if n := b.count(t, fmt.Sprintf(`select count(*) from relmgr.handles where column_id = '%s' and wrapped_by <> ''
		and (%s is null or %s is not null or token_epoch <> %d)`, column, full, empty, epoch)); n != 0 {
		t.Errorf("%d handles of %s have other tokens than those of epoch %d", n, column, epoch)
	}
}

// DCP-10, invariant 2 (one handle per identifier, through token rotation): three
// rotations run one after the other while four processes make and look up
// handles, ask and publish, about few people so that they meet. Nobody is ever
// given a second handle, nobody is refused, and every answer stays as it was.
func TestNobodyGetsASecondHandleWhileTokensRotate(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	handles := map[string]ident.HandleID{}
	asked := 0
	same := func(identifier string, h ident.HandleID) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		if was, ok := handles[identifier]; ok && was != h {
			t.Errorf("%s has a second handle", identifier)
		}
		handles[identifier] = h
	}
	var clients sync.WaitGroup
	for p := range 4 {
		s := b.another(t)
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				who := own("gp-riverside", fmt.Sprintf("GP-%05d", n/3)) // all four come by here at about the same time
				if n%2 == p%2 {
					proofs, err := s.FindHandle(ctx, b.as("gp"), who)
					if err == nil {
						same(string(who.Identifier), proofs.Handle)
					} else if ctx.Err() == nil {
						t.Errorf("find: %v", err)
					}
				} else if _, err := s.Enquire(ctx, b.as("gp"), relmgr.Question{Own: who, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"}); err != nil && ctx.Err() == nil {
					t.Errorf("ask: %v", err)
				}
				a, err := s.Enquire(ctx, b.as("gp"), relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"})
				if err == nil && (!a.Published || len(a.Providers) != 1) {
					t.Errorf("known to %v, published %v", told(a), a.Published)
				} else if err != nil && ctx.Err() == nil {
					t.Errorf("ask: %v", err)
				}
			}
		})
	}
	for epoch := 2; epoch <= 4; epoch++ {
		for from := b.count(t, `select count(*) from relmgr.handles`); b.count(t, `select count(*) from relmgr.handles`) < from+20; {
			time.Sleep(time.Millisecond)
		}
		b.rotates(t, "gp-riverside")
		if gone, err := b.DestroyRetired(t.Context(), seal.ColumnKey("gp-riverside", epoch-1)); err != nil || len(gone) != 1 {
			t.Fatalf("%v, %v", gone, err)
		}
	}
	stop()
	clients.Wait()
	b.oneSlot(t, "gp-riverside", 4)
	people := b.count(t, `select count(*) from relmgr.handles where column_id = 'gp-riverside'`)
	for identifier, h := range handles {
		if again := b.handle(t, "gp", own("gp-riverside", identifier)); again != h {
			t.Errorf("%s has another handle after the rotations", identifier)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.handles where column_id = 'gp-riverside'`); n != people {
		t.Errorf("%d handles were made for people who had one", n-people)
	}
	if len(handles) < 20 {
		t.Errorf("only %d people were looked up", len(handles))
	}
	t.Logf("%d people, %d look-ups", people, asked)
}

// A rotation that ends in any of its steps is carried on by whoever comes next,
// and whoever asks in between finds everybody, by the handle that they have.
func TestARotationThatWasStoppedIsCarriedOn(t *testing.T) {
	b := setup(t)
	want := map[ident.HandleID]relmgr.Own{}
	for n := range 600 {
		o := own("gp-riverside", fmt.Sprintf("GP-%05d", n))
		want[b.handle(t, "gp", o)] = o
	}
	for stopAt := 1; ; stopAt++ {
		ctx, stop := context.WithCancel(t.Context())
		steps, last := 0, ""
		err := b.another(t).RotateTokens(ctx, "gp-riverside", func(step string, done, of int) {
			if steps++; steps == stopAt {
				last = fmt.Sprintf("%s %d of %d", step, done, of)
				stop()
			}
		})
		stop()
		if steps < stopAt {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if err == nil && last == "" {
			t.Fatal("it was not stopped")
		}
		s := b.another(t)
		for h, o := range want {
			p, err := s.FindHandle(t.Context(), b.as("gp"), o)
			if err != nil || p.Handle != h {
				t.Fatalf("stopped at %s: a person is found by another handle, %v", last, err)
			}
			break
		}
		fresh := own("gp-riverside", fmt.Sprintf("GP-%05d", 10_000+stopAt))
		h := b.handle(t, "gp", fresh)
		want[h] = fresh
	}
	epoch := b.count(t, `select reading from relmgr.token_epochs`)
	b.oneSlot(t, "gp-riverside", epoch)
	for h, o := range want {
		if again := b.handle(t, "gp", o); again != h {
			t.Fatal("a person has another handle")
		}
	}
	if n := b.count(t, `select count(*) from relmgr.handles`); n != len(want) {
		t.Errorf("%d handles of %d people", n, len(want))
	}
	if epoch < 2 {
		t.Errorf("after all that the epoch is %d", epoch)
	}
}

// A process that has slept through a rotation, or through two, makes nothing by
// old keys: it learns, and answers as the others do. Nor is a caseload moved to
// where nobody finds it.
func TestAProcessThatSleptThroughARotationLearnsOfIt(t *testing.T) {
	b := setup(t)
	known := b.handle(t, "gp", gpChild)
	sleeps := []*relmgr.Service{b.another(t), b.another(t), b.another(t)}
	for _, s := range sleeps {
		if p, err := s.FindHandle(t.Context(), b.as("gp"), gpChild); err != nil || p.Handle != known {
			t.Fatal(err)
		}
	}
	b.rotates(t, "gp-riverside")
	for i, s := range sleeps[:2] {
		if p, err := s.FindHandle(t.Context(), b.as("gp"), gpChild); err != nil || p.Handle != known {
			t.Errorf("process %d: another handle, or %v", i, err)
		}
	}
	b.rotates(t, "gp-riverside") // odd again: the slot of the key that the third still has in mind
	if a, err := sleeps[2].Enquire(t.Context(), b.as("gp"), relmgr.Question{Own: own("gp-riverside", "GP-00777"), Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"}); err != nil {
		t.Errorf("%+v, %v", a, err)
	}
	for i, s := range sleeps {
		if p, err := s.FindHandle(t.Context(), b.as("gp"), own("gp-riverside", "GP-00777")); err != nil || p.Handle != b.handle(t, "gp", own("gp-riverside", "GP-00777")) {
			t.Errorf("process %d: another handle, or %v", i, err)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.handles`); n != 2 {
		t.Errorf("%d handles of two people", n)
	}
}

// DCP-10: an agency's wrapping key rotates while its columns are used: what was
// sealed before can be read under the new key, what is new is wrapped by it, the
// old key goes when the backups that need it have gone, and not before.
func TestAnAgencysKeyRotatesAndTheOldOneGoesAfterTheBackups(t *testing.T) {
	b := setup(t)
	gp, care := b.handle(t, "gp", gpChild), b.handle(t, "social", socialChild)
	stale := b.another(t)
	if _, err := stale.FindHandle(t.Context(), b.as("gp"), gpChild); err != nil {
		t.Fatal(err)
	}
	if err := b.Rewrap(t.Context(), "riverside-gp", quiet); err != nil {
		t.Fatal(err)
	}
	if _, err := stale.FindHandle(t.Context(), b.as("gp"), own("gp-riverside", "GP-00777")); err != nil {
		t.Fatal(err)
	}
	if n := b.count(t, `select count(*) from relmgr.handles where wrapped_by = 'agency/riverside-gp/1'`); n != 0 {
		t.Errorf("%d handles are still wrapped by the old key", n)
	}
	if gone, err := b.DestroyRetired(t.Context()); err != nil || len(gone) != 0 {
		t.Errorf("destroyed %v, %v", gone, err)
	}
	_, err := b.DestroyRetired(t.Context(), "agency/riverside-gp/2") // in use
	wantKind(t, err, fault.Invalid)
	b.wait(month)
	if gone, err := b.DestroyRetired(t.Context()); err != nil || len(gone) != 1 || gone[0] != "agency/riverside-gp/1" {
		t.Errorf("destroyed %v, %v", gone, err)
	}
	if got, err := b.Reveal(t.Context(), b.as("gp"), gp); err != nil || got != "GP-00042" {
		t.Errorf("after the rotation it cannot be read: %v", err)
	}
	if _, err := b.Reveal(t.Context(), b.as("social"), care); err != nil {
		t.Errorf("another agency's cannot be read: %v", err)
	}
	b.another(t) // starts, though one key is gone
}

// DCP-10: a member's key is revoked: what it calls people is unreadable at once,
// for it and for everybody, its people are told so, and others notice nothing.
func TestARevokedAgencyIsToldAndOthersNoticeNothing(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	gp := b.handle(t, "gp", gpChild)
	if err := b.RevokeAgency(t.Context(), "riverside-gp"); err != nil {
		t.Fatal(err)
	}
	_, err := b.Reveal(t.Context(), b.as("gp"), gp)
	wantKind(t, err, fault.Forbidden)
	_, err = b.Enquire(t.Context(), b.as("gp"), relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"})
	wantKind(t, err, fault.Forbidden)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	err = b.RotateTokens(t.Context(), "gp-riverside", quiet)
	wantKind(t, err, fault.Conflict)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	_, err = b.another(t).FindHandle(t.Context(), b.as("gp"), own("gp-riverside", "GP-00777"))
	wantKind(t, err, fault.Forbidden)

	// With a new key the agency begins again, with what is new.
	if err := b.Rewrap(t.Context(), "riverside-gp", quiet); err != nil {
		t.Fatal(err)
	}
	if h := b.handle(t, "gp", own("gp-riverside", "GP-00777")); h.IsZero() {
		t.Error("no handle")
	}
	_, err = b.Reveal(t.Context(), b.as("gp"), gp)
	wantKind(t, err, fault.Forbidden)
	if err := b.RevokeAgency(t.Context(), "nobody"); !errors.As(err, new(*fault.Error)) {
		t.Errorf("an agency that is not there: %v", err)
	}
}
