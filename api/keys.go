package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// How an issuer's keys are fetched and kept. go-oidc's own key set has no
// lifetime and fetches on every bad signature and unknown key id (tech.md
// section 5), so whoever sends forged tokens would hammer the issuer.
const (
	keysFresh     = 10 * time.Minute // from then on they are fetched anew, while requests go on
	keysUsable    = time.Hour        // from then on an issuer that cannot be reached is Unavailable
	fetchInterval = 15 * time.Second // between two fetches from one issuer, after
	fetchBurst    = 2                // the first two
	fetchTimeout  = 5 * time.Second
	fetchLimit    = 512 << 10 // bytes of one document
	maxKeys       = 64
	minRSABits    = 2048
)

// issuerKeys holds the public keys of one issuer, as its JWK set gives them.
type issuerKeys struct {
	issuer string
	client *http.Client
	log    *slog.Logger
	now    func() time.Time
	budget *rate.Limiter
	flight singleflight.Group

	mu   sync.Mutex
	from string // the set's address, by discovery
	keys []jose.JSONWebKey
	at   time.Time // when they were fetched; zero for never
}

func newIssuerKeys(issuer string, a *Authenticator) *issuerKeys {
	return &issuerKeys{
		issuer: issuer, client: a.client, log: a.log, now: a.now,
		budget: rate.NewLimiter(rate.Every(fetchInterval), fetchBurst),
	}
}

// find returns the keys that may have made a signature: those of that id, all
// of them for none. An unknown id is looked for at the issuer, when the last
// fetch is long enough ago. It returns no key for an id that is not there, and
// Unavailable when the issuer cannot be reached.
func (k *issuerKeys) find(ctx context.Context, id, alg string) ([]jose.JSONWebKey, error) {
	keys, age := k.held(id, alg)
	switch {
	case age < keysFresh && len(keys) > 0:
		return keys, nil
	case age < keysUsable && len(keys) > 0:
		k.start(ctx) // nobody waits for it
		return keys, nil
	}
	select {
	case <-ctx.Done():
		return nil, pg.Fault(ctx.Err())
	case <-k.start(ctx):
	}
	if keys, age = k.held(id, alg); age < keysUsable {
		return keys, nil
	}
	f := fault.New(fault.Unavailable, "the issuer of the token cannot be reached to verify it: try again")
	f.RetryAfter = fetchInterval
	return nil, f
}

// held returns the keys in hand that fit, and how old they are.
func (k *issuerKeys) held(id, alg string) (fit []jose.JSONWebKey, age time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at.IsZero() {
		return nil, keysUsable
	}
	for _, key := range k.keys {
		if (id == "" || key.KeyID == id) && (key.Algorithm == "" || key.Algorithm == alg) && makes(&key, alg) {
			fit = append(fit, key)
		}
	}
	return fit, k.now().Sub(k.at)
}

// start fetches the keys, if the issuer may be asked again, once however many
// want them. Keys that cannot be fetched leave those in hand as they are.
func (k *issuerKeys) start(ctx context.Context) <-chan singleflight.Result {
	return k.flight.DoChan("", func() (any, error) {
		if !k.budget.AllowN(k.now(), 1) {
			return nil, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		if err := k.fetch(ctx); err != nil {
			k.log.WarnContext(ctx, "the keys of an issuer cannot be fetched", "issuer", k.issuer, "cause", clip(err.Error()))
		}
		return nil, nil
	})
}
