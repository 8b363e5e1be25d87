package partnership

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fame-hub/fame/consent/decide"
)

func (c *checker) partnership() {
	p := c.doc.Partnership
	c.secure(p.Hub, in("partnership", "hub"))
	for i, hub := range c.doc.Settings.EscalateTo {
		c.secure(hub, in("settings", "escalate_to", i))
		if hub == p.Hub {
			c.add(in("settings", "escalate_to", i), "name other hubs: this is the partnership's own")
		}
	}
	levels := c.doc.Settings.RoleLevels
	unique(c, levels, func(r decide.RoleLevel) string { return r.Role }, func(i int) []any { return in("settings", "role_levels", i, "role") }, "role")
	for i, r := range levels {
		c.refer(c.roles, r.Role, in("settings", "role_levels", i, "role"))
	}
	if _, ok := LawProfile(p.LawProfile); !ok {
		c.add(in("partnership", "law_profile"), "name a law profile: %s", strings.Join(LawProfiles(), ", "))
	}
}

func (c *checker) codes() {
	for name, list := range map[string][]decide.Code{
		"purposes": c.doc.Codes.Purposes, "aspects": c.doc.Codes.Aspects, "transactions": c.doc.Codes.Transactions,
		"reasons": c.doc.Codes.Reasons, "aims": c.doc.Codes.Aims, "roles": c.doc.Codes.Roles,
		"risks": c.doc.Codes.Risks,
	} {
		unique(c, list, func(e decide.Code) string { return e.Code },
			func(i int) []any { return in("codes", name, i, "code") }, "code")
		unique(c, list, func(e decide.Code) string { return cmp.Or(e.Shared, e.Code) },
			func(i int) []any { return in("codes", name, i, "shared") }, "name among hubs")
	}
	for _, role := range []string{GovernanceOfficer, AgencyAdministrator} {
		if !c.roles.known[role] {
			c.add(in("codes", "roles"), "add the role %s: every partnership has it", role)
		}
	}
}

func (c *checker) eachPower() {
	unique(c, c.doc.Powers, func(p decide.Power) string { return p.Code },
		func(i int) []any { return in("powers", i, "code") }, "code")
	for i, p := range c.doc.Powers {
		referAll(c, c.kinds, p.Kinds, in("powers", i, "kinds"))
		referAll(c, c.purposes, p.Purposes, in("powers", i, "purposes"))
		c.period(p.Starts, p.Ends, "powers", i)
		c.duty(i, p.Duty)
	}
}

// duty checks whom a duty to share binds: only a law profile that asks the
// detriment question knows such a duty.
func (c *checker) duty(i int, d *decide.Duty) {
	if d == nil {
		return
	}
	profile, known := LawProfile(c.doc.Partnership.LawProfile)
	switch {
	case known && profile.Duty == nil:
		c.add(in("powers", i, "duty"), "leave it out: law profile %s knows no duty to share", profile.ID)
	case len(d.Agencies)+len(d.Columns) == 0:
		c.add(in("powers", i, "duty"), "list agencies or columns that it binds")
	}
	referAll(c, c.agencyCodes, d.Agencies, in("powers", i, "duty", "agencies"))
	referAll(c, c.columnCodes, d.Columns, in("powers", i, "duty", "columns"))
}

func (c *checker) eachBar() {
	unique(c, c.doc.Bars, func(b decide.Bar) string { return b.Code },
		func(i int) []any { return in("bars", i, "code") }, "code")
	for i, b := range c.doc.Bars {
		if len(b.FromKinds)+len(b.ToKinds)+len(b.Purposes) == 0 {
			c.add(in("bars", i), "give from_kinds, to_kinds or purposes: without any it would bar everything")
		}
		referAll(c, c.kinds, b.FromKinds, in("bars", i, "from_kinds"))
		referAll(c, c.kinds, b.ToKinds, in("bars", i, "to_kinds"))
		referAll(c, c.purposes, b.Purposes, in("bars", i, "purposes"))
		c.period(b.Starts, b.Ends, "bars", i)
	}
}

func (c *checker) eachAgreement() {
	unique(c, c.doc.Agreements, func(a decide.Agreement) string { return a.Code },
		func(i int) []any { return in("agreements", i, "code") }, "code")
	for i, a := range c.doc.Agreements {
		referAll(c, c.agencyCodes, a.Parties, in("agreements", i, "parties"))
		referAll(c, c.purposes, a.Purposes, in("agreements", i, "purposes"))
		referAll(c, c.aspects, a.Aspects, in("agreements", i, "aspects"))
		referAll(c, c.roles, a.Roles.Enquire, in("agreements", i, "roles", "enquire"))
		referAll(c, c.roles, a.Roles.Publish, in("agreements", i, "roles", "publish"))
		referAll(c, c.roles, a.Roles.Correlate, in("agreements", i, "roles", "correlate"))
		referAll(c, c.roles, a.Roles.Impose, in("agreements", i, "roles", "impose"))
		referAll(c, c.roles, a.Roles.Override, in("agreements", i, "roles", "override"))
		referAll(c, c.roles, a.Roles.Emergency, in("agreements", i, "roles", "emergency"))
		referAll(c, c.roles, a.Roles.Review, in("agreements", i, "roles", "review"))
		referAll(c, c.roles, a.Roles.Approve, in("agreements", i, "roles", "approve"))
		if slices.Contains(a.Modes, decide.Imposed) && len(a.Roles.Impose) == 0 {
			c.add(in("agreements", i, "roles", "impose"), "name the higher roles that an imposed act needs, or leave imposed out of modes")
		}
		if len(a.Roles.Emergency)+len(a.Roles.Override) > 0 && len(a.Roles.Review) == 0 {
			c.add(in("agreements", i, "roles", "review"), "name the roles that review emergencies and overrides: every one is looked at afterwards")
		}
		if len(a.Roles.Override) > 0 && len(c.doc.Codes.Risks) == 0 {
			c.add(in("codes", "risks"), "list the risks for which a refusal may be overridden")
		}
		if profile, _ := LawProfile(c.doc.Partnership.LawProfile); profile.ReviewDays > 0 && a.ReviewDays > profile.ReviewDays {
			c.add(in("agreements", i, "review_days"), "write %d at most: the law profile asks for that", profile.ReviewDays)
		}
		for j, hub := range a.Peers {
			c.secure(hub, in("agreements", i, "peers", j))
			if hub == c.doc.Partnership.Hub {
				c.add(in("agreements", i, "peers", j), "name other hubs: this is the partnership's own")
			}
		}
		c.receiving(i, a.Receiving)
		c.trust(i, a.Trust)
		c.period(a.Starts, a.Ends, "agreements", i)
		c.rests(i, a)
	}
}

// trust checks that whoever both rely on is there, and that where managers may
// contradict each other somebody rules on it (TRU-09).
func (c *checker) trust(i int, t *decide.Trust) {
	if t == nil {
		return
	}
	switch {
	case (t.Model == decide.ThirdPartyTrust) != (t.Party != ""):
		c.add(in("agreements", i, "trust", "party"), "name the identity manager on whom both rely with third-party, and only there")
	case t.Party != "":
		c.refer(closedOf("an identity manager", c.doc.Managers, func(m decide.Idmgr) string { return string(m.Code) }), string(t.Party), in("agreements", i, "trust", "party"))
	case t.Model == decide.FourCorneredTrust && len(c.doc.Recourse) == 0:
		c.add(in("agreements", i, "trust", "model"), "list recourse, so that somebody rules where two managers contradict each other")
	}
}

// recourse checks that adjudicators are there.
func (c *checker) recourse() {
	for i, l := range c.doc.Recourse {
		c.refer(c.agencyCodes, string(l.Agency), in("recourse", i, "agency"))
		referAll(c, c.roles, l.Roles, in("recourse", i, "roles"))
	}
}

// receiving checks the conditions against the law profile (LEG-09, LEG-11).
// Where the profile itself is unknown that is said once, there.
func (c *checker) receiving(i int, r decide.Conditions) {
	if len(c.ordinary.codes) == 0 {
		return
	}
	c.refer(c.ordinary, r.Ordinary, in("agreements", i, "receiving", "ordinary"))
	if r.Sensitive != "" {
		c.refer(c.sensitive, r.Sensitive, in("agreements", i, "receiving", "sensitive"))
	}
}

// rests checks the powers that an agreement rests on (LEG-02, LEG-26). One that
// is still to begin is dated and does no harm until then; one that is over may
// be named only by an agreement that is over too.
func (c *checker) rests(i int, a decide.Agreement) {
	for j, code := range a.Powers {
		place := in("agreements", i, "powers", j)
		if !c.refer(c.powerCodes, code, place) {
			continue
		}
		p := c.powers[code]
		switch {
		case over(c.at, p.Ends) && !over(c.at, a.Ends):
			c.add(place, "name the power's successor, or write when the agreement ends: this power is no longer in force")
		case p.Starts != nil && a.Ends != nil && !p.Starts.Before(*a.Ends),
			a.Starts != nil && p.Ends != nil && !a.Starts.Before(*p.Ends):
			c.add(place, "name a power that is in force while the agreement is: their dates do not meet")
		}
	}
}
