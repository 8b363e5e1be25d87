package federation

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/federation/registers"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
)

// The kinds of entry of the directory.
const (
	ofService   = "service"
	ofRegistrar = "registrar"
)

// Entry is a service or a registrar that this hub or a peer in force publishes.
type Entry struct {
	Kind, Hub, Address, Title string
	Function                  string                 // of a service
	Responsible               *registers.Responsible // of a service
	Status, Reach             string                 // of a registrar
	Areas                     []string               // of a registrar
}

// Sought is what somebody looks for in the directory; what is empty is any.
type Sought struct{ Kind, Area, Reach string }

// finds reports whether it is looked for. A registrar of national reach registers people of
// every area; one that does not say where is found by no area.
func (w Sought) finds(e Entry) bool {
	return (w.Kind == "" || w.Kind == e.Kind) && (w.Area == "" && w.Reach == "" || e.Kind == ofRegistrar) &&
		(w.Reach == "" || w.Reach == e.Reach) &&
		(w.Area == "" || e.Reach == string(decide.National) || slices.Contains(e.Areas, w.Area))
}

// Directory is what this hub and its peers in force publish of their services and registrars
// (FED-19, FED-24), registrars of the nearest level first. complete is false where a peer has
// not said for longer than was agreed with it what it publishes: nothing of it is listed.
func (s *Service) Directory(ctx context.Context, want Sought) (all []Entry, complete bool, err error) {
	defer fault.Wrap(&err, "federation.Directory")
	own, err := s.published(ctx)
	if err != nil {
		return nil, false, err
	}
	rows, err := s.q.ListPeers(ctx, s.db)
	if err != nil {
		return nil, false, pg.Fault(err)
	}
	found, away := make([][]Entry, len(rows)), make([]bool, len(rows))
	var asked sync.WaitGroup
	for i, row := range rows {
		if inForce(row.Ours) {
			asked.Go(func() { found[i], away[i] = s.publishedBy(ctx, row) })
		}
	}
	asked.Wait()
	for _, e := range slices.Concat(slices.Concat(found...), own) {
		if want.finds(e) {
			all = append(all, e)
		}
	}
	order := []string{string(decide.SubRegional), string(decide.Regional), string(decide.National), ""}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(slices.Index(order, a.Reach), slices.Index(order, b.Reach)), cmp.Compare(a.Address, b.Address))
	})
	return all, !slices.Contains(away, true), nil
}

// published is what this hub publishes itself.
func (s *Service) published(ctx context.Context) ([]Entry, error) {
	terms, err := s.terms(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.q.ListRegistrars(ctx, s.db)
	if err != nil {
		return nil, pg.Fault(err)
	}
	r := registers.Register{Offers: offersOf(terms, s.hub)}
	for _, row := range rows {
		e, err := s.entry(terms, row)
		if err != nil {
			return nil, err
		}
		r.Entries = append(r.Entries, e)
	}
	return entriesOf(s.hub, &r), nil
}

// offersOf are the services that the partnership publishes.
func offersOf(t *decide.Terms, hub string) (all []registers.Offer) {
	for _, l := range t.Services {
		if l.Published {
			r := l.Responsible
			all = append(all, registers.Offer{Address: registers.Name(hub, "services", l.Code), Title: l.Title, Function: l.Function, Responsible: registers.Responsible{
				Ownership: t.AgencyName(r.Ownership), Design: t.AgencyName(r.Design), Operation: t.AgencyName(r.Operation),
				Capacity: t.AgencyName(r.Capacity), Performance: t.AgencyName(r.Performance),
			}})
		}
	}
	return all
}

func entriesOf(hub string, r *registers.Register) (all []Entry) {
	for _, o := range r.Offers {
		all = append(all, Entry{Kind: ofService, Hub: hub, Address: o.Address, Title: o.Title, Function: o.Function, Responsible: &o.Responsible})
	}
	for _, e := range r.Entries {
		if e.Status != registers.Removed {
			all = append(all, Entry{Kind: ofRegistrar, Hub: hub, Address: e.Space, Title: e.Title, Status: e.Status, Reach: e.Reach, Areas: e.Areas})
		}
	}
	return all
}

// publishedBy is what a peer publishes; away: it is a peer, and has not said for too long.
func (s *Service) publishedBy(ctx context.Context, row federationdb.FederationPeersInForce) (all []Entry, away bool) {
	p, err := s.Peer(ctx, row.EntityID)
	if err != nil {
		return nil, fault.KindOf(err) != fault.Forbidden
	}
	if r := s.registerOf(ctx, p); r != nil {
		return entriesOf(p.Entity, r), false
	}
	return nil, true
}

// What is read of a peer's register at most, and how often.
const (
	mostRegisterPages = 20
	registerEvery     = time.Second
)

// read is a peer's register as it was read.
type read struct {
	*registers.Register
	at time.Time
}

// registerOf is a peer's register, read now or lately. One that cannot be read now holds as
// long as was agreed with the peer, and then there is none: nil.
func (s *Service) registerOf(ctx context.Context, p Peer) *registers.Register {
	s.mu.Lock()
	known := s.registers[p.Entity]
	s.mu.Unlock()
	if known.Register != nil && s.now().Before(known.at.Add(registerEvery)) {
		return known.Register
	}
	found, err, _ := s.asking.Do("register of "+p.Entity, func() (any, error) {
		// Whoever waits for this may outlive whoever asked first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
		defer cancel()
		return s.readRegister(ctx, p)
	})
	if err == nil {
		return found.(*registers.Register)
	}
	s.log.InfoContext(ctx, "a peer's register cannot be read", "hub", p.Entity, "cause", err.Error())
	if known.Register != nil && s.now().Before(known.at.Add(p.Agreement.Bound())) && s.now().Before(known.Expires) {
		return known.Register
	}
	return nil
}

// readRegister reads all pages of a peer's register, and keeps what it says.
func (s *Service) readRegister(ctx context.Context, p Peer) (*registers.Register, error) {
	if entity.CheckID(p.Endpoints.Registrars) != nil {
		return &registers.Register{}, nil // it keeps none
	}
	at := s.now()
	var pages []string
	for next := ""; len(pages) == 0 || next != "" && len(pages) < mostRegisterPages; {
		address := p.Endpoints.Registrars
		if next != "" {
			address += "?cursor=" + url.QueryEscape(next)
		}
		text, err := s.client.Get(ctx, address, registers.ContentType)
		if err != nil {
			return nil, err
		}
		pages = append(pages, text)
		next = registers.NextOf(text)
	}
	r, err := registers.Open(pages, p.Entity, p.stated, s.now())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.registers[p.Entity] = read{r, at}
	return r, nil
}
