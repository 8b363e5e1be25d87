package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/export"
	"github.com/fame-hub/fame/api/federationoas"
)

// statedAt is what the registrar says of somebody to one other hub, which alone can read it.
type statedAt struct {
	Hub       string `json:"hub"`
	Statement string `json:"recognition"`
}

// ends is until when it is taken, zero where it does not say.
func (s statedAt) ends() time.Time {
	_, payload, _ := strings.Cut(s.Statement, ".")
	payload, _, _ = strings.Cut(payload, ".")
	var claims struct {
		Expires int64 `json:"exp"`
	}
	clear, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(clear, &claims) != nil {
		return time.Time{}
	}
	return time.Unix(claims.Expires, 0)
}

const (
	elsewherePath = "/me/elsewhere"
	// hubWait is how long another hub is waited for: the page waits for the slowest.
	hubWait = 5 * time.Second
	// maxFeed is more than a feed of as many entries as it may have.
	maxFeed = 1 << 20
)

// fed is what one hub says of who asked there; Feed is nil of one that has not answered.
type fed struct {
	Hub  string
	Feed *federationoas.UsageFeed
}

// gather asks each other hub who asked about the person, all at once, and keeps nothing of it.
// What went wrong with one is nobody's to know: it has answered or it has not.
func (v *visit) gather() []fed {
	all := make([]fed, len(v.who.elsewhere))
	var each sync.WaitGroup
	for i, one := range v.who.elsewhere {
		all[i].Hub = one.Hub
		each.Go(func() {
			ctx, cancel := context.WithTimeout(v.ctx, hubWait)
			defer cancel()
			f, err := federationoas.NewClient(one.Hub, bearer.Federation(one.Statement), federationoas.WithClient(v.p.elsewhere))
			if err != nil {
				return
			}
			if feed, err := f.ReadUsage(ctx); err == nil && string(feed.Hub) == one.Hub {
				all[i].Feed = feed
			}
		})
	}
	each.Wait()
	slices.SortFunc(all, func(a, b fed) int { return strings.Compare(a.Hub, b.Hub) })
	return all
}

// signInAgain leads somebody whose statements for other hubs have run out to the registrar,
// which still knows them, and back.
func (v *visit) signInAgain() bool {
	for _, one := range v.who.elsewhere {
		if !v.p.Now().Before(one.ends()) {
			http.Redirect(v.w, v.r, Prefix+"/sign-in/"+registrarName+"?to="+url.QueryEscape(v.r.URL.RequestURI()), http.StatusSeeOther)
			return true
		}
	}
	return false
}

// showElsewhere is who asked about somebody at the other hubs of the federation, as each of them
// tells it, brought together for this page alone (SUB-09, FED-09).
func showElsewhere(v *visit) error {
	pg := &page{Title: "Who asked at other hubs", Empty: "Your registrar has told us of no other hub that knows people by its word.", Links: []link{{Text: "Who asked at this hub", Href: Prefix + "/me/enquiries"}}, Lead: []string{
		"Other partnerships have hubs of their own. Each was asked just now, by a name for you that it alone knows, and says what it would tell you if you signed in there. The lists are brought together for this page and kept nowhere.",
	}}
	if v.signInAgain() {
		return nil
	}
	silent := 0
	for _, f := range v.gather() {
		if f.Feed == nil {
			silent++
			pg.Cards = append(pg.Cards, card{Title: hubName(f.Hub), Tag: "Has not answered", Lines: []string{"Somebody may have asked about you there. Look again later."}})
			continue
		}
		at := f.Feed.Title + " (" + hubName(f.Hub) + ")"
		if len(f.Feed.Usage) == 0 {
			pg.Cards = append(pg.Cards, card{Title: at, Lines: []string{"It has nobody to tell you of who asked about you."}})
		}
		for _, u := range f.Feed.Usage {
			pg.Cards = append(pg.Cards, usageCard(at, u))
		}
		if f.Feed.More {
			pg.Cards = append(pg.Cards, card{Title: at, Lines: []string{"There are more, which you see when you sign in there."}})
		}
	}
	if silent > 0 {
		pg.Notice = "Not every other hub has answered."
	}
	return v.show(pg)
}

func usageCard(at string, u federationoas.Usage) card {
	c := card{Title: u.AgencyName, Rows: []row{
		{Key: "At", Values: []string{at}}, {Key: "When", Values: []string{when(u.At)}}, {Key: "Who", Values: []string{plain(u.Role)}},
		{Key: "What for", Values: []string{u.Purpose}}, {Key: "Why", Values: []string{u.Reason}}, {Key: "They were told of", Values: []string{"Nothing"}},
	}}
	if u.ToldOf > 0 {
		c.Rows[len(c.Rows)-1].Values = []string{counted(u.ToldOf, "service", "services")}
	}
	if hub, ok := u.From.Get(); ok {
		c.Rows = append(c.Rows, row{Key: "By way of the hub", Values: []string{hubName(hub)}})
	}
	if u.Emergency {
		c.Tag = "Emergency"
	}
	return c
}

// addElsewhere adds to somebody's copy what other hubs say, and which have not answered.
func (v *visit) addElsewhere(e *export.Export) {
	for _, f := range v.gather() {
		if f.Feed != nil {
			e.Elsewhere = append(e.Elsewhere, *f.Feed)
			continue
		}
		e.Held = append(e.Held, export.Held{List: "elsewhere", Entry: f.Hub, Why: "this hub has not answered"})
	}
}

// bounded is a way to other hubs that reads no more of an answer than a feed may have.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxFeed), resp.Body}
	}
	return resp, err
}

// toOthers asks other hubs, and follows none of them anywhere else.
func toOthers(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &http.Client{Timeout: hubWait, Transport: bounded{transport}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
