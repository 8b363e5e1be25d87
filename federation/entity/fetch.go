package entity

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// WellKnown is where an entity's configuration stands, below its identifier.
const WellKnown = "/.well-known/openid-federation"

// fetchTimeout bounds one fetch, whatever the other side does with it.
const fetchTimeout = 5 * time.Second

// ErrAway is in every error of a fetch that brought no answer: nothing was said, and it
// may be tried again.
var ErrAway = errors.New("entity: no answer")

// ErrGone is in every error of a fetch that was answered with 404: there is no such
// statement.
var ErrGone = errors.New("entity: nothing is stated")

// Fetcher fetches what others state. It follows no redirect, asks no proxy and connects
// to public addresses alone, whatever a name resolves to: an address comes out of
// somebody else's statement.
type Fetcher struct{ http *http.Client }

// NewFetcher makes a fetcher. local says that it runs at a hub of this machine, which may
// reach others there; networks are private ones that peers stand in.
func NewFetcher(local bool, networks []netip.Prefix) *Fetcher {
	dialer := &net.Dialer{Timeout: fetchTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !reachable(at.Addr().Unmap().WithZone(""), local, networks) {
			return errors.New("entity: the address is none that statements are fetched from")
		}
		return nil
	}}
	return &Fetcher{&http.Client{
		Timeout: fetchTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 64, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: fetchTimeout, ResponseHeaderTimeout: fetchTimeout, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// special are the blocks that no public host stands in (RFC 6890 and its registries).
var special = func() (all []netip.Prefix) {
	for _, block := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
		"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/127", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8",
	} {
		all = append(all, netip.MustParsePrefix(block))
	}
	return all
}()

func reachable(a netip.Addr, local bool, networks []netip.Prefix) bool {
	holds := func(p netip.Prefix) bool { return p.Contains(a) }
	return local && a.IsLoopback() || slices.ContainsFunc(networks, holds) || !slices.ContainsFunc(special, holds)
}

// Transport connects where the fetcher does, and nowhere else.
func (c *Fetcher) Transport() http.RoundTripper { return c.http.Transport }

// Configuration fetches what an entity states about itself, unverified.
func (c *Fetcher) Configuration(ctx context.Context, entity string) (string, error) {
	if err := CheckID(entity); err != nil {
		return "", err
	}
	return c.Get(ctx, strings.TrimSuffix(entity, "/")+WellKnown, ContentType)
}

// About fetches what a superior states about an entity, unverified, at the fetch
// endpoint of the superior's metadata.
func (c *Fetcher) About(ctx context.Context, superior *Statement, subject string) (string, error) {
	endpoint, _ := superior.Metadata[FederationEntity]["federation_fetch_endpoint"].(string)
	if err := CheckID(endpoint); err != nil {
		return "", refused("the superior states no endpoint to fetch from")
	}
	return c.Get(ctx, endpoint+"?sub="+url.QueryEscape(subject), ContentType)
}

// Get fetches one body of that media type, no longer than a statement may be. Errors
// are ErrAway, ErrGone or ErrRefused, and hold nothing of the answer.
func (c *Fetcher) Get(ctx context.Context, address, media string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", refused("an address is no URL")
	}
	r.Header.Set("Accept", media)
	resp, err := c.http.Do(r)
	if err != nil {
		return "", fmt.Errorf("%w: %s", ErrAway, kindOf(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return "", ErrGone
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%w: status %d", ErrAway, resp.StatusCode)
	}
	if given, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || given != media {
		return "", refused("the answer is of another type")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxSize+1))
	if err != nil {
		return "", fmt.Errorf("%w: %s", ErrAway, kindOf(err))
	}
	if len(body) > MaxSize {
		return "", refused("over %d KiB", MaxSize>>10)
	}
	return string(body), nil
}

// kindOf is what may be logged of a failed request: not the address, which somebody
// else may have chosen.
func kindOf(err error) string {
	var told *url.Error
	if errors.As(err, &told) {
		if told.Timeout() {
			return "in time"
		}
		err = told.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op
	}
	return fmt.Sprintf("%T", err)
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
