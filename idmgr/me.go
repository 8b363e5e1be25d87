package idmgr

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// MyLink is a private link as the person whom it is about sees it, from the side of one
// of their columns.
type MyLink struct {
	Column ident.Column
	Link
}

// MyLinks shows a person the links that stand on their own word, by whichever of their
// handles, newest first. One that a law orders is absent: nothing is recorded of whether
// they may be told of it.
func (s *Service) MyLinks(ctx context.Context, who decide.Subject) (all []MyLink, err error) {
	defer fault.Wrap(&err, "idmgr.MyLinks")
	at := s.now()
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	if err := s.journal.readOn(ctx, s.journal.db); err != nil {
		return nil, err
	}
	made := map[ident.LinkID]time.Time{}
	for _, l := range s.journal.links {
		column := l.from.Column
		if who.Column(l.from.Handle) == "" {
			if l.to == nil || who.Column(l.to.Handle) == "" {
				continue
			}
			column = l.to.Column
		}
		if l.terms.Agreed == nil {
			continue
		}
		made[l.id] = l.at
		all = append(all, MyLink{column, l.seen(who.Terms, column, at)})
	}
	slices.SortFunc(all, func(a, b MyLink) int {
		return cmp.Or(made[b.ID].Compare(made[a.ID]), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	return all, nil
}
