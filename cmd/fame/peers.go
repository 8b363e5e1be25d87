package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/federationoas"
)

type peersCommand struct {
	Join    peersJoinCommand    `cmd:"" help:"Show what another hub states of itself and what would be agreed; with its fingerprints, confirm it."`
	List    peersListCommand    `cmd:"" help:"List the hubs that this one has met."`
	Suspend peersSuspendCommand `cmd:"" help:"Ask and answer a peer nothing, from now on."`
	Readmit peersReadmitCommand `cmd:"" help:"Take a suspension back."`
	Leave   peersLeaveCommand   `cmd:"" help:"End what was agreed with a peer."`

	Published peersPublishedCommand `cmd:"" help:"List the services and registrars that this hub and its peers publish, by area and level."`

	Dispute  peersDisputeCommand  `cmd:"" help:"File a dispute against a peer."`
	Disputes peersDisputesCommand `cmd:"" help:"List the disputes with other hubs and their outcomes."`
	Answer   peersAnswerCommand   `cmd:"" help:"Answer a dispute that a peer has filed, once."`
}

// peerAgreement is an agreement as somebody writes it.
type peerAgreement struct {
	Code     string    `yaml:"code"`
	Title    string    `yaml:"title"`
	Purposes []string  `yaml:"purposes"`
	Roles    []string  `yaml:"roles"`
	Minutes  int       `yaml:"minutes"`
	Until    time.Time `yaml:"until"`
	Relays   []string  `yaml:"relays"`
}

type peersJoinCommand struct {
	Hub          string   `arg:"" help:"The other hub's address."`
	Agreement    string   `short:"f" help:"The agreement to propose, YAML; - reads standard input. Left out: the one that the other side has confirmed, or that was proposed before." type:"path"`
	Fingerprints []string `name:"fingerprint" help:"Confirm: a fingerprint of the other hub as its people read it out; once for each."`
	signIn       `embed:""`
}

// Run invites the hub unless it waits for confirmation, shows it, and confirms it where the
// fingerprints are given.
func (c *peersJoinCommand) Run(ctx context.Context, all *cli, out *printer) error {
	hub, err := c.federation(all.Dir)
	if err != nil {
		return err
	}
	p, err := find(ctx, hub, c.Hub)
	if err != nil {
		return err
	}
	if p == nil || c.Agreement != "" || p.State != federationoas.PeerStateInvited {
		if p, err = c.invite(ctx, hub); err != nil {
			return err
		}
	}
	out.peer(p)
	if len(c.Fingerprints) == 0 {
		out.say("")
		out.say("Compare the fingerprints with the other side's people, over the telephone say: theirs are in keys/hub.jwks. Then type:")
		// One in 64 begins with a hyphen, and would be taken for a flag without the sign.
		out.say("  fame peers join %s --fingerprint=%s", p.Entity, strings.Join(p.Fingerprints, " --fingerprint="))
		return out.result(p)
	}
	done, err := hub.ConfirmPeer(ctx, &federationoas.PeerConfirmation{Agreement: federationoas.Digest(p.Digest), Fingerprints: prints(c.Fingerprints)},
		federationoas.ConfirmPeerParams{Peer: p.Peer})
	if err != nil {
		return bearer.Told(err)
	}
	out.say("Confirmed. The two hubs ask and answer each other once the other side has confirmed the same agreement, %s.", p.Digest)
	return out.result(done)
}

func (c *peersJoinCommand) invite(ctx context.Context, hub *federationoas.Client) (*federationoas.Peer, error) {
	req := &federationoas.PeerInvitation{Entity: federationoas.EntityId(c.Hub)}
	if c.Agreement != "" {
		text, err := readFile(c.Agreement)
		if err != nil {
			return nil, err
		}
		var a peerAgreement
		if err := yaml.Unmarshal(text, &a); err != nil {
			return nil, fmt.Errorf("%s: write code, title, purposes, roles, minutes and until", c.Agreement)
		}
		req.Agreement = federationoas.NewOptPeerAgreement(federationoas.PeerAgreement{
			Code: federationoas.Code(a.Code), Title: a.Title, Purposes: codesOf(a.Purposes), Roles: codesOf(a.Roles), Minutes: a.Minutes, Until: a.Until, Relays: hubsOf(a.Relays),
		})
	}
	done, err := hub.InvitePeer(ctx, req)
	if err != nil {
		return nil, bearer.Told(err)
	}
	return &done.Peer, nil
}

type peersListCommand struct {
	signIn `embed:""`
}

func (c *peersListCommand) Run(ctx context.Context, all *cli, out *printer) error {
	hub, err := c.federation(all.Dir)
	if err != nil {
		return err
	}
	peers, err := hub.ListPeers(ctx)
	if err != nil {
		return bearer.Told(err)
	}
	for _, p := range peers.Peers {
		out.peer(&p)
	}
	if len(peers.Peers) == 0 {
		out.say("This hub has met no other.")
	}
	return out.result(peers)
}

// peerTurn is what the commands have in common that change how a peer stands.
type peerTurn struct {
	Hub    string `arg:"" help:"The peer's address."`
	Reason string `help:"Why, by a code of the partnership's reasons." required:""`
	signIn `embed:""`
}

type (
	peersSuspendCommand struct{ peerTurn }
	peersReadmitCommand struct{ peerTurn }
	peersLeaveCommand   struct{ peerTurn }
)

func (c *peersSuspendCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return c.turn(ctx, all, out, func(hub *federationoas.Client, why *federationoas.PeerReason, peer federationoas.ID) (*federationoas.PeerChange, error) {
		return hub.SuspendPeer(ctx, why, federationoas.SuspendPeerParams{Peer: peer})
	})
}

func (c *peersReadmitCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return c.turn(ctx, all, out, func(hub *federationoas.Client, why *federationoas.PeerReason, peer federationoas.ID) (*federationoas.PeerChange, error) {
		return hub.ReadmitPeer(ctx, why, federationoas.ReadmitPeerParams{Peer: peer})
	})
}

func (c *peersLeaveCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return c.turn(ctx, all, out, func(hub *federationoas.Client, why *federationoas.PeerReason, peer federationoas.ID) (*federationoas.PeerChange, error) {
		return hub.LeavePeer(ctx, why, federationoas.LeavePeerParams{Peer: peer})
	})
}

func (c *peerTurn) turn(ctx context.Context, all *cli, out *printer,
	do func(*federationoas.Client, *federationoas.PeerReason, federationoas.ID) (*federationoas.PeerChange, error)) error {
	hub, err := c.federation(all.Dir)
	if err != nil {
		return err
	}
	p, err := find(ctx, hub, c.Hub)
	if err != nil {
		return err
	}
	if p == nil {
		return errors.New("this hub has not met that one: fame peers list shows whom it has")
	}
	done, err := do(hub, &federationoas.PeerReason{Reason: federationoas.Code(c.Reason)}, p.Peer)
	if err != nil {
		return bearer.Told(err)
	}
	out.peer(&done.Peer)
	return out.result(done)
}

// find is the peer of that address, nil for a hub that was not met.
func find(ctx context.Context, hub *federationoas.Client, entity string) (*federationoas.Peer, error) {
	all, err := hub.ListPeers(ctx)
	if err != nil {
		return nil, bearer.Told(err)
	}
	at := slices.IndexFunc(all.Peers, func(p federationoas.Peer) bool { return p.Entity == entity })
	if at < 0 {
		return nil, nil
	}
	return &all.Peers[at], nil
}

func (p *printer) peer(of *federationoas.Peer) {
	a := of.Agreement
	p.say("%s  here: %s since %s; there: %s", of.Entity, of.State, of.Since.Format(time.RFC3339), of.Theirs)
	p.say("  fingerprints  %s", strings.Join(of.Fingerprints, "  "))
	p.say("  agreement     %s, %q: for %s, by %s, ends carried over within %d minutes, until %s", a.Code, a.Title, spelt(a.Purposes), spelt(a.Roles), a.Minutes,
		a.Until.Format(time.RFC3339))
	for _, hub := range a.Relays {
		p.say("  passes on     %s", hub)
	}
}

func spelt(codes []federationoas.Code) string {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = string(c)
	}
	return strings.Join(words, ", ")
}

func hubsOf(in []string) (out []federationoas.Hub) {
	for _, h := range in {
		out = append(out, federationoas.Hub(h))
	}
	return out
}

func codesOf(in []string) []federationoas.Code {
	out := make([]federationoas.Code, len(in))
	for i, c := range in {
		out[i] = federationoas.Code(c)
	}
	return out
}

func prints(in []string) []federationoas.Fingerprint {
	out := make([]federationoas.Fingerprint, len(in))
	for i, f := range in {
		out[i] = federationoas.Fingerprint(f)
	}
	return out
}

// federation signs in at the federation duty.
func (s signIn) federation(dir string) (*federationoas.Client, error) {
	url, token, err := s.whoAndWhere(dir)
	if err != nil {
		return nil, err
	}
	hub, err := federationoas.NewClient(url, bearer.Federation(token), federationoas.WithClient(&http.Client{Timeout: 30 * time.Second}))
	if err != nil {
		return nil, errors.New("the hub's URL cannot be used: write it as http://host:port")
	}
	return hub, nil
}
