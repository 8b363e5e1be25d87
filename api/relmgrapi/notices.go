package relmgrapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

func (h handlers) ListNotices(ctx context.Context, params oas.ListNoticesParams) (*oas.NoticePage, error) {
	in := relmgr.NoticesOf{Column: ident.Column(params.Column), Limit: params.Limit.Or(50), Why: why(params.Purpose, params.Reason)}
	if c, ok := params.Cursor.Get(); ok {
		var err error
		if in.After, err = ident.ParseNotice(string(c)); err != nil || in.After.IsZero() {
			return nil, malformed("/cursor")
		}
	}
	notices, next, err := h.service.ListNotices(ctx, caller(ctx), in)
	if err != nil {
		return nil, err
	}
	page := &oas.NoticePage{Notices: make([]oas.Notice, len(notices))}
	for i, n := range notices {
		shown := oas.Notice{
			Notice: oas.ID(n.Notice.String()), Handle: oas.ID(n.Handle.String()), Identifier: string(n.Identifier), At: n.At,
			Providers: providers(n.Providers), Gone: make([]oas.GoneProvider, len(n.Gone)), Suspended: suspended(n.Suspended), Commitment: oas.Commitment(hex.EncodeToString(n.Commitment)),
		}
		for j, g := range n.Gone {
			shown.Gone[j] = oas.GoneProvider{
				Provider: oas.Code(g.ID), Title: g.Title, Kind: oas.GoneProviderKind(g.Kind), Agency: oas.Code(g.Agency), AgencyName: g.AgencyName,
			}
		}
		page.Notices[i] = shown
	}
	if !next.IsZero() {
		page.Next = oas.NewOptCursor(oas.Cursor(next.String()))
	}
	return page, nil
}

func (h handlers) KeepSilent(ctx context.Context, req *oas.SilenceRequest, params oas.KeepSilentParams) (*oas.ActReceipt, error) {
	r, err := h.once(ctx, oas.KeepSilentOperation, params.IdempotencyKey, req).KeepSilent(
		ctx, caller(ctx), own(req.Column, req.Identifier), relmgr.Risk(req.Risk), req.ReviewBy, string(req.Reason))
	return receipt(r, err)
}

const (
	notifyEvery = 2 * time.Second // how often it is looked whether a beat has come or something is to be sent
	sendWithin  = 10 * time.Second
	sentAtOnce  = 8
	answerLimit = 4 << 10
)

// notify makes notices and sends them until ctx ends.
func notify(ctx context.Context, service *relmgr.Service, edge *api.Edge, log *slog.Logger) {
	c := newCourier(service, log)
	var done time.Time // the last beat
	for every := time.NewTicker(notifyEvery); ; {
		select {
		case <-ctx.Done():
			every.Stop()
			return
		case <-every.C:
		}
		terms, err := edge.Terms(ctx)
		if err == nil {
			beat := service.Beat(terms)
			if beat.After(done) {
				if err = errors.Join(service.Notify(ctx, terms), overdue(ctx, service, log)); err == nil {
					done = beat
				}
			}
			err = errors.Join(err, c.send(ctx, terms))
		}
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "notices cannot go on", "alert", "notice-lag", "cause", err.Error())
		}
	}
}

// overdue says so where a complaint was not acknowledged in time.
func overdue(ctx context.Context, service *relmgr.Service, log *slog.Logger) error {
	is, err := service.Overdue(ctx)
	if is {
		log.ErrorContext(ctx, "a complaint has not been acknowledged in time", "alert", "complaint-overdue")
	}
	return err
}

// courier takes notices to the addresses that the partnership document gives for
// agencies, and nowhere else: it follows no redirect, uses no proxy, and goes to no
// address of a private network, whatever a name says by now.
type courier struct {
	service *relmgr.Service
	log     *slog.Logger
	stuck   bool         // said so already
	outside *http.Client // to the world
	inside  *http.Client // to this machine, for an address that names it
}

func newCourier(service *relmgr.Service, log *slog.Logger) *courier {
	return &courier{service: service, log: log, outside: clientTo(public), inside: clientTo(netip.Addr.IsLoopback)}
}

// clientTo makes a client that connects to some addresses only: it looks at the one
// that is dialled, after the name was resolved.
func clientTo(may func(netip.Addr) bool) *http.Client {
	dialer := &net.Dialer{Timeout: sendWithin, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !may(to.Addr().Unmap()) {
			return errors.New("the address is not one to which notices may be sent")
		}
		return nil
	}}
	return &http.Client{
		Timeout:       sendWithin,
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10, TLSHandshakeTimeout: sendWithin},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// special are ranges that are not of the internet at large and that netip's own
// questions leave out, or that lead to such.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/23"),
}

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// send takes what waits to where it is to go. One who is slow, away or lies keeps
// nobody else waiting; what has not arrived is tried again, later each time.
func (c *courier) send(ctx context.Context, terms *decide.Terms) error {
	parcels, err := c.service.ClaimNotices(ctx, terms)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	turn := make(chan struct{}, sentAtOnce)
	for _, p := range parcels {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			err := c.take(ctx, terms, p)
			if err == nil {
				err = c.service.Arrived(ctx, p)
			}
			if err != nil && ctx.Err() == nil {
				c.log.WarnContext(ctx, "notices have not arrived", "agency", string(p.Agency), "events", len(p.Events), "cause", causeOf(err))
			}
		})
	}
	wg.Wait()
	stuck, err := c.service.Undelivered(ctx)
	if was := c.stuck; err == nil {
		c.stuck = stuck
		stuck = stuck && !was
	}
	if stuck {
		c.log.ErrorContext(ctx, "notices are sent in vain", "alert", "notice-lag")
	}
	return err
}

// causeOf leaves out what a foreign server can write into a log.
func causeOf(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok && u.Timeout() {
		return "no answer in time"
	} else if ok {
		return "no connection"
	}
	return err.Error()
}

// event is a notice as CloudEvents 1.0 has it. It names nobody: who it is about is
// told when it is read.
type event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        eventData `json:"data"`
}

type eventData struct {
	Notice string `json:"notice"`
	Column string `json:"column"`
}

// eventType is the type of every event.
const eventType = "io.github.fame-hub.notice.v1"

// take posts one parcel, as a batch of CloudEvents with a JWS of the hub for this very
// address and body.
func (c *courier) take(ctx context.Context, terms *decide.Terms, p relmgr.Parcel) error {
	batch := make([]event, len(p.Events))
	for i, e := range p.Events {
		batch[i] = event{"1.0", e.Notice.String(), terms.Partnership.Hub, eventType, e.At, "application/json", eventData{e.Notice.String(), string(e.Column)}}
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(body)
	signed, err := c.service.SignNotice(ctx, terms, p.Address, hex.EncodeToString(digest[:]))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is none")
	}
	r.Header.Set("Content-Type", "application/cloudevents-batch+json")
	r.Header.Set("Authorization", "Bearer "+signed)
	client := c.outside
	if host := r.URL.Hostname(); host == "localhost" || isLoopback(host) {
		client = c.inside
	} else if r.URL.Scheme != "https" {
		return errors.New("the address is not https")
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, answerLimit)); err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("answered %d", res.StatusCode)
	}
	return nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
