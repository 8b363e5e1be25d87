package federation_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const here = "https://riverside.fame.example"

// bundle is a hub's federation duty, as its production role, and others that it meets.
type bundle struct {
	*federation.Service
	t     *testing.T
	base  *pgtest.Hub
	keys  seal.Provider
	other *hubtest.OtherHub

	mu sync.Mutex
	at time.Time

	said lines // what it has logged
}

// lines is a log that is read while others write it.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.text.String() }

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	b := &bundle{t: t, base: pgtest.New(t), at: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "federation.keys"), filepath.Join(dir, "federation.identity"))
	b.must(err)
	b.must(federation.MakeKeys(t.Context(), keys))
	b.keys, b.other = keys, hubtest.NewOtherHub(t, b.now)
	b.Service = b.open(keys)
	return b
}

// open opens the duty anew, as after a restart: what it knows is what is stored.
func (b *bundle) open(keys seal.Provider) *federation.Service {
	b.t.Helper()
	s, err := federation.New(b.t.Context(), b.config(keys))
	b.must(err)
	return s
}

func (b *bundle) config(keys seal.Provider) federation.Config {
	return federation.Config{
		Hub: here, DB: b.base.DB(b.t, "federation"), Keys: keys, Now: b.now, Logger: slog.New(slog.NewJSONHandler(&b.said, nil)), LogKey: "riverside.fame.example+0+AQ==",
		Client: entity.NewFetcher(false, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
		Terms: func(context.Context) (*decide.Terms, error) {
			return registrarTerms(), nil
		},
	}
}

func (b *bundle) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) now() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.at }

func (b *bundle) pass(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.at = b.at.Add(d) }

// officer is a governance officer.
func officer(roles ...string) decide.Caller {
	terms := (&decide.Terms{Version: 3, Codes: decide.Codes{Reasons: []decide.Code{{Code: "work-ended"}}}}).Index()
	return decide.Caller{Actor: decide.Actor{Practitioner: "gov-ellis", Agency: "governance-office", Roles: append(roles, "governance-officer")}, Terms: terms}
}

func (b *bundle) agreement() federation.Agreement {
	return federation.Agreement{
		Code: "two-counties", Title: "Riverside and its neighbour", Purposes: []string{"co-ordinate-care"}, Roles: []string{"gp"}, Minutes: 10,
		Until: time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC),
	}
}

// own are the keys that this hub states.
func (b *bundle) own() entity.Keys {
	b.t.Helper()
	text, err := b.Configuration(b.t.Context())
	b.must(err)
	s, err := entity.OpenConfiguration(text, here, b.now())
	b.must(err)
	return *s.Keys
}

// theirs has the other side confirm an agreement.
func (b *bundle) theirs(name string, a federation.Agreement) {
	b.t.Helper()
	keys := b.own()
	document, err := json.Marshal(a)
	b.must(err)
	b.other.States(name, entity.Statement{Subject: here, Keys: &keys, Agreement: document})
}

// confirmed is a peer that this side has confirmed.
func (b *bundle) confirmed(name string) federation.PeerState {
	b.t.Helper()
	a := b.agreement()
	c, err := b.Invite(b.t.Context(), officer(), b.other.Entity(name), &a)
	b.must(err)
	c, err = b.Confirm(b.t.Context(), officer(), c.Peer.ID, c.Peer.Digest.String(), c.Peer.Fingerprints)
	b.must(err)
	return c.Peer
}

func (b *bundle) wants(kind fault.Kind, err error) {
	b.t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		b.t.Fatalf("%v, want %s", err, kind)
	}
}

// E2E-13, TRU-07: a hub is a peer once both sides have confirmed the same agreement, and from
// the next request on it is none when either has ended it.
func TestAHubIsAPeerWhileBothSidesHaveConfirmed(t *testing.T) {
	b := setup(t)
	ctx, name := t.Context(), b.other.Entity("mill")
	_, err := b.Peer(ctx, name)
	b.wants(fault.Forbidden, err)
	p := b.confirmed("mill")
	_, err = b.Peer(ctx, name)
	b.wants(fault.Forbidden, err) // nobody has confirmed there
	b.theirs("mill", b.agreement())
	found, err := b.Peer(ctx, name)
	b.must(err)
	if found.Entity != name || found.Digest != p.Digest || len(found.Keys.KeyIDs()) != 1 || found.Encryption.IsZero() || found.Endpoints.Fetch == "" {
		t.Fatalf("%+v", found)
	}
	all, err := b.Peers(ctx)
	b.must(err)
	if len(all) != 1 || all[0].State != "confirmed" || all[0].Theirs != "confirmed" {
		t.Fatalf("%+v", all)
	}
	// Here at once, whatever is remembered of the other side.
	_, err = b.Suspend(ctx, officer(), p.ID, "work-ended")
	b.must(err)
	_, err = b.Peer(ctx, name)
	b.wants(fault.Forbidden, err)
	if _, err = b.About(ctx, name); fault.KindOf(err) != fault.NotKnown {
		t.Fatalf("a suspended peer is still stated: %v", err)
	}
	_, err = b.Suspend(ctx, officer(), p.ID, "work-ended")
	b.wants(fault.Conflict, err)
	_, err = b.Readmit(ctx, officer(), p.ID, "work-ended")
	b.must(err)
	_, err = b.Peer(ctx, name)
	b.must(err)
	// There within the agreement's minutes.
	b.other.Ends("mill", here)
	b.pass(10*time.Minute + time.Second)
	_, err = b.Peer(ctx, name)
	b.wants(fault.Forbidden, err)
	all, err = b.Peers(ctx)
	b.must(err)
	if all[0].Theirs != "ended" {
		t.Fatalf("%+v", all)
	}
	_, err = b.Leave(ctx, officer(), p.ID, "work-ended")
	b.must(err)
	_, err = b.Readmit(ctx, officer(), p.ID, "work-ended")
	b.wants(fault.Conflict, err)
}

// FED-12: what the other side has stated is relied on until it expires, also by a process
// that has only just started, and no longer.
func TestAPeerThatIsAwayIsOneUntilItsWordExpires(t *testing.T) {
	b := setup(t)
	ctx, name := t.Context(), b.other.Entity("mill")
	b.confirmed("mill")
	b.theirs("mill", b.agreement())
	_, err := b.Peer(ctx, name)
	b.must(err)
	b.other.Close()
	b.pass(4 * time.Minute)
	s := b.open(b.keys)
	_, err = s.Peer(ctx, name)
	b.must(err)
	b.pass(time.Minute + time.Second)
	_, err = s.Peer(ctx, name)
	b.wants(fault.Unavailable, err)
	_, err = b.Peer(ctx, name)
	b.wants(fault.Unavailable, err)
}

// Keys roll over by overlap: what one that is known has signed may bring another; a hub that
// comes with others is refused.
func TestAPeersKeysRollOverByOverlapAlone(t *testing.T) {
	b := setup(t)
	ctx, name := t.Context(), b.other.Entity("mill")
	b.confirmed("mill")
	b.theirs("mill", b.agreement())
	_, err := b.Peer(ctx, name)
	b.must(err)
	b.other.Renew(t, false)
	b.pass(6 * time.Minute)
	p, err := b.Peer(ctx, name)
	b.must(err)
	if len(p.Keys.KeyIDs()) != 2 {
		t.Fatalf("%v", p.Keys.KeyIDs())
	}
	b.other.Renew(t, true)
	b.pass(6 * time.Minute)
	p, err = b.Peer(ctx, name)
	b.must(err)
	if len(p.Keys.KeyIDs()) != 1 {
		t.Fatalf("%v", p.Keys.KeyIDs())
	}
	stranger := hubtest.NewOtherHub(t, b.now)
	b.other.Impersonate(stranger)
	b.pass(6 * time.Minute)
	_, err = b.Peer(ctx, name)
	b.wants(fault.Forbidden, err)
}

// Two officers who act at once: each step comes after the other, and what no longer fits is
// refused.
func TestOfTwoWhoSuspendAtOnceOneIsTold(t *testing.T) {
	b := setup(t)
	p := b.confirmed("mill")
	var done sync.WaitGroup
	results := make([]error, 6)
	for i := range results {
		done.Go(func() { _, results[i] = b.Suspend(t.Context(), officer(), p.ID, "work-ended") })
	}
	done.Wait()
	made := 0
	for _, err := range results {
		switch {
		case err == nil:
			made++
		case fault.KindOf(err) != fault.Conflict:
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("%d suspended it", made)
	}
}

// What is confirmed is what two people have compared: another agreement, another fingerprint
// or a part of them is refused, and so is an agreement that the other side has not made.
func TestOnlyWhatWasComparedIsConfirmed(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	a := b.agreement()
	c, err := b.Invite(ctx, officer(), b.other.Entity("mill"), &a)
	b.must(err)
	for _, wrong := range []struct {
		digest       string
		fingerprints []string
	}{
		{federation.Digest{}.String(), c.Peer.Fingerprints}, {c.Peer.Digest.String(), nil}, {c.Peer.Digest.String(), append([]string{"x"}, c.Peer.Fingerprints...)},
	} {
		_, err := b.Confirm(ctx, officer(), c.Peer.ID, wrong.digest, wrong.fingerprints)
		b.wants(fault.Invalid, err)
	}
	other := a
	other.Minutes = 60
	b.theirs("mill", other)
	_, err = b.Invite(ctx, officer(), b.other.Entity("mill"), &a)
	b.wants(fault.Invalid, err)
	c, err = b.Invite(ctx, officer(), b.other.Entity("mill"), nil) // theirs is taken
	b.must(err)
	if c.Peer.Agreement.Minutes != 60 {
		t.Errorf("%+v", c.Peer.Agreement)
	}
}

// A key file with other keys than peers know the hub by is not this database's.
func TestAnotherKeyFileIsRefused(t *testing.T) {
	b := setup(t)
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "federation.keys"), filepath.Join(dir, "federation.identity"))
	b.must(err)
	b.must(federation.MakeKeys(t.Context(), keys))
	if _, err := federation.New(t.Context(), b.config(keys)); err == nil {
		t.Error("the hub has two identities")
	}
}

// TRU-07, FED-26: what has changed there is seen here without anybody's question, and a peer that
// is away keeps no other from being looked after.
func TestWhatChangesThereIsSeenWithoutAQuestion(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	away := hubtest.NewOtherHub(t, b.now)
	a := b.agreement()
	c, err := b.Invite(ctx, officer(), away.Entity("away"), &a)
	b.must(err)
	_, err = b.Confirm(ctx, officer(), c.Peer.ID, c.Peer.Digest.String(), c.Peer.Fingerprints)
	b.must(err)
	away.Close()
	b.confirmed("mill")
	stands := func() string {
		t.Helper()
		b.must(b.Refresh(ctx))
		all, err := b.Peers(ctx)
		b.must(err)
		for _, p := range all {
			if p.Entity == b.other.Entity("mill") {
				return p.Theirs
			}
		}
		return ""
	}
	if got := stands(); got != "not-seen" {
		t.Errorf("before they have confirmed: %s", got)
	}
	b.theirs("mill", a)
	if got := stands(); got != "confirmed" {
		t.Errorf("once they have: %s", got)
	}
	asked := b.other.Asked("mill")
	stands()
	if b.other.Asked("mill") != asked {
		t.Error("what is fresh is asked for again")
	}
	b.other.Ends("mill", here)
	b.pass(6 * time.Minute)
	if got := stands(); got != "ended" {
		t.Errorf("once they have ended it: %s", got)
	}
}
