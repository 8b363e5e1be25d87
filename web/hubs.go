package web

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/api/relmgroas"
)

// elsewhere is another hub that was asked along with the partnership (QRY-04, QRY-12).
type elsewhere struct {
	Hub  string
	Done bool                    // no more comes of it
	Says *federationoas.PeerSays // nil: it has not answered
}

// hubsField asks whether other hubs are asked too, where some can be.
func hubsField(v *visit, under []agreement) *field {
	named := slices.ContainsFunc(under, func(a agreement) bool { return len(a.Peers) > 0 })
	shared := slices.ContainsFunc(v.t.own(v.who.in, v.p.Now()), func(c column) bool { return c.Scheme != "" })
	if v.p.Duties.Federation == "" || !named || !shared {
		return nil
	}
	return &field{Name: "elsewhere", Kind: yes, Optional: true, Label: "Ask other hubs too",
		Hint: "Only by an identifier that other hubs use as well, such as a national number. Each hub decides by itself what it tells you, and keeps a record that you asked."}
}

// askHubs sends what relmgr ordered, each hub by itself, so that each answer is there as
// soon as it has come. They go on when the page has been shown: the deadline of each is
// federation's.
func (v *visit) askHubs(id relmgroas.ID, orders []relmgroas.AxleOrder) error {
	if len(orders) == 0 {
		return nil
	}
	g, err := v.federation()
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(v.ctx)
	for _, o := range orders {
		go func() {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			one := elsewhere{Hub: string(o.Hub), Done: true}
			// A hub of which nothing is heard has not answered, whatever the cause.
			if said, err := g.AskPeers(ctx, &federationoas.PeerQuestions{Orders: []federationoas.AxleToken{federationoas.AxleToken(o.Order)}}); err == nil && len(said.Hubs) == 1 && said.Hubs[0].Answered {
				one.Says = &said.Hubs[0]
			}
			v.s.heard(id, one)
		}()
	}
	return nil
}

// heard notes what has become of one hub.
func (s *session) heard(id relmgroas.ID, one elsewhere) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.answers {
		if s.answers[i].Answer.ID != id {
			continue
		}
		all := slices.Clone(s.answers[i].Elsewhere) // a page may be reading the other
		for n := range all {
			if all[n].Hub == one.Hub {
				all[n] = one
			}
		}
		s.answers[i].Elsewhere = all
	}
}

// showHubsOf says what each hub has said so far.
func showHubsOf(pg *page, a asked) {
	done, said := 0, 0
	for _, one := range a.Elsewhere {
		if one.Done {
			done++
		}
		c := card{Title: hubName(one.Hub), Tag: "Other hub"}
		switch {
		case !one.Done:
			c.Lines = []string{"Waiting for its answer."}
		case one.Says == nil:
			c.Lines = []string{"It has not answered. Somebody there may know this person: ask again later, which is recorded as a new question."}
		case len(one.Says.Providers) == 0:
			said++
			c.Lines = []string{"It has nothing that it can tell you. Others may know this person."}
			if b, ok := one.Says.Because.Get(); ok {
				c.Lines = append(c.Lines, sentence(b)+".")
			}
		default:
			said++
			for _, p := range one.Says.Providers {
				c.Rows = append(c.Rows, row{Key: "Agency", Values: []string{p.AgencyName}}, contactRow(relmgroas.Contact{Kind: relmgroas.ContactKind(p.Contact.Kind), Value: p.Contact.Value, Hours: p.Contact.Hours, Confirmed: p.Contact.Confirmed}))
			}
		}
		pg.Cards = append(pg.Cards, c)
	}
	switch all := len(a.Elsewhere); {
	case done < all:
		pg.Notice = strconv.Itoa(done) + " of " + strconv.Itoa(all) + " other hubs have been heard. The others have a few seconds."
		pg.Buttons = append(pg.Buttons, link{Text: "Look again", Href: Prefix + "/enquiries/" + string(a.Answer.ID)})
	case said < all:
		pg.Notice = "Not every other hub has answered."
	default:
		pg.Notice = "All other hubs have answered."
	}
}

// hubName is a hub's address as people read it.
func hubName(at string) string {
	if u, err := url.Parse(at); err == nil && u.Host != "" {
		return u.Host
	}
	return at
}
