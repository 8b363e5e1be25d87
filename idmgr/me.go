package idmgr

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr/internal/idmgrdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// MyLink is a private link as the person whom it is about sees it, from the side of one
// of their columns.
type MyLink struct {
	Column ident.Column
	Link
}

// MyLinks shows a person the links that stand on their own word, by whichever of their
// handles, newest first. One that a law orders is absent: nothing is recorded of whether
// they may be told of it. Whoever acts for the person is shown those that stand on a
// proxy's word, and none that stands on the person's own (SUB-12, E2E-04).
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
		column := l.shownTo(who)
		if column == "" {
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

// shownTo is the column of the person's from whose side they see the link, empty where it
// is nothing of theirs, or none of which they are told.
func (l *link) shownTo(who decide.Subject) ident.Column {
	if a := l.terms.Agreed; a == nil || who.Authority != "" && a.Proxy == nil {
		return ""
	}
	if who.Column(l.from.Handle) != "" {
		return l.from.Column
	}
	if l.to != nil && who.Column(l.to.Handle) != "" {
		return l.to.Column
	}
	return ""
}

// thePerson acts where the person does, without a practitioner or an agency.
const thePerson = "the-person"

// EndMine ends a link of the person's at once (IDM-20). What is not shown to them is
// NotKnown; the second time and two at once get the first one's receipt.
func (s *Service) EndMine(ctx context.Context, who decide.Subject, id ident.LinkID) (_ Receipt, err error) {
	defer fault.Wrap(&err, "idmgr.EndMine")
	at := s.now()
	var first Receipt
	receipt, told, err := s.journal.write(ctx, func() (*record, error) {
		l := s.journal.links[id]
		if l == nil || l.shownTo(who) == "" {
			return nil, fault.New(fault.NotKnown, "no link of yours has this id: list them with GET /idmgr/v1/me/links")
		}
		if !l.ended.IsZero() {
			first = l.end
			return nil, nil
		}
		return &record{
			Act: ident.NewAct(), Manager: s.manager, Kind: ended, At: at, Practitioner: thePerson, Agency: thePerson, Role: thePerson,
			TermsVersion: who.Terms.Version, Link: id, Letter: l.ending(at),
		}, nil
	})
	if err == nil {
		err = told
	}
	if first.Commitment != nil {
		receipt = first
	}
	return receipt, err
}

// MyEffect is what a manager has published on a handle of the person's.
type MyEffect struct {
	Effect    ident.EffectID
	Withhold  bool
	Manager   ident.Idmgr
	Column    ident.Column
	Rule      string
	Authority string
	Starts    time.Time
	Audience  decide.Audience
	Purposes  []string
	Reasons   []string
	Until     time.Time
	State     State
	Overruled bool
}

// MyCase is a case as the person whom it is about sees it, with words for them.
type MyCase struct {
	Case                         ident.ReferenceID
	State, Level, Outcome, Words string
	Opened, Due                  time.Time
}

// MyEffects shows a person what this manager does on their handles, the newest first, and
// the cases that came of what managers do (TRU-04). What rests on an order, or on a power
// without the person's word, is absent, as a link of that kind is, and so is a case in
// which it has a part. Whoever acts for the person is shown what rests on parental
// responsibility or on a policy, and no instruction of the person's own (SUB-12).
func (s *Service) MyEffects(ctx context.Context, who decide.Subject) (effects []MyEffect, cases []MyCase, err error) {
	defer fault.Wrap(&err, "idmgr.MyEffects")
	at := s.now()
	handles := make([]string, len(who.Handles))
	for i, h := range who.Handles {
		handles[i] = h.Handle.String()
	}
	byOthers := who.Authority != ""
	rows, err := s.q.ListMyEffects(ctx, s.journal.db, idmgrdb.ListMyEffectsParams{Handles: handles, ByOthers: byOthers, Manager: s.manager})
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	for _, r := range rows {
		effects = append(effects, MyEffect{
			Effect: r.EffectID, Withhold: r.Kind == withheld, Manager: r.Manager, Column: r.ColumnID, Rule: string(r.Rule), Authority: r.Authority,
			Starts: r.StartsAt.UTC(), Audience: decide.Audience{Kind: decide.AudienceKind(r.AudienceKind), Names: r.Audience}, Purposes: r.Purposes,
			Reasons: r.Reasons, Until: r.Until.UTC(), State: stands(r.Withdrawn, r.Live, r.Until, at), Overruled: r.Overruled,
		})
	}
	found, err := s.q.ListMyCases(ctx, s.journal.db, idmgrdb.ListMyCasesParams{Handles: handles, ByOthers: byOthers})
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	for _, r := range found {
		c := MyCase{
			Case: ident.ReferenceOf(r.CaseID, thePerson), State: caseState(who.Terms, r.Kind, r.Level, r.DueAt, at), Level: levelOf(who.Terms, r.Level).Title,
			Outcome: r.Outcome, Opened: r.OpenedAt.UTC(), Due: r.DueAt.UTC(),
		}
		c.Words = "One of those who look after who may know about you says that somebody may know, and another says that they may not. You may say what you think to a service that knows you." +
			became(c.State, c.Level)
		cases = append(cases, c)
	}
	return effects, cases, nil
}

// stands is how an effect stands.
func stands(withdrawn, live bool, until, at time.Time) State {
	switch {
	case withdrawn:
		return Ended
	case !live || !at.Before(until):
		return Over
	}
	return Live
}
