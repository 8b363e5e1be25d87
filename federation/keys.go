package federation

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
)

// The hub's own key changes by overlap, and by the clock alone: from RollKey on the next key
// is stated beside the one that signs, after an overlap it signs, and after another the one
// before is stated no more. Every peer that asks once in an overlap follows; whoever does not
// compares fingerprints again. Nothing is to be done in between, and processes on one database
// agree without a word.

// overlap is longer than what any peer keeps of what this hub stated: the longest bound of an
// agreement, and a configuration.
const overlap = longestBound*time.Minute + configurationLives

// signingKey is the n-th key that the hub signs with.
func signingKey(n int) seal.KeyID { return seal.KeyID(fmt.Sprintf("sign/federation/%d", n)) }

// identity is what the hub is known by now.
type identity struct {
	key    seal.KeyID  // signs
	stated entity.Keys // in the configuration
	known  entity.Keys // and those before
	past   []pastKey
}

// pastKey was stated until it ended.
type pastKey struct {
	keys  entity.Keys
	ended time.Time
}

// identity reads it: each time, so that every process changes at one instant.
func (s *Service) identity(ctx context.Context) (now identity, err error) {
	rows, err := s.q.ListHubKeys(ctx, s.db)
	if err != nil {
		return now, pg.Fault(err)
	}
	at := s.now()
	var stated []entity.Keys
	for i, r := range rows {
		keys, err := entity.ParseKeys([]byte(r.Jwk))
		if err != nil {
			return now, err
		}
		if i+1 < len(rows) {
			if ended := rows[i+1].At.Add(2 * overlap); !at.Before(ended) {
				now.past = append(now.past, pastKey{keys, ended})
				continue
			}
		}
		if i == 0 || now.key == "" || !at.Before(r.At.Add(overlap)) {
			now.key = seal.KeyID(r.KeyID)
		}
		stated = append(stated, keys)
	}
	if now.stated, err = entity.Join(stated...); err != nil {
		return now, err
	}
	for _, p := range now.past {
		stated = append(stated, p.keys)
	}
	now.known, err = entity.Join(stated...)
	return now, err
}

// signer signs as the hub, with the key of now.
func (s *Service) signer(ctx context.Context) (*attest.Signer, error) {
	now, err := s.identity(ctx)
	if err != nil {
		return nil, err
	}
	return attest.NewSigner(s.keys, now.key, s.hub), nil
}

// signs is a statement of the hub's as the key of now signs it.
func (s *Service) signs(ctx context.Context, typ string, claims any) (string, error) {
	signer, err := s.signer(ctx)
	if err != nil {
		return "", err
	}
	return signer.SignPublic(ctx, typ, claims)
}

// RollKey begins the change of the hub's key to the next, and returns all that it is known
// by to its own duties from then on. Two that begin at once begin one. Conflict: the change
// before is not over.
func RollKey(ctx context.Context, db *sql.DB, keys seal.Provider, now time.Time) (set attest.KeySet, err error) {
	defer fault.Wrap(&err, "federation.RollKey")
	q := federationdb.New()
	rows, err := q.ListHubKeys(ctx, db)
	if err != nil {
		return set, pg.Fault(err)
	}
	n := len(rows)
	if n == 0 {
		return set, fault.New(fault.Conflict, "start the federation duty once: it has no key yet")
	}
	if ready := rows[n-1].At.Add(2 * overlap); n > 1 && now.Before(ready) {
		return set, fault.New(fault.Conflict, "the change before is over at %s: begin the next then", ready.UTC().Format(time.RFC3339))
	}
	next := signingKey(n + 1)
	if _, _, err := keys.Ensure(ctx, next, seal.KindSign); err != nil {
		return set, err
	}
	public, err := attest.PublicKeys(ctx, keys, next)
	if err != nil {
		return set, err
	}
	jwk, err := json.Marshal(public)
	if err != nil {
		return set, err
	}
	if err := q.KeepHubKey(ctx, db, federationdb.KeepHubKeyParams{KeyID: string(next), Use: "sig", Jwk: string(jwk), At: now.UTC().Truncate(time.Microsecond)}); err != nil {
		return set, pg.Fault(err)
	}
	return attest.PublicKeys(ctx, keys, signingKey(n), next)
}

// What the set of historical keys is called (OpenID Federation 1.1, section 8.7).
const (
	HistoricalTyp         = "jwk-set+jwt"
	HistoricalContentType = "application/" + HistoricalTyp
)

// HistoricalKeys are the keys that the hub signed with and states no more, each with the
// instant at which it ended: with them an old statement can still be read for what it was.
func (s *Service) HistoricalKeys(ctx context.Context) (text string, err error) {
	defer fault.Wrap(&err, "federation.HistoricalKeys")
	now, err := s.identity(ctx)
	if err != nil {
		return "", err
	}
	past := []map[string]any{}
	for _, p := range now.past {
		b, err := json.Marshal(p.keys)
		if err != nil {
			return "", err
		}
		var set struct {
			Keys []map[string]any `json:"keys"`
		}
		if err := json.Unmarshal(b, &set); err != nil {
			return "", err
		}
		for _, key := range set.Keys {
			key["exp"] = p.ended.Unix()
			past = append(past, key)
		}
	}
	return s.signs(ctx, HistoricalTyp, map[string]any{"iss": s.hub, "iat": s.now().Unix(), "keys": past})
}
