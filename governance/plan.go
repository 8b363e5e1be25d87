package governance

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// plan is what becomes of the register of users when a document is applied. It
// is worked out from what was read and writes nothing.
type plan struct {
	now    time.Time
	doc    partnership.Document
	moved  map[string]bool // issuers whose name is gone or stands for another address
	byCode map[ident.Practitioner]*registered
	signIn map[string]*registered // by issuer and hash

	wanted map[ident.Practitioner]*entry // the document's practitioners
	taken  map[string]bool               // their sign-ins
	steps  []step
	at     map[ident.Practitioner]int // where somebody's step is in steps

	invalid, conflicts []fault.Field
}

// newPlan compares the users with the document that is to follow old.
func newPlan(now time.Time, users []registered, old, doc partnership.Document) plan {
	p := plan{
		now: now, doc: doc, moved: movedIssuers(old.Issuers, doc.Issuers),
		byCode: map[ident.Practitioner]*registered{}, signIn: map[string]*registered{},
		wanted: map[ident.Practitioner]*entry{}, taken: map[string]bool{}, at: map[ident.Practitioner]int{},
	}
	for i := range users {
		u := &users[i]
		p.byCode[u.PractitionerID] = u
		p.signIn[signInKey(u.Issuer, u.SubjectHash)] = u
	}
	for i, who := range doc.Practitioners {
		p.want(i, who)
	}
	for i := range users {
		p.trim(&users[i])
	}
	p.release()
	return p
}

// conflict is what keeps the plan from being carried out, nil for nothing.
func (p plan) conflict() error {
	for _, found := range []struct {
		kind   fault.Kind
		fields []fault.Field
	}{{fault.Invalid, p.invalid}, {fault.Conflict, p.conflicts}} {
		if len(found.fields) > 0 {
			f := fault.New(found.kind, "%s", found.fields[0].Detail)
			f.Fields = found.fields
			return f
		}
	}
	return nil
}

func movedIssuers(old, new []decide.Issuer) map[string]bool {
	moved := map[string]bool{}
	for _, was := range old {
		if !slices.ContainsFunc(new, func(is decide.Issuer) bool { return is.Name == was.Name && is.Issuer == was.Issuer }) {
			moved[was.Name] = true
		}
	}
	return moved
}

func signInKey(issuer string, hash []byte) string { return issuer + "\x00" + string(hash) }

// want plans for one practitioner of the document, the i-th.
func (p *plan) want(i int, who partnership.Practitioner) {
	if who.Ends != nil && !who.Ends.After(p.now) {
		return // as if not listed
	}
	pointer := "/practitioners/" + strconv.Itoa(i)
	was := p.byCode[who.ID]
	switch {
	case was != nil && was.source() != ByHand:
		p.conflicts = append(p.conflicts, fault.Field{Pointer: pointer + "/id",
			Detail: "write another code: this one belongs to somebody who was not registered by hand"})
		return
	case was != nil && was.barred():
		p.conflicts = append(p.conflicts, fault.Field{Pointer: pointer,
			Detail: "take this practitioner out, or give them a new code: they were ended by name after they were registered"})
		return
	}
	hash := hashSignIn(who.Issuer, who.Subject)
	if strings.HasPrefix(who.Subject, "(hidden") {
		if was == nil || was.ended(p.now) || was.Issuer != who.Issuer || p.moved[who.Issuer] || who.Subject != Hidden(who.ID) {
			p.invalid = append(p.invalid, fault.Field{Pointer: pointer + "/subject",
				Detail: "write the sub of the person's tokens: it can stay hidden only where this practitioner is registered with this issuer"})
			return
		}
		hash = was.SubjectHash
	}
	end := exactly(who.Ends)
	want := &entry{
		Practitioner: who.ID, Agency: who.Agency, Issuer: who.Issuer, Hash: hash, Source: ByHand,
		From: p.now, Until: end, Roles: until(who.Roles, end), Providers: until(who.Providers, end),
	}
	if starts := toCome(who.Starts, p.now); starts != nil {
		want.From = *starts
	} else if was != nil && was.live(p.now) {
		want.From = was.StartsAt
	}
	key := signInKey(want.Issuer, want.Hash)
	if p.taken[key] {
		p.invalid = append(p.invalid, fault.Field{Pointer: pointer + "/subject",
			Detail: "write another: an earlier practitioner has the same issuer and subject"})
		return
	}
	p.wanted[who.ID], p.taken[key] = want, true
	if holder := p.signIn[key]; holder != nil && holder.source() == Delegated && !holder.ended(p.now) {
		p.conflicts = append(p.conflicts, fault.Field{Pointer: pointer + "/subject",
			Detail: "ask the agency that has registered this sign-in to end it first"})
		return
	}
	if was == nil || was.ended(p.now) || !was.is(*want) {
		p.add(step{was: was, want: want, renew: was != nil && !sameTime(endOf(was.EndsAt), want.Until)})
	}
}

// is reports whether somebody stands in the register as the entry says.
func (u registered) is(e entry) bool {
	held := u.entry()
	return held.Agency == e.Agency && u.heldBy(e.Issuer, e.Hash) && held.From.Equal(e.From) && sameTime(held.Until, e.Until) &&
		slices.Equal(slices.Sorted(maps.Keys(held.Roles)), slices.Sorted(maps.Keys(e.Roles))) &&
		slices.Equal(slices.Sorted(maps.Keys(held.Providers)), slices.Sorted(maps.Keys(e.Providers)))
}

// trim plans for somebody whom the document does not list: who was registered
// by hand ends, and others keep what the document still has.
func (p *plan) trim(u *registered) {
	if p.wanted[u.PractitionerID] != nil || u.barred() {
		return
	}
	if u.source() == ByHand {
		if !u.ended(p.now) {
			p.add(step{was: u})
		}
		return
	}
	if p.moved[u.Issuer] { // also of those who have ended, or a stranger would come back as them
		p.add(step{was: u, release: true})
		return
	}
	if u.ended(p.now) {
		return
	}
	left := u.entry()
	maps.DeleteFunc(left.Roles, func(role string, _ *time.Time) bool { return !decide.Has(p.doc.Codes.Roles, role) })
	maps.DeleteFunc(left.Providers, func(id ident.Provider, _ *time.Time) bool {
		return !slices.ContainsFunc(p.doc.Providers, func(d decide.Provider) bool { return d.ID == id && reaches(d, u.AgencyID) })
	})
	isMember := slices.ContainsFunc(p.doc.Agencies, func(a decide.Agency) bool { return a.ID == u.AgencyID })
	switch {
	case !isMember, len(u.Roles) > 0 && len(left.Roles) == 0:
		p.add(step{was: u})
	case len(left.Roles) < len(u.Roles), len(left.Providers) < len(u.Providers):
		p.add(step{was: u, want: &left})
	}
}

// release plans for those whose sign-in now belongs to another practitioner of
// the document: they give it up, and end if they have not.
func (p *plan) release() {
	for _, code := range slices.Sorted(maps.Keys(p.wanted)) {
		want := p.wanted[code]
		holder := p.signIn[signInKey(want.Issuer, want.Hash)]
		if holder == nil || holder.PractitionerID == code {
			continue
		}
		if i, ok := p.at[holder.PractitionerID]; ok {
			p.steps[i].release = true
			if p.wanted[holder.PractitionerID] == nil {
				p.steps[i].want = nil
			}
		} else {
			p.add(step{was: holder, release: true})
		}
	}
}

func (p *plan) add(st step) {
	var code ident.Practitioner
	if st.was != nil {
		code = st.was.PractitionerID
	} else {
		code = st.want.Practitioner
	}
	p.at[code] = len(p.steps)
	p.steps = append(p.steps, st)
}

// reaches reports whether people of the agency may act for the provider: their
// own agency's, or a team that spans it (COL-03).
func reaches(p decide.Provider, agency ident.Agency) bool {
	return p.Agency == agency || p.Kind == decide.Team && slices.Contains(p.Agencies, agency)
}
