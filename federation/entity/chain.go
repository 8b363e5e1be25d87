package entity

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// Bounds of looking for a chain: what somebody else states decides how far it goes, so
// that it has to end.
const (
	maxLength  = 8  // statements of a chain
	maxFetches = 40 // of one search, whatever it finds
	maxFollow  = 8  // hints of one entity that are followed
)

// Source gives what entities state, unverified: a Fetcher, or whatever keeps statements
// until they expire.
type Source interface {
	// Configuration is what the entity states about itself.
	Configuration(ctx context.Context, entity string) (string, error)
	// About is what the superior states about the entity.
	About(ctx context.Context, superior *Statement, subject string) (string, error)
}

// Anchor is where a chain may end: an entity, and keys that are known to be its own.
type Anchor struct {
	Entity string
	Keys   Keys
}

// Chain is a verified trust chain (section 4).
type Chain struct {
	Subject, Anchor string
	// Statements are as they were signed, the subject's configuration first, the
	// anchor's last.
	Statements []string
	// Keys are the subject's, as its superior states them.
	Keys Keys
	// Metadata is what is left of the subject's when every superior had its say.
	Metadata Metadata
	// Issuers of trust marks, as the anchor states them, by the marks' types.
	Issuers map[string][]string
	// Owners of kinds of trust mark, as the anchor states them: marks of those are given in
	// their name.
	Owners map[string]Owner
	// Expires is when the first of the statements does.
	Expires time.Time
}

// Build looks for a chain from an entity to one of the anchors, the shortest first, and
// verifies it. An entity whose superiors lead in circles, to nowhere or to ever more of them
// is refused after a bounded search. The error is that of the chain that came
// furthest, and ErrAway where nothing else was wrong than that somebody did not answer.
func Build(ctx context.Context, from Source, subject string, anchors []Anchor, now time.Time) (*Chain, error) {
	b := &builder{from: from, anchors: map[string]Anchor{}, now: now, configurations: map[string]configuration{}}
	for _, a := range anchors {
		b.anchors[a.Entity] = a
	}
	return b.build(ctx, subject)
}

type builder struct {
	from           Source
	anchors        map[string]Anchor
	now            time.Time
	fetches        int
	configurations map[string]configuration
	first          error // what is told if no chain is found
}

type configuration struct {
	text string
	*Statement
	err error
}

// path is part of a chain: the entities from the subject on, and what is stated of them.
type path struct {
	entities []string
	stated   []string
}

var errBudget = refused("its superiors lead to more statements than anybody follows")

func (b *builder) build(ctx context.Context, subject string) (*Chain, error) {
	own := b.configurationOf(ctx, subject)
	if own.err != nil {
		return nil, own.err
	}
	queue := []path{{entities: []string{subject}, stated: []string{own.text}}}
	if a, ok := b.anchors[subject]; ok {
		return Verify([]string{own.text}, a, b.now)
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		top := b.configurationOf(ctx, p.entities[len(p.entities)-1])
		for _, hint := range b.hints(top.AuthorityHints) {
			if slices.Contains(p.entities, hint) {
				b.note(refused("its superiors lead in a circle"))
				continue
			}
			chain, further, err := b.climb(ctx, p, hint)
			switch {
			case errors.Is(err, errBudget) || ctx.Err() != nil:
				return nil, errors.Join(err, ctx.Err())
			case err != nil:
				b.note(err)
			case chain != nil:
				return chain, nil
			case len(further.stated) < maxLength-1:
				queue = append(queue, further)
			default:
				b.note(refused("longer than a chain may be"))
			}
		}
	}
	if b.first == nil {
		b.first = refused("its superiors lead to none that is trusted here")
	}
	return nil, b.first
}

// note keeps the error to tell. What was refused is told before who did not answer.
func (b *builder) note(err error) {
	if b.first == nil || errors.Is(b.first, ErrAway) && !errors.Is(err, ErrAway) {
		b.first = err
	}
}

// hints are those that are followed: anchors first.
func (b *builder) hints(given []string) []string {
	var anchors, others []string
	for _, hint := range given {
		if _, ok := b.anchors[hint]; ok {
			anchors = append(anchors, hint)
		} else {
			others = append(others, hint)
		}
	}
	all := append(anchors, others...)
	return all[:min(len(all), maxFollow)]
}

// climb takes a path one superior further. With an anchor it is a chain, verified.
func (b *builder) climb(ctx context.Context, p path, superior string) (*Chain, path, error) {
	config := b.configurationOf(ctx, superior)
	if config.err != nil {
		return nil, path{}, config.err
	}
	if b.fetches++; b.fetches > maxFetches {
		return nil, path{}, errBudget
	}
	subject := p.entities[len(p.entities)-1]
	text, err := b.from.About(ctx, config.Statement, subject)
	if err != nil {
		return nil, path{}, err
	}
	if _, err := OpenAbout(text, superior, subject, *config.Keys, b.now); err != nil {
		return nil, path{}, err
	}
	further := path{append(slices.Clone(p.entities), superior), append(slices.Clone(p.stated), text)}
	a, ok := b.anchors[superior]
	if !ok {
		return nil, further, nil
	}
	chain, err := Verify(append(slices.Clone(further.stated), config.text), a, b.now)
	return chain, path{}, err
}

// configurationOf fetches an entity's configuration once in a search.
func (b *builder) configurationOf(ctx context.Context, entity string) configuration {
	if c, ok := b.configurations[entity]; ok {
		return c
	}
	var c configuration
	if b.fetches++; b.fetches > maxFetches {
		return configuration{err: errBudget}
	}
	if c.text, c.err = b.from.Configuration(ctx, entity); c.err == nil {
		c.Statement, c.err = OpenConfiguration(c.text, entity, b.now)
	}
	b.configurations[entity] = c
	return c
}

// Verify verifies a chain that somebody has put together, the subject's configuration first,
// the anchor's last (section 10.2).
func Verify(chain []string, anchor Anchor, now time.Time) (*Chain, error) {
	n := len(chain)
	if n == 0 || n == 2 || n > maxLength+1 {
		return nil, refused("a chain has one statement, or three to %d", maxLength+1)
	}
	last, err := open(chain[n-1], anchor.Entity, anchor.Entity, anchor.Keys, now)
	if err != nil {
		return nil, err
	}
	out := &Chain{Anchor: anchor.Entity, Statements: chain, Expires: last.Ends(), Issuers: last.TrustMarkIssuers, Owners: last.TrustMarkOwners, Subject: anchor.Entity, Keys: *last.Keys, Metadata: last.Metadata}
	if n == 1 {
		return out, nil
	}
	// Down from the anchor: each statement is signed by the keys that the one above it
	// states, and what is allowed below grows less.
	issuer, keys, policy := anchor.Entity, anchor.Keys, Policy{}
	subordinates := make([]*Statement, n) // by place in the chain
	seen := []string{issuer}
	for at := n - 2; at > 0; at-- {
		payload, err := keys.Verify(chain[at], Typ)
		if err != nil {
			return nil, err
		}
		s, err := read(payload)
		if err != nil {
			return nil, err
		}
		if s.Issuer != issuer || slices.Contains(seen, s.Subject) {
			return nil, refused("the statements are none of one chain, or go in a circle")
		}
		if err := errors.Join(lives(s.IssuedAt, s.Expires, now), s.check()); err != nil {
			return nil, err
		}
		if s.Keys == nil {
			return nil, refused("a superior states no keys of whom it is about")
		}
		if policy, err = policy.Merge(s.Policy); err != nil {
			return nil, err
		}
		issuer, keys, seen, subordinates[at] = s.Subject, *s.Keys, append(seen, s.Subject), s
		if s.Ends().Before(out.Expires) {
			out.Expires = s.Ends()
		}
	}
	own, err := open(chain[0], issuer, issuer, keys, now)
	if err != nil {
		return nil, err
	}
	if own.Ends().Before(out.Expires) {
		out.Expires = own.Ends()
	}
	out.Subject, out.Keys = own.Subject, keys
	metadata := overlaid(own.Metadata, subordinates[1].Metadata)
	for at := n - 2; at > 0; at-- {
		c := subordinates[at].Constraints
		for below := at; below > 0; below-- {
			if err := c.allows(subordinates[below].Subject, at-1); err != nil {
				return nil, err
			}
		}
		metadata = c.types(metadata)
	}
	out.Metadata, err = policy.Apply(metadata)
	return out, err
}

// overlaid is what an entity states of itself, with what its immediate superior states of
// it in its place (section 6.1.4.2). Of a type that the entity is none of nothing is added.
func overlaid(own, superior Metadata) Metadata {
	out := Metadata{}
	for of, parameters := range own {
		out[of] = maps.Clone(parameters)
		maps.Copy(out[of], superior[of])
	}
	return out
}
