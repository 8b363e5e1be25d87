package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// record is what an answer acknowledged: an act of the index by its reference,
// an act of consent, or an enquiry, with its commitment. A pairing is
// acknowledged by its commitment alone.
type record struct{ kind, id, commitment string }

// records is everything that was acknowledged, in order.
type records struct {
	mu  sync.Mutex
	all []record
}

func (r *records) add(kind, id, commitment string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, record{kind, id, commitment})
}

func (r *records) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

func (r *records) at(n int) (record, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n >= len(r.all) {
		return record{}, false
	}
	return r.all[n], true
}

// since is what has been acknowledged from number n on.
func (r *records) since(n int) []record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all[n:])
}

// object is a JSON object.
type object map[string]any

// decision is what a safeguarding lead decides of what is imposed.
func decision(power string) object {
	return object{
		"agreement": "riverside-children", "power": power, "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"audience": object{"partnership": true}, "proportionality": object{"necessary": true, "safeguards": true, "aim": "protect-health"},
		"ground": "significant-harm", "reason": "risk-of-harm", "conditions": object{"ordinary": "art6-public-task"},
		"until": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339),
	}
}

// side is a column, who acts for it, and what its people are called.
type side struct{ column, who, role, power, format string }

var (
	gp     = side{"gp-riverside", "dr-brandt", "gp", "children-act-2004-s10", "GP-%09d"}
	school = side{"school-pastoral", "mrs-hale", "teacher", "education-act-2002-s175", "S%09d"}
	social = side{"social-care", "ms-novak", "social-worker", "children-act-2004-s10", "LMN-%09d"}
)

func (s side) name(n int) string { return fmt.Sprintf(s.format, n) }

// receipt is what acknowledges.
type receipt struct{ Act, ID, Commitment, Code, Consent, Import, Handle string }

// errRefused is an answer that no retry changes.
type errRefused struct {
	status int
	text   string
}

func (e *errRefused) Error() string { return fmt.Sprintf("%d %s", e.status, e.text) }

// do sends a request until it is answered: while things are killed there is no
// answer, or 503.
func (c *campaign) do(ctx context.Context, of, path, who, key string, body object, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		status, answer, err := send(ctx, http.MethodPost, c.hub.running[of].url+path, c.tokens[who], key, text)
		switch {
		case err == nil && status/100 == 2:
			c.hub.answered[of].Add(1)
			return json.Unmarshal(answer, into)
		case err == nil && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests:
			return &errRefused{status, string(answer)}
		}
		c.unanswered.Add(1)
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
	return ctx.Err()
}

// act does something that takes an idempotency key, and now and then says it
// again: that must be the same act.
func (c *campaign) act(ctx context.Context, kind, path, who string, body object) (r receipt, err error) {
	key := rand.Text()
	if err := c.do(ctx, relmgr, path, who, key, body, &r); err != nil {
		return r, err
	}
	c.acknowledged.add(kind, r.Act, r.Commitment)
	if mathrand.IntN(8) == 0 {
		var again receipt
		if err := c.do(ctx, relmgr, path, who, key, body, &again); err != nil {
			return r, err
		}
		if again.Act != r.Act {
			c.doubled.Add(1)
		}
	}
	return r, nil
}

func (c *campaign) ask(ctx context.Context, s side, n int) error {
	var r receipt
	err := c.do(ctx, relmgr, "/relmgr/v1/enquiries", s.who, "", object{
		"column": s.column, "identifier": s.name(n), "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "child",
	}, &r)
	if err == nil {
		c.acknowledged.add("enquiry", r.ID, r.Commitment)
	}
	return err
}

var offers = []object{{"kind": "will-co-ordinate", "transactions": []string{"joint-assessment"}, "contact": "desk"}}

// write publishes somebody new, brings them together with another column and
// asks; of every third the publication is withdrawn.
func (c *campaign) write(ctx context.Context, mine, other side, n int) error {
	published, err := c.act(ctx, "publish", "/relmgr/v1/relationships", mine.who, object{
		"column": mine.column, "identifier": mine.name(n), "role": mine.role, "mode": "imposed", "reason": "working-with-person",
		"offers": offers, "decision": decision(mine.power),
	})
	if err != nil {
		return err
	}
	var pairing receipt
	if err := c.do(ctx, relmgr, "/relmgr/v1/pairings", other.who, "", object{
		"column": other.column, "identifier": other.name(n), "decision": decision(other.power),
	}, &pairing); err != nil {
		return err
	}
	c.acknowledged.add("pair", "", pairing.Commitment)
	if _, err := c.act(ctx, "correlate", "/relmgr/v1/correlations", mine.who, object{
		"column": mine.column, "identifier": mine.name(n), "pairing": pairing.Code, "mode": "imposed", "reason": "same-person-found",
		"decision": decision(mine.power),
	}); err != nil {
		return err
	}
	if err := c.ask(ctx, other, n); err != nil || n%3 > 0 {
		return err
	}
	_, err = c.act(ctx, "withdraw", "/relmgr/v1/acts/"+published.Act+"/withdrawal", mine.who, object{"reason": "entered-by-mistake"})
	return err
}

// partLines are the lines of a part.
const partLines = 25

// importPart imports part number n of a file without an end. A part that was not
// answered is sent again and answered as before.
func (c *campaign) importPart(ctx context.Context, n int) error {
	first := 1 + n*partLines
	lines := []object{}
	for at := first; at < first+partLines; at++ {
		lines = append(lines, object{"line": at, "column": gp.column, "identifier": gp.name(imported + at), "role": gp.role, "offers": offers})
	}
	var done struct{ Lines []receipt }
	if err := c.do(ctx, relmgr, "/relmgr/v1/imports/"+c.importing+"/parts", gp.who, "", object{
		"first": first, "last": first + partLines - 1, "relationships": lines,
	}, &done); err != nil {
		return err
	}
	for _, l := range done.Lines {
		if l.Act == "" {
			return errors.New("a line of an import was refused")
		}
		c.acknowledged.add("import", l.Act, l.Commitment)
	}
	c.parts.Store(int64(n) + 1)
	return nil
}

// agree captures somebody's consent, and withdraws every other.
func (c *campaign) agree(ctx context.Context, n int) error {
	var found struct{ Proofs struct{ Consent string } }
	if err := c.do(ctx, relmgr, "/relmgr/v1/handles", "dr-patel", "", object{"column": gp.column, "identifier": gp.name(n)}, &found); err != nil {
		return err
	}
	var given, withdrawn receipt
	if err := c.do(ctx, consent, "/consent/v1/consents", "dr-patel", "", object{
		"proof": found.Proofs.Consent, "explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"},
		"aspects": []string{"relationship"}, "until": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339),
		"evidence": "spoken-and-noted", "wording": "riverside-leaflet-3",
	}, &given); err != nil {
		return err
	}
	c.acknowledged.add("consent", given.Act, given.Commitment)
	if n%2 > 0 {
		return nil
	}
	before := c.unanswered.Load()
	err := c.do(ctx, consent, "/consent/v1/consents/"+given.Consent+"/withdrawal", "dr-patel", "", object{"evidence": "spoken-and-noted"}, &withdrawn)
	if refused, ok := errors.AsType[*errRefused](err); ok && refused.status == http.StatusConflict && c.unanswered.Load() > before {
		return nil // done before, and the answer was lost; it takes no key
	}
	if err == nil {
		c.acknowledged.add("consent", withdrawn.Act, withdrawn.Commitment)
	}
	return err
}
