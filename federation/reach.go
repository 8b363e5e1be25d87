package federation

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
)

// A hub of hubs is a hub like any (FED-35, docs/decisions/0105): its agreements with others say
// that it passes on to each what the others ask. Which hubs are reached through it, and by
// which way, it states; what each of those is, the chain of statements shows, from the hub
// itself over every hub between down to one's own.

// What a statement of reach is called.
const (
	ReachTyp         = "fame-reach+jwt"
	ReachContentType = "application/" + ReachTyp
)

// The bounds of a way from hub to hub.
const (
	mostBetween = 4   // hubs that a message goes to, the one that it is for included
	mostReached = 150 // hubs that one hub states ways to
	reachLives  = 10 * time.Minute
	// retryBeyond is how soon somebody who could not be met through others is looked for again.
	retryBeyond = 5 * time.Second
)

// reach is what a hub states of whom it passes questions on to.
type reach struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Hubs     []way  `json:"hubs"`
}

// way is how a hub is reached from the one that states it: the hubs that a message goes to, the
// last being the one that it is for.
type way struct {
	Hub  string   `json:"hub"`
	Path []string `json:"path"`
}

// leads reports whether a way that a peer states can be gone from this hub: it is short, comes by no
// hub twice and not by this one, and ends where it says.
func (s *Service) leads(peer string, w way) bool {
	all := append([]string{s.hub, peer}, w.Path...)
	if len(w.Path) == 0 || len(w.Path) >= mostBetween || w.Path[len(w.Path)-1] != w.Hub {
		return false
	}
	slices.Sort(all)
	return len(slices.Compact(all)) == len(w.Path)+2 && !slices.ContainsFunc(w.Path, func(hub string) bool { return entity.CheckID(hub) != nil })
}

// heardReach is a peer's statement of reach as it was read.
type heardReach struct {
	hubs []way
	at   time.Time
}

// peersHere are the peers as they stand, by address.
func (s *Service) peersHere(ctx context.Context) (map[string]federationdb.FederationPeersInForce, error) {
	rows, err := s.q.ListPeers(ctx, s.db)
	if err != nil {
		return nil, pg.Fault(err)
	}
	all := make(map[string]federationdb.FederationPeersInForce, len(rows))
	for _, r := range rows {
		all[r.EntityID] = r
	}
	return all, nil
}

// Reach is what this hub states of the hubs to which it passes questions on: its peers that have agreed
// so, and whom they state to pass on to. What peers state was read before: nobody has
// this hub fetch anything by asking.
func (s *Service) Reach(ctx context.Context) (text string, err error) {
	defer fault.Wrap(&err, "federation.Reach")
	peers, err := s.peersHere(ctx)
	if err != nil {
		return "", err
	}
	at := s.now()
	said := reach{Issuer: s.hub, Subject: s.hub, IssuedAt: at.Unix(), Expires: at.Add(reachLives).Unix(), Hubs: []way{}}
	for id, row := range peers {
		agreed, _, err := agreementOf([]byte(row.Document))
		if err != nil {
			return "", err
		}
		if !inForce(row.Ours) || !agreed.Until.After(at) || !agreed.relaysAt(s.hub) {
			continue
		}
		said.Hubs = append(said.Hubs, way{id, []string{id}})
		if !agreed.relaysAt(id) {
			continue
		}
		for _, w := range s.heardFrom(id, agreed.Bound()) {
			if _, met := peers[w.Hub]; !met && s.leads(id, w) {
				said.Hubs = append(said.Hubs, way{w.Hub, append([]string{id}, w.Path...)})
			}
		}
	}
	// Of several ways the shortest, and of equals always the same.
	slices.SortFunc(said.Hubs, func(a, b way) int {
		if c := strings.Compare(a.Hub, b.Hub); c != 0 {
			return c
		}
		if c := len(a.Path) - len(b.Path); c != 0 {
			return c
		}
		return slices.Compare(a.Path, b.Path)
	})
	said.Hubs = slices.CompactFunc(said.Hubs, func(a, b way) bool { return a.Hub == b.Hub })
	said.Hubs = said.Hubs[:min(len(said.Hubs), mostReached)]
	return s.signs(ctx, ReachTyp, said)
}

// heardFrom are the ways that a peer stated, as long as that holds.
func (s *Service) heardFrom(peer string, bound time.Duration) []way {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.reached[peer]
	if !s.now().Before(h.at.Add(bound)) {
		return nil
	}
	return h.hubs
}

// hearReach reads whom a peer passes on to, unless that was read within the time.
func (s *Service) hearReach(ctx context.Context, p Peer, within time.Duration) error {
	s.mu.Lock()
	h := s.reached[p.Entity]
	s.mu.Unlock()
	if s.now().Before(h.at.Add(within)) {
		return nil
	}
	_, err, _ := s.asking.Do("reach of "+p.Entity, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
		defer cancel()
		at := s.now()
		text, err := s.client.Get(ctx, p.Entity+Prefix+"/reach", ReachContentType)
		if err != nil {
			return nil, err
		}
		payload, err := p.stated.Verify(text, ReachTyp)
		if err != nil {
			return nil, err
		}
		var said reach
		if json.Unmarshal(payload, &said) != nil || said.Issuer != p.Entity || said.IssuedAt > at.Add(entity.Leeway).Unix() || said.Expires <= at.Unix() || len(said.Hubs) > mostReached {
			return nil, errNoHub
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reached[p.Entity] = heardReach{said.Hubs, at}
		return nil, nil
	})
	return err
}

// beyond returns a hub that is no peer, but is reached through one that passes questions on: through
// via, or through whichever states the shortest way. It is what the chain of statements
// makes it: every hub on the way has agreed to pass on, and nothing crosses that one of
// their agreements leaves out. A hub that was ever met directly is met directly or not at
// all, so that who suspends it is not gone round. Errors: as Peer's.
func (s *Service) beyond(ctx context.Context, id, via string) (Peer, error) {
	if id == s.hub {
		return Peer{}, errNoPeer()
	}
	switch _, err := s.q.FindPeer(ctx, s.db, id); {
	case err == nil:
		return Peer{}, errNoPeer()
	case !errors.Is(err, sql.ErrNoRows):
		return Peer{}, pg.Fault(err)
	}
	s.mu.Lock()
	k, ok := s.met[id+" "+via]
	s.mu.Unlock()
	if ok && s.now().Before(k.until) {
		if k.peer.Entity == "" {
			return Peer{}, errNoPeer()
		}
		_, err := s.direct(ctx, k.peer.Path[0]) // as it stands now
		return k.peer, err
	}
	found, err, _ := s.asking.Do("beyond "+id+" "+via, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
		defer cancel()
		p, err := s.meetBeyond(ctx, id, via)
		until := p.Expires
		if fault.KindOf(err) == fault.Forbidden {
			until = s.now().Add(retryBeyond)
		} else if err != nil {
			return Peer{}, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.met) > mostMet { // whoever claims to be somebody else each time fills nothing
			clear(s.met)
		}
		s.met[id+" "+via] = metBeyond{p, until}
		return p, err
	})
	if err != nil {
		return Peer{}, err
	}
	return found.(Peer), nil
}

// metBeyond is a hub that was met through others, or was not: without an address.
type metBeyond struct {
	peer  Peer
	until time.Time
}

const mostMet = 1000

// meetBeyond asks those who pass on for the chain that shows what a hub is.
func (s *Service) meetBeyond(ctx context.Context, id, via string) (Peer, error) {
	peers, err := s.peersHere(ctx)
	if err != nil {
		return Peer{}, err
	}
	type candidate struct {
		through Peer
		path    []string
	}
	var all []candidate
	var away error
	for name, row := range peers {
		if agreed, _, err := agreementOf([]byte(row.Document)); err != nil || !inForce(row.Ours) || !agreed.relaysAt(name) || via != "" && via != name {
			continue
		}
		p, err := s.direct(ctx, name)
		if err == nil {
			err = s.hearReach(ctx, p, registerEvery)
		}
		if err != nil {
			away = err
		}
		if p.Entity == "" {
			continue
		}
		for _, w := range s.heardFrom(name, p.Agreement.Bound()) {
			if w.Hub == id && s.leads(name, w) {
				all = append(all, candidate{p, append([]string{name}, w.Path...)})
			}
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		if c := len(a.path) - len(b.path); c != 0 {
			return c
		}
		return slices.Compare(a.path, b.path)
	})
	for _, c := range all {
		p, err := s.chained(ctx, id, c.through, c.path)
		if err == nil {
			return p, nil
		}
		s.log.InfoContext(ctx, "a hub cannot be met through another", "hub", id, "through", c.through.Entity, "cause", err.Error())
		if errors.Is(err, entity.ErrAway) {
			away = err
		}
	}
	if away != nil && fault.KindOf(away) != fault.Forbidden {
		f := fault.New(fault.Unavailable, "no hub that passes questions on to that one answers now")
		f.RetryAfter = retryAway
		return Peer{}, f.Because(away)
	}
	return Peer{}, errNoPeer()
}

// chained is the hub that a chain through one's peer shows, by exactly that path.
func (s *Service) chained(ctx context.Context, id string, through Peer, path []string) (Peer, error) {
	address := through.Entity + Prefix + "/resolve?sub=" + url.QueryEscape(id) + "&trust_anchor=" + url.QueryEscape(through.Entity)
	text, err := s.client.Get(ctx, address, ResolveContentType)
	if err != nil {
		return Peer{}, err
	}
	payload, err := through.stated.Verify(text, ResolveTyp)
	if err != nil {
		return Peer{}, err
	}
	var said resolved
	if json.Unmarshal(payload, &said) != nil || said.Issuer != through.Entity || said.Subject != id || len(said.Chain) != len(path)+1 {
		return Peer{}, errNoHub
	}
	about, err := s.About(ctx, through.Entity)
	if err != nil {
		return Peer{}, err
	}
	own, err := s.Configuration(ctx)
	if err != nil {
		return Peer{}, err
	}
	hub, err := s.identity(ctx)
	if err != nil {
		return Peer{}, err
	}
	now := s.now()
	statements := append(said.Chain[:len(said.Chain)-1:len(said.Chain)-1], about, own)
	chain, err := entity.Verify(statements, entity.Anchor{Entity: s.hub, Keys: hub.stated}, now)
	if err != nil {
		return Peer{}, err
	}
	config, err := entity.OpenConfiguration(chain.Statements[0], id, now)
	if err != nil {
		return Peer{}, err
	}
	p := Peer{Entity: id, Path: path, Expires: chain.Expires, stated: *config.Keys, Chain: chain.Statements}
	// What each has agreed with the next, from this hub on.
	from := s.hub
	for i, to := range path {
		stated, err := entity.ReadStatement(statements[len(path)-i])
		if err != nil || stated.Issuer != from || stated.Subject != to {
			return Peer{}, errNoHub
		}
		a, _, err := agreementOf(stated.Agreement)
		if err != nil || !a.Until.After(now) || i > 0 && !a.relaysAt(from) || i < len(path)-1 && !a.relaysAt(to) {
			return Peer{}, errNoHub
		}
		if i == 0 {
			p.Agreement = a
		}
		p.Agreement = p.Agreement.within(a)
		if bound := time.Unix(stated.IssuedAt, 0).Add(a.Bound()); bound.Before(p.Expires) {
			p.Expires = bound
		}
		if a.Until.Before(p.Expires) {
			p.Expires = a.Until
		}
		from = to
	}
	if p.Keys, err = keySet(p.stated); err != nil {
		return Peer{}, err
	}
	m, to, err := metadataOf(config)
	if err != nil {
		return Peer{}, err
	}
	p.Encryption, p.LogKey, p.LookUp, p.Coverage, p.Endpoints = to, m.LogKey, m.LookUp, m.Coverage, m.Endpoints
	return p, nil
}

// relaysAt reports whether a hub has agreed to pass on what is asked through it.
func (a Agreement) relaysAt(hub string) bool { return slices.Contains(a.Relays, hub) }

// within is what both agreements let cross: nothing that one of them leaves out.
func (a Agreement) within(b Agreement) Agreement {
	keep := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(code string) bool { return !slices.Contains(other, code) })
	}
	a.Purposes, a.Roles, a.Minutes = keep(a.Purposes, b.Purposes), keep(a.Roles, b.Roles), min(a.Minutes, b.Minutes)
	if b.Until.Before(a.Until) {
		a.Until = b.Until
	}
	return a
}
