package federation

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
)

// mostUsage bounds a feed: what is older is under relmgr's me.
const mostUsage = 500

// Usage is who asked about somebody at this hub, as they are told there.
type Usage struct {
	Hub, Title string
	Enquiries  []UsedBy // newest first
	More       bool
}

// UsedBy is one enquiry, in words.
type UsedBy struct {
	At                    time.Time
	AgencyName, From      string // From is another hub that asked
	Role, Purpose, Reason string
	Emergency             bool
	ToldOf                int
	Commitment            string
}

// Usage asks the own relmgr, as whoever has signed in, who asked about them, and keeps nothing
// of it: what this duty holds knows no person (FED-09). What they are lawfully not told of
// relmgr leaves out. Errors: Unauthenticated for a statement that is not made for this hub and
// for now; RateLimited and Unavailable as relmgr has them.
func (a *Axles) Usage(ctx context.Context, statement string) (u Usage, err error) {
	defer fault.Wrap(&err, "federation.Usage")
	terms, err := a.s.terms(ctx)
	if err != nil {
		return u, err
	}
	u = Usage{Hub: a.s.hub, Title: terms.Partnership.Name, Enquiries: []UsedBy{}}
	seen := map[relmgroas.ID]bool{}
	as := func(token string) (*relmgroas.Client, error) {
		return relmgroas.NewClient(a.relmgr, asPerson(token), relmgroas.WithClient(a.inside))
	}
	relmgr, err := as(statement)
	if err != nil {
		return u, err
	}
	var cursor relmgroas.OptCursor
	for { // a proof names some handles; who has many is given several
		mine, err := relmgr.FindMyHandles(ctx, relmgroas.FindMyHandlesParams{Cursor: cursor})
		if err != nil {
			return u, ofRelmgr(err)
		}
		with, err := as(mine.Proofs.Relmgr)
		if err != nil {
			return u, err
		}
		asked, err := with.ListMyEnquiries(ctx, relmgroas.ListMyEnquiriesParams{Limit: relmgroas.NewOptInt(100)})
		if err != nil {
			return u, ofRelmgr(err)
		}
		u.More = u.More || asked.Next.Set
		for _, e := range asked.Enquiries {
			if !seen[e.Enquiry] {
				seen[e.Enquiry] = true
				u.Enquiries = append(u.Enquiries, usedBy(terms, e))
			}
		}
		if cursor = mine.Next; !cursor.Set || len(u.Enquiries) >= mostUsage {
			u.More = u.More || cursor.Set
			break
		}
	}
	slices.SortStableFunc(u.Enquiries, func(a, b UsedBy) int { return b.At.Compare(a.At) })
	if len(u.Enquiries) > mostUsage {
		u.Enquiries, u.More = u.Enquiries[:mostUsage], true
	}
	return u, nil
}

func usedBy(t *decide.Terms, e relmgroas.MyEnquiry) UsedBy {
	return UsedBy{
		At: e.At, AgencyName: e.AgencyName, From: string(e.Hub.Or("")), Role: e.Role, Purpose: decide.TitleOf(t.Codes.Purposes, string(e.Purpose)),
		Reason: decide.TitleOf(t.Codes.Reasons, string(e.Reason)), Emergency: e.Emergency, ToldOf: len(e.ToldOf), Commitment: string(e.Commitment),
	}
}

// ofRelmgr is what relmgr refused, in this duty's words.
func ofRelmgr(err error) error {
	p := (*relmgroas.ProblemStatusCode)(nil)
	if errors.As(err, &p) {
		switch p.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fault.New(fault.Unauthenticated, "sign in at a registrar of this partnership, and bear the statement that it makes for this hub").Because(err)
		case http.StatusTooManyRequests:
			f := fault.New(fault.RateLimited, "ask again in a while")
			f.RetryAfter = time.Minute
			return f.Because(err)
		}
	}
	f := fault.New(fault.Unavailable, "this hub cannot answer now: ask again")
	f.RetryAfter = time.Second
	return f.Because(err)
}

// asPerson bears a statement of who has signed in, or relmgr's proof of their handles.
type asPerson string

// SignedIn bears it.
func (p asPerson) SignedIn(context.Context, relmgroas.OperationName) (relmgroas.SignedIn, error) {
	return relmgroas.SignedIn{Token: string(p)}, nil
}

// Subject bears it.
func (p asPerson) Subject(context.Context, relmgroas.OperationName) (relmgroas.Subject, error) {
	return relmgroas.Subject{Token: string(p)}, nil
}

// Oidc is of no use here: nobody asks as a practitioner.
func (asPerson) Oidc(context.Context, relmgroas.OperationName) (relmgroas.Oidc, error) {
	return relmgroas.Oidc{}, errors.ErrUnsupported
}

// Peer is of no use here.
func (asPerson) Peer(context.Context, relmgroas.OperationName) (relmgroas.Peer, error) {
	return relmgroas.Peer{}, errors.ErrUnsupported
}
