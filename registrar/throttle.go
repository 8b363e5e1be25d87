package registrar

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/signin"
)

// The kinds of security event, as the database knows them.
const (
	guessing       = "guessing"
	guessingAround = "guessing-from-an-address"
	codeUsedAgain  = "code-used-again"
	keyCopied      = "key-copied"
	redeemedAgain  = "code-redeemed-again"
)

// try is one attempt that has been counted, before anybody knows how it ends.
type try struct {
	throttle [32]byte
	failures int32
	rule     signin.Throttle
}

// count counts an attempt against what is guessed at, or refuses it: RateLimited, with
// the time to wait. Of many at once no more pass than are free, whatever comes of them.
func (s *Accounts) count(ctx context.Context, rule signin.Throttle, at time.Time, what string) (try, error) {
	key, err := s.throttleKey(ctx, what)
	if err != nil {
		return try{}, err
	}
	waits := make([]float64, 0, 32)
	for _, w := range rule.Waits() {
		waits = append(waits, w.Seconds())
	}
	failures, err := s.queries.CountTry(ctx, s.db, registrardb.CountTryParams{
		Throttle: key[:], Now: at, Forgotten: at.Add(-rule.Forget), Waits: waits,
	})
	if err == nil {
		return try{key, failures, rule}, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return try{}, pg.Fault(err)
	}
	limited := fault.New(fault.RateLimited, "too many tries have failed: wait, or use something else to sign in with, or ask the registrar for a code")
	limited.RetryAfter = time.Second
	if t, err := s.queries.FindThrottle(ctx, s.db, key[:]); err == nil {
		limited.RetryAfter = max(t.At.Add(rule.Wait(int(t.Failures))).Sub(at), time.Second)
	}
	return try{}, limited
}

// throttleKey is what a count is found by: nobody reads from it what was guessed at.
func (s *Accounts) throttleKey(ctx context.Context, what string) ([32]byte, error) {
	return s.keys.MAC(ctx, signin.NamesKey, []byte("fame/throttle/1\x00"+what))
}

// failed reports an attempt that came to nothing, once it looks like guessing.
func (s *Accounts) failed(ctx context.Context, t try, kind string, at time.Time, account ident.AccountID) error {
	if t.failures == 0 { // not counted
		return nil
	}
	if over := int(t.failures) - t.rule.Free; over != 0 && (over < 0 || over%50 != 0) {
		return nil
	}
	return s.event(ctx, kind, at, account)
}

// event writes a security event, and a line in the log that does not say whose.
func (s *Accounts) event(ctx context.Context, kind string, at time.Time, account ident.AccountID) error {
	s.log.WarnContext(ctx, "security event", "alert", "security-events", "kind", kind)
	return pg.Fault(s.queries.InsertSecurityEvent(ctx, s.db, registrardb.InsertSecurityEventParams{
		EventID: ident.UntypedID(ident.NewAct()), Kind: kind, At: at, AccountID: account,
	}))
}

// around counts an attempt against its address. Where requests come through a proxy
// that sets its own limits there is none to count.
func (s *Accounts) around(ctx context.Context, from netip.Prefix, at time.Time) (try, error) {
	if !from.IsValid() {
		return try{}, nil
	}
	return s.count(ctx, signin.PerAddress, at, "address\x00"+from.String())
}

// ForgetWhatIsOver removes what no longer holds: sessions, requests and grants that
// have ended, failures that are forgotten.
func (s *Accounts) ForgetWhatIsOver(ctx context.Context) error {
	at := s.now()
	return errors.Join(
		pg.Fault(s.queries.ForgetWhatIsOver(ctx, s.db, registrardb.ForgetWhatIsOverParams{
			Now: at, Forgotten: at.Add(-signin.PerAuthenticator.Forget),
		})),
		pg.Fault(s.queries.ForgetGrants(ctx, s.db, at)))
}

// Run forgets what is over, until ctx is done.
func (s *Accounts) Run(ctx context.Context) {
	const every = 10 * time.Minute
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.ForgetWhatIsOver(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "what is over was not forgotten", "cause", err.Error())
			}
		}
	}
}
