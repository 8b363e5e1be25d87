package registrar_test

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/signin"
)

const passphrase = "a heron on the mill pond"

var home = netip.MustParsePrefix("192.0.2.7/32")

// accounts are a registrar's with one person entered, who has nothing yet.
type accounts struct {
	*hub
	*registrar.Accounts
	person registrar.Entry
	log    *strings.Builder
}

func setupAccounts(t *testing.T) *accounts {
	t.Helper()
	a := &accounts{hub: setup(t), log: new(strings.Builder)}
	a.open("town")
	a.person = a.enter("town", name("Zsófia", "Ådahl"))
	a.Accounts = a.process()
	return a
}

// process is another process of the same registrar.
func (a *accounts) process() *registrar.Accounts {
	a.t.Helper()
	passkeys, err := signin.NewPasskeys("https://hub.example", "County registrar")
	must(a.t, err)
	made, err := registrar.NewAccounts(a.t.Context(), registrar.AccountsConfig{
		Service: a.registrar, Terms: func(context.Context) (*decide.Terms, error) { return terms(), nil },
		Passkeys: passkeys, Logger: slog.New(slog.NewTextHandler(a.log, nil)),
	})
	must(a.t, err)
	return made
}

func (a *accounts) pass(d time.Duration) { *a.now = a.now.Add(d) }

// code is a new enrolment code for the person.
func (a *accounts) code() string {
	a.t.Helper()
	made, err := a.IssueCode(a.t.Context(), keeper, "town", a.person, "asked")
	must(a.t, err)
	return made.Code.Grouped()
}

// arrive uses a new code.
func (a *accounts) arrive() registrar.Ticket {
	a.t.Helper()
	ticket, err := a.UseCode(a.t.Context(), a.code(), home)
	must(a.t, err)
	return ticket
}

func (a *accounts) session(t registrar.Ticket) registrar.Session {
	a.t.Helper()
	s, err := a.FindSession(a.t.Context(), t)
	must(a.t, err)
	return s
}

func (a *accounts) number(t registrar.Ticket) string {
	a.t.Helper()
	n, err := a.Number(a.t.Context(), a.session(t))
	must(a.t, err)
	return n.Grouped()
}

// enrolBoth gives the person a secret and an app, and returns the number and the seed.
func (a *accounts) enrolBoth() (registrar.Ticket, string, signin.Seed) {
	a.t.Helper()
	t := a.arrive()
	t, err := a.EnrolSecret(a.t.Context(), t, passphrase)
	must(a.t, err)
	seed := signin.NewSeed()
	t, err = a.EnrolSeed(a.t.Context(), t, seed, a.shown(seed))
	must(a.t, err)
	return t, a.number(t), seed
}

// shown is what the person's app shows now.
func (a *accounts) shown(seed signin.Seed) string {
	a.t.Helper()
	code, err := seed.CodeAt(*a.now)
	must(a.t, err)
	return code
}

// enrolKey gives the person a passkey on a device.
func (a *accounts) enrolKey(t registrar.Ticket) (registrar.Ticket, *phone) {
	a.t.Helper()
	account := a.session(t).Account
	p := &phone{
		a: a, site: virtualwebauthn.RelyingParty{ID: "hub.example", Origin: "https://hub.example"},
		device: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: account[:]}),
		key:    newKey(),
	}
	options, ceremony, err := a.AskForKey(a.t.Context(), t)
	must(a.t, err)
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	must(a.t, err)
	p.device.AddCredential(p.key)
	t, err = a.EnrolKey(a.t.Context(), t, ceremony, []byte(virtualwebauthn.CreateAttestationResponse(p.site, p.device, p.key, *parsed)))
	must(a.t, err)
	return t, p
}

// phone is a device with a passkey.
type phone struct {
	a      *accounts
	site   virtualwebauthn.RelyingParty
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

// answer asks the registrar and answers it.
func (p *phone) answer() (registrar.Ticket, []byte) {
	p.a.t.Helper()
	options, ceremony, err := p.a.AskForProof(p.a.t.Context())
	must(p.a.t, err)
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	must(p.a.t, err)
	p.key.Counter++
	return ceremony, []byte(virtualwebauthn.CreateAssertionResponse(p.site, p.device, p.key, *parsed))
}

func (p *phone) signIn() (registrar.Ticket, error) {
	ceremony, answer := p.answer()
	return p.a.ProveByKey(p.a.t.Context(), ceremony, answer, home)
}

func (a *accounts) events(kind string) int {
	return a.hub.count("select count(*) from registrar.security_events where kind = $1", kind)
}

// REG-07: what somebody signs in with is enrolled by an act of one who keeps the
// register and then by the person, with a code that is good once and for minutes.
func TestAPersonEnrolsWithACodeThatIsGoodOnceAndForMinutes(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	code := a.code()
	ticket, err := a.UseCode(t.Context(), strings.ToLower(code), home)
	must(t, err)
	if s := a.session(ticket); s.Level() != signin.NoLevel || !a.MayEnrol(s) {
		t.Errorf("a code alone gives %+v", s)
	}
	refused := func(what, typed string) {
		t.Helper()
		_, err := a.UseCode(t.Context(), typed, home)
		wantKind(t, err, fault.Unauthenticated)
		if err != nil && strings.Contains(err.Error(), typed) {
			t.Errorf("%s: the refusal repeats it", what)
		}
	}
	refused("used", code)
	refused("no code", "7KQ4N-M2XW9")
	refused("no code at all", "<script>")
	late := a.code()
	a.pass(registrar.CodeLife)
	refused("too late", late)
	old := a.code()
	a.pass(time.Minute)
	newer := a.code()
	refused("replaced by a newer one", old)
	if _, err := a.UseCode(t.Context(), newer, home); err != nil {
		t.Errorf("the newer one: %v", err)
	}
	if _, err := a.FindSession(t.Context(), ticket); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("the first session is still there: %v", err)
	}

	for what, c := range map[string]struct {
		by   decide.Caller
		kind fault.Kind
		in   ident.Register
		of   registrar.Entry
		why  string
	}{
		"somebody who keeps no register": {clerk, fault.Forbidden, "town", a.person, "asked"},
		"another agency's keeper":        {gpKeep, fault.Forbidden, "town", a.person, "asked"},
		"another register":               {keeper, fault.NotKnown, "village", a.person, "asked"},
		"somebody who is not there":      {keeper, fault.NotKnown, "town", "mfrggzdfmztwq2lknnwg23tpob", "asked"},
		"a reason that is none":          {keeper, fault.Invalid, "town", a.person, "curious"},
	} {
		_, err := a.IssueCode(t.Context(), c.by, c.in, c.of, c.why)
		if fault.KindOf(err) != c.kind || err == nil {
			t.Errorf("%s: %v", what, err)
		}
		_, err = a.Revoke(t.Context(), c.by, c.in, c.of, ident.NewAuthenticator(), c.why)
		if fault.KindOf(err) != c.kind || err == nil {
			t.Errorf("revoking, %s: %v", what, err)
		}
	}
	_, err = a.Authenticators(t.Context(), clerk, "town", a.person)
	wantKind(t, err, fault.Forbidden)
	_, err = a.SecurityEvents(t.Context(), clerk, noon)
	wantKind(t, err, fault.Forbidden)
}

// Two at once with one code: one of them is the person, as far as anybody can tell,
// and the other is refused. Two codes of one person, used at once, share the account.
func TestOfTwoAtOnceWithOneCodeOneIsLetIn(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	code := a.code()
	var at sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		at.Go(func() { _, errs[i] = a.UseCode(t.Context(), code, home) })
	}
	at.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
		} else {
			wantKind(t, err, fault.Unauthenticated)
		}
	}
	if in != 1 || a.hub.count("select count(*) from registrar.enrolment_codes_used") != 1 || a.hub.count("select count(*) from registrar.accounts") != 1 {
		t.Errorf("%d were let in", in)
	}
}

// AUT-14: a secret alone is one factor; with a one-time code it is two.
func TestASecretAndACodeAreTwoFactors(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	ticket, number, seed := a.enrolBoth()
	if got := a.session(ticket).Level(); got != signin.TwoFactors {
		t.Errorf("who has just enrolled both is at %s", got)
	}
	a.pass(time.Minute)
	one, err := a.ProveBySecret(t.Context(), number, passphrase, home)
	must(t, err)
	if got := a.session(one); got.Level() != signin.OneFactor || a.MayEnrol(got) {
		t.Errorf("a secret alone gives %+v", got)
	}
	if _, err := a.EnrolSecret(t.Context(), one, "another one that is long"); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("with a secret alone somebody changes it: %v", err)
	}
	two, err := a.ProveByCode(t.Context(), one, a.shown(seed), home)
	must(t, err)
	if got := a.session(two); got.Level() != signin.TwoFactors || !slices.Equal(signin.AMR(got.Methods), []string{"pwd", "otp", "mfa"}) {
		t.Errorf("both give %+v", got)
	}
	if _, err := a.FindSession(t.Context(), one); err == nil {
		t.Error("the ticket from before the code is still good")
	}
	// A code needs a secret before it, and not long before.
	_, err = a.ProveByCode(t.Context(), a.arrive(), a.shown(seed), home)
	wantKind(t, err, fault.Unauthenticated)
	late, err := a.ProveBySecret(t.Context(), number, passphrase, home)
	must(t, err)
	a.pass(11 * time.Minute)
	_, err = a.ProveByCode(t.Context(), late, a.shown(seed), home)
	wantKind(t, err, fault.Unauthenticated)
	a.pass(registrar.SessionLife)
	if _, err := a.FindSession(t.Context(), two); err == nil {
		t.Error("a session does not end")
	}
	must(t, a.ForgetWhatIsOver(t.Context()))
	if n := a.hub.count("select count(*) from registrar.sessions"); n != 0 {
		t.Errorf("%d sessions that are over are kept", n)
	}
}

// AUT-13: a one-time code is good once. Of eight processes that are sent one at once
// one accepts it; the rest record that somebody tried it again.
func TestOfTwoAtOnceWithOneOneTimeCodeOneWins(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	_, number, seed := a.enrolBoth()
	a.pass(time.Minute)
	const many = 5 // as many as are free to fail
	tickets := make([]registrar.Ticket, many)
	for i := range tickets {
		var err error
		tickets[i], err = a.ProveBySecret(t.Context(), number, passphrase, home)
		must(t, err)
	}
	code := a.shown(seed)
	var at sync.WaitGroup
	errs := make([]error, many)
	for i := range errs {
		process := a.process()
		at.Go(func() { _, errs[i] = process.ProveByCode(t.Context(), tickets[i], code, home) })
	}
	at.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
		}
	}
	if in != 1 || a.events("code-used-again") == 0 {
		t.Errorf("%d were let in, %d events", in, a.events("code-used-again"))
	}
	// Nor one from before: the step only grows, and the database sees to it.
	a.pass(time.Minute)
	older := a.shown(seed)
	a.pass(30 * time.Second)
	must(t, func() error {
		s, err := a.ProveBySecret(t.Context(), number, passphrase, home)
		must(t, err)
		_, err = a.ProveByCode(t.Context(), s, a.shown(seed), home)
		return err
	}())
	s, err := a.ProveBySecret(t.Context(), number, passphrase, home)
	must(t, err)
	_, err = a.ProveByCode(t.Context(), s, older, home)
	wantKind(t, err, fault.Unauthenticated)
	_, err = a.db.ExecContext(t.Context(), "update registrar.authenticators_in_force set last_step = last_step - 1 where kind = 'one-time-code'")
	if err == nil || !strings.Contains(err.Error(), "one-time code") {
		t.Errorf("a step goes back: %v", err)
	}
}

// AUT-13: fifty wrong secrets are throttled and an event is recorded; they do not keep
// the person out: a passkey and the registrar's code are ways through, and the wait
// ends. A number that is nobody's is throttled alike.
func TestFiftyWrongSecretsAreThrottledAndKeepNobodyOut(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	ticket, number, _ := a.enrolBoth()
	_, device := a.enrolKey(ticket)
	guess := func(number string, i byte) fault.Kind {
		from := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, i}), 32) // each from an address of its own
		_, err := a.ProveBySecret(t.Context(), number, "a heron on the mill pon", from)
		return fault.KindOf(err)
	}
	fifty := func(number string) (wrong, throttled int) {
		var mu sync.Mutex
		var at sync.WaitGroup
		for i := range byte(50) {
			at.Go(func() {
				kind := guess(number, i)
				mu.Lock()
				defer mu.Unlock()
				switch kind {
				case fault.Unauthenticated:
					wrong++
				case fault.RateLimited:
					throttled++
				default:
					t.Errorf("a wrong secret: %s", kind)
				}
			})
		}
		at.Wait()
		return wrong, throttled
	}
	if wrong, throttled := fifty(number); wrong != 5 || throttled != 45 || a.events("guessing") != 1 {
		t.Errorf("at once: %d wrong, %d throttled, %d events", wrong, throttled, a.events("guessing"))
	}
	nobody := signin.NewNumber().Grouped()
	if wrong, throttled := fifty(nobody); wrong != 5 || throttled != 45 {
		t.Errorf("a number that is nobody's: %d wrong, %d throttled", wrong, throttled)
	}
	_, err := a.ProveBySecret(t.Context(), number, passphrase, home)
	wantKind(t, err, fault.RateLimited)
	if _, err := device.signIn(); err != nil {
		t.Errorf("a passkey is no way through: %v", err)
	}
	// The longest wait ends by itself.
	for range 20 {
		a.pass(16 * time.Minute)
		guess(number, 1)
	}
	_, err = a.ProveBySecret(t.Context(), number, passphrase, home)
	wantKind(t, err, fault.RateLimited)
	a.pass(15 * time.Minute)
	if _, err := a.ProveBySecret(t.Context(), number, passphrase, home); err != nil {
		t.Errorf("after the longest wait: %v", err)
	}
	// The registrar's code ends it at once.
	fifty(number)
	_, err = a.ProveBySecret(t.Context(), number, passphrase, home)
	wantKind(t, err, fault.RateLimited)
	a.arrive()
	if _, err := a.ProveBySecret(t.Context(), number, passphrase, home); err != nil {
		t.Errorf("after the registrar's code: %v", err)
	}
	events, err := a.SecurityEvents(t.Context(), keeper, noon)
	must(t, err)
	if len(events) == 0 || events[len(events)-1].Kind != "guessing" {
		t.Errorf("the keeper is told %v", events)
	}
	if logged := a.log.String(); !strings.Contains(logged, "security event") || strings.Contains(logged, strings.ReplaceAll(number, " ", "")) {
		t.Errorf("the log says %s", logged)
	}
}

// AUT-13: who tries many numbers from one address waits too, with a right secret as
// with a wrong one.
func TestOneAddressIsThrottledWhateverItTries(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	throttled := 0
	for range 60 {
		if _, err := a.UseCode(t.Context(), signin.NewCode().Grouped(), home); fault.KindOf(err) == fault.RateLimited {
			throttled++
		}
	}
	if throttled != 10 || a.events("guessing-from-an-address") != 1 {
		t.Errorf("%d were throttled, %d events", throttled, a.events("guessing-from-an-address"))
	}
	if _, err := a.UseCode(t.Context(), a.code(), netip.MustParsePrefix("192.0.2.8/32")); err != nil {
		t.Errorf("another address: %v", err)
	}
	if _, err := a.UseCode(t.Context(), a.code(), netip.Prefix{}); err != nil {
		t.Errorf("behind a proxy that sets its own limits: %v", err)
	}
}

// REG-07: what is revoked is refused from the next request on, sessions included, and
// the refusal of a wrong one and a revoked one are alike.
func TestWhatIsRevokedIsOverAtTheNextRequest(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	ticket, number, seed := a.enrolBoth()
	_, device := a.enrolKey(ticket)
	a.pass(time.Minute)
	secret, err := a.ProveBySecret(t.Context(), number, passphrase, home)
	must(t, err)
	both, err := a.ProveByCode(t.Context(), secret, a.shown(seed), home)
	must(t, err)
	byKey, err := device.signIn()
	must(t, err)
	all, err := a.Authenticators(t.Context(), keeper, "town", a.person)
	must(t, err)
	of := map[registrar.Kind]ident.AuthenticatorID{}
	for _, one := range all {
		of[one.Kind] = one.ID
	}
	if len(of) != 3 {
		t.Fatalf("the person has %v", all)
	}
	elsewhere := a.process()

	_, err = a.Revoke(t.Context(), keeper, "town", a.person, of[registrar.OneTimeCodeKind], "asked")
	must(t, err)
	if _, err := elsewhere.FindSession(t.Context(), both); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("a session that rests on it: %v", err)
	}
	if _, err := elsewhere.FindSession(t.Context(), byKey); err != nil {
		t.Errorf("a session that does not: %v", err)
	}
	again, err := a.ProveBySecret(t.Context(), number, passphrase, home)
	must(t, err)
	a.pass(time.Minute)
	_, err = a.ProveByCode(t.Context(), again, a.shown(seed), home)
	wantKind(t, err, fault.Unauthenticated)

	_, err = a.Revoke(t.Context(), keeper, "town", a.person, of[registrar.PasskeyKind], "asked")
	must(t, err)
	if _, err := elsewhere.FindSession(t.Context(), byKey); err == nil {
		t.Error("a session of a revoked passkey goes on")
	}
	_, err = device.signIn()
	wantKind(t, err, fault.Unauthenticated)
	_, err = a.Revoke(t.Context(), keeper, "town", a.person, of[registrar.SecretKind], "asked")
	must(t, err)
	_, err = a.ProveBySecret(t.Context(), number, passphrase, home)
	wantKind(t, err, fault.Unauthenticated)
	_, err = a.Revoke(t.Context(), keeper, "town", a.person, of[registrar.SecretKind], "asked")
	wantKind(t, err, fault.NotKnown)
	if n := a.hub.count("select count(*) from registrar.authenticators_in_force"); n != 0 {
		t.Errorf("%d are still in force", n)
	}
}

// A person who changes their secret ends the old one and what rested on it, and may
// take back what they enrolled themselves.
func TestAPersonReplacesAndRevokesTheirOwn(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	ticket, number, _ := a.enrolBoth()
	elsewhere, err := a.ProveBySecret(t.Context(), number, passphrase, home)
	must(t, err)
	const other = "two herons on the mill pond"
	ticket, err = a.EnrolSecret(t.Context(), ticket, other)
	must(t, err)
	if _, err := a.FindSession(t.Context(), elsewhere); err == nil {
		t.Error("a session of the old secret goes on")
	}
	_, err = a.ProveBySecret(t.Context(), number, passphrase, home)
	wantKind(t, err, fault.Unauthenticated)
	_, err = a.ProveBySecret(t.Context(), number, other, home)
	must(t, err)
	mine, err := a.Enrolled(t.Context(), a.session(ticket))
	must(t, err)
	i := slices.IndexFunc(mine, func(x registrar.Authenticator) bool {
		return x.Kind == registrar.OneTimeCodeKind && x.RevokedAt.IsZero()
	})
	must(t, a.RevokeOwn(t.Context(), ticket, mine[i].ID))
	wantKind(t, a.RevokeOwn(t.Context(), ticket, mine[i].ID), fault.Unauthenticated) // the session rested on it
	stranger := a.enter("town", name("Ilka", "Ådahl"))
	made, err := a.IssueCode(t.Context(), keeper, "town", stranger, "asked")
	must(t, err)
	hers, err := a.UseCode(t.Context(), made.Code.Grouped(), home)
	must(t, err)
	wantKind(t, a.RevokeOwn(t.Context(), hers, mine[0].ID), fault.NotKnown)
	for _, bad := range []string{"", "short", strings.Repeat("x", 200)} {
		_, err := a.EnrolSecret(t.Context(), hers, bad)
		wantKind(t, err, fault.Invalid)
	}
	_, err = a.EnrolSeed(t.Context(), hers, signin.NewSeed(), "000000")
	wantKind(t, err, fault.Invalid)
}

// AUT-13: an answer of a device is good once, a copied key is refused and recorded.
func TestAPasskeysAnswerIsGoodOnce(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	ticket, device := a.enrolKey(a.arrive())
	if got := a.session(ticket).Level(); got != signin.PhishingResistant {
		t.Errorf("who has just made a passkey is at %s", got)
	}
	ceremony, answer := device.answer()
	var at sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		at.Go(func() { _, errs[i] = a.ProveByKey(t.Context(), ceremony, answer, home) })
	}
	at.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
		} else {
			wantKind(t, err, fault.Unauthenticated)
		}
	}
	if in != 1 {
		t.Errorf("one answer lets %d in", in)
	}
	late, slow := device.answer()
	a.pass(6 * time.Minute)
	_, err := a.ProveByKey(t.Context(), late, slow, home)
	wantKind(t, err, fault.Unauthenticated)
	copied := *device
	_, err = device.signIn()
	must(t, err)
	_, err = device.signIn()
	must(t, err)
	_, err = copied.signIn()
	wantKind(t, err, fault.Unauthenticated)
	if a.events("key-copied") != 1 {
		t.Error("nothing is recorded of a key that was copied")
	}
	for range 18 {
		a.pass(time.Second)
		ticket, _ = a.enrolKey(ticket)
	}
}

// REG-07: a dump shows nothing that proves somebody to anybody.
func TestADumpShowsNothingThatProvesAnybody(t *testing.T) {
	t.Parallel()
	a := setupAccounts(t)
	code := a.code()
	ticket, err := a.UseCode(t.Context(), code, home)
	must(t, err)
	ticket, err = a.EnrolSecret(t.Context(), ticket, passphrase)
	must(t, err)
	seed := signin.NewSeed()
	ticket, err = a.EnrolSeed(t.Context(), ticket, seed, a.shown(seed))
	must(t, err)
	ticket, _ = a.enrolKey(ticket)
	number := a.number(ticket)
	waiting := a.code()
	dump := strings.ToLower(a.Dump(t))
	plain := strings.NewReplacer(" ", "", "-", "")
	for what, secret := range map[string]string{
		"secret": passphrase, "seed": string(seed[:]), "seed, spelt": base32.StdEncoding.EncodeToString(seed[:]),
		"number": plain.Replace(number), "used code": plain.Replace(code), "code": plain.Replace(waiting), "ticket": string(ticket), "address": home.Addr().String(),
	} {
		for _, form := range []string{secret, hex.EncodeToString([]byte(secret))} {
			if strings.Contains(dump, strings.ToLower(form)) {
				t.Errorf("the dump holds the %s", what)
			}
		}
	}
	if !strings.Contains(dump, "$argon2id$") || !strings.Contains(dump, "registrar.sessions") {
		t.Error("the dump lacks what it should have: this test looks in the wrong place")
	}
}

// newKey draws a key whose co-ordinates have 32 bytes each: of one that begins with a
// zero the library leaves that out, and no verifier takes it.
func newKey() virtualwebauthn.Credential {
	for {
		if c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(c.Key.AttestationData()) == 77 {
			return c
		}
	}
}
