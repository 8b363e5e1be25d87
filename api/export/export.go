package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/api/relmgroas"
)

// Duties says where the duties are served. Each URL is without a path.
type Duties struct {
	Relmgr, Consent string
	Idmgrs          []string // each identity manager of the hub
	Client          *http.Client
}

// Export is all that the duties hold of a person.
type Export struct {
	MadeAt time.Time `json:"made_at"`
	// Sensitive says whether sensitive columns were asked for.
	Sensitive     bool                       `json:"sensitive"`
	Relationships []relmgroas.MyRelationship `json:"relationships"`
	Enquiries     []relmgroas.MyEnquiry      `json:"enquiries"`
	Acts          []relmgroas.MyAct          `json:"acts"`
	Decisions     []relmgroas.MyDecision     `json:"decisions"`
	Complaints    []relmgroas.MyComplaint    `json:"complaints"`
	Consents      []consentoas.MyConsent     `json:"consents"`
	Exclusions    []consentoas.MyExclusion   `json:"exclusions"`
	Blocks        []consentoas.MyBlock       `json:"blocks"`
	Links         []idmgroas.MyLink          `json:"links"`
	Effects       []idmgroas.MyEffect        `json:"effects"`
	Cases         []idmgroas.MyCase          `json:"cases"`
	// Held says what is not here: what is somebody else's too, before a person of its
	// agency has looked at it, or where they left it out, with the reason.
	Held []Held `json:"held"`
	// Elsewhere is who asked at other hubs, gathered from their usage feeds: no hub has it.
	Elsewhere []federationoas.UsageFeed `json:"elsewhere,omitempty"`
}

// Gather adds who asked at another hub, as whoever the statement names: a registrar made it
// for that hub.
func (e *Export) Gather(ctx context.Context, client *http.Client, hub, statement string) error {
	f, err := federationoas.NewClient(hub, bearer.Federation(statement), federationoas.WithClient(client))
	if err != nil {
		return err
	}
	feed, err := f.ReadUsage(ctx)
	if err != nil {
		return fmt.Errorf("ask %s who asked: %w", hub, err)
	}
	e.Elsewhere = append(e.Elsewhere, *feed)
	return nil
}

// Held is an entry of which a part is a third person's.
type Held struct {
	List  string `json:"list"`
	Entry string `json:"entry"`
	Why   string `json:"why"`
}

const pageSize = 100

// Of asks every duty as whoever the registrar's statement names.
func Of(ctx context.Context, d Duties, statement string, sensitive bool, now time.Time) (*Export, error) {
	signedIn, err := relmgroas.NewClient(d.Relmgr, bearer.Relmgr(statement), relmgroas.WithClient(d.Client))
	if err != nil {
		return nil, err
	}
	var proofs []relmgroas.MyHandlesProofs
	var cursor relmgroas.OptCursor
	for { // a proof names some handles; who has many is given several
		mine, err := signedIn.FindMyHandles(ctx, relmgroas.FindMyHandlesParams{Sensitive: relmgroas.NewOptBool(sensitive), Cursor: cursor})
		if err != nil {
			return nil, fmt.Errorf("ask for the handles: %w", err)
		}
		proofs = append(proofs, mine.Proofs)
		if cursor = mine.Next; !cursor.Set {
			return By(ctx, d, proofs, sensitive, now)
		}
	}
}

// By asks every duty with proofs of somebody's handles that relmgr has given.
func By(ctx context.Context, d Duties, proofs []relmgroas.MyHandlesProofs, sensitive bool, now time.Time) (*Export, error) {
	e := &Export{
		MadeAt: now.UTC(), Sensitive: sensitive, Relationships: []relmgroas.MyRelationship{}, Enquiries: []relmgroas.MyEnquiry{}, Acts: []relmgroas.MyAct{},
		Decisions: []relmgroas.MyDecision{}, Complaints: []relmgroas.MyComplaint{}, Consents: []consentoas.MyConsent{}, Exclusions: []consentoas.MyExclusion{},
		Blocks: []consentoas.MyBlock{}, Links: []idmgroas.MyLink{}, Effects: []idmgroas.MyEffect{}, Cases: []idmgroas.MyCase{}, Held: []Held{},
	}
	seen := newSeen()
	for _, p := range proofs {
		if err := e.add(ctx, d, p, sensitive, seen); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// seen are entries that another proof has shown already: an act may be about two
// handles.
type seen struct {
	mu sync.Mutex
	of map[string]bool
}

func newSeen() *seen { return &seen{of: map[string]bool{}} }

func (s *seen) first(list string, id any) bool {
	key := fmt.Sprint(list, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[key] {
		return false
	}
	s.of[key] = true
	return true
}

// add asks for every list at once: each answer leaves on a beat, and a list waits for no
// other. Each writes its own members of e.
func (e *Export) add(ctx context.Context, d Duties, proofs relmgroas.MyHandlesProofs, sensitive bool, s *seen) error {
	r, err := relmgroas.NewClient(d.Relmgr, bearer.Relmgr(proofs.Relmgr), relmgroas.WithClient(d.Client))
	if err != nil {
		return err
	}
	c, err := consentoas.NewClient(d.Consent, bearer.Consent(proofs.Consent), consentoas.WithClient(d.Client))
	if err != nil {
		return err
	}
	choice, most := relmgroas.NewOptBool(sensitive), relmgroas.NewOptInt(pageSize)
	lists, ctx := errgroup.WithContext(ctx)
	lists.Go(func() error {
		relationships, err := r.ListMyRelationships(ctx)
		if err != nil {
			return fmt.Errorf("ask for the relationships: %w", err)
		}
		e.Relationships = append(e.Relationships, relationships.Relationships...)
		return nil
	})
	lists.Go(func() error {
		complaints, err := r.ListMyComplaints(ctx)
		if err != nil {
			return fmt.Errorf("ask for the complaints: %w", err)
		}
		e.Complaints = append(e.Complaints, complaints.Complaints...)
		return nil
	})
	lists.Go(func() error {
		return pages(func(from relmgroas.OptCursor) (relmgroas.OptCursor, error) {
			p, err := r.ListMyEnquiries(ctx, relmgroas.ListMyEnquiriesParams{Sensitive: choice, Limit: most, Cursor: from})
			if err != nil {
				return from, fmt.Errorf("ask for the enquiries: %w", err)
			}
			for _, v := range p.Enquiries {
				if s.first("enquiry", v.Enquiry) {
					e.Enquiries = append(e.Enquiries, v)
				}
			}
			return p.Next, nil
		})
	})
	lists.Go(func() error {
		return pages(func(from relmgroas.OptCursor) (relmgroas.OptCursor, error) {
			p, err := r.ListMyActs(ctx, relmgroas.ListMyActsParams{Sensitive: choice, Limit: most, Cursor: from})
			if err != nil {
				return from, fmt.Errorf("ask for the acts: %w", err)
			}
			for _, v := range p.Acts {
				if s.first("act", v.Act) {
					e.Acts = append(e.Acts, v)
				}
			}
			return p.Next, nil
		})
	})
	lists.Go(func() error {
		return pages(func(from relmgroas.OptCursor) (relmgroas.OptCursor, error) {
			p, err := r.ListMyDecisions(ctx, relmgroas.ListMyDecisionsParams{Sensitive: choice, Limit: most, Cursor: from})
			if err != nil {
				return from, fmt.Errorf("ask for the decisions: %w", err)
			}
			e.Decisions = append(e.Decisions, p.Decisions...)
			return p.Next, nil
		})
	})
	lists.Go(func() error {
		word, err := c.ListMyWord(ctx)
		if err != nil {
			return fmt.Errorf("ask for the consents: %w", err)
		}
		e.Consents, e.Exclusions, e.Blocks = append(e.Consents, word.Consents...), append(e.Exclusions, word.Exclusions...), append(e.Blocks, word.Blocks...)
		for _, v := range word.Consents {
			if held, ok := v.Held.Get(); ok {
				why := "somebody else decided for you: the agency that recorded it looks at it before it tells by what right"
				if held.State == consentoas.MyHeldStateWithheld {
					why = "somebody else decided for you: the agency that recorded it has looked, and leaves out by what right. Its reason: " + string(held.Reason.Value)
				}
				e.Held = append(e.Held, Held{"consents", string(v.Consent), why})
			}
		}
		return nil
	})
	lists.Go(func() error {
		for _, url := range d.Idmgrs {
			m, err := idmgroas.NewClient(url, bearer.Idmgr(proofs.Idmgr), idmgroas.WithClient(d.Client))
			if err != nil {
				return err
			}
			links, err := m.ListMyLinks(ctx)
			if err != nil {
				return fmt.Errorf("ask for the private links: %w", err)
			}
			for _, v := range links.Links {
				if s.first("link", v.Link) {
					e.Links = append(e.Links, v)
				}
			}
			effects, err := m.ListMyEffects(ctx)
			if err != nil {
				return fmt.Errorf("ask what identity managers do: %w", err)
			}
			for _, v := range effects.Effects {
				if s.first("effect", v.Effect) {
					e.Effects = append(e.Effects, v)
				}
			}
			for _, v := range effects.Cases {
				if s.first("case", v.Case) {
					e.Cases = append(e.Cases, v)
				}
			}
		}
		return nil
	})
	return lists.Wait()
}

// mostPages bounds a list whose pages never end.
const mostPages = 100_000

func pages(page func(relmgroas.OptCursor) (relmgroas.OptCursor, error)) error {
	var from relmgroas.OptCursor
	for range mostPages {
		next, err := page(from)
		if err != nil || !next.Set {
			return err
		}
		from = next
	}
	return errors.New("a list does not end: ask again")
}

// WriteJSON writes it for machines.
func (e *Export) WriteJSON(w io.Writer) error {
	j := json.NewEncoder(w)
	j.SetIndent("", "  ")
	return j.Encode(e)
}
