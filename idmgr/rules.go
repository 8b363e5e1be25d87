package idmgr

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr/internal/idmgrdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// A manager's rules are data (IDM-15): a set of them is a version, tried against what
// was asked before it goes live. Nothing in one refers to another rule, so rules
// cannot loop; of two of one manager that meet, the withholding holds.

// authorities are on what a rule rests.
var authorities = []string{"instruction", "parental-responsibility", "order", "policy"}

// triedDays is how far back the enquiries lie against which rules are tried.
const triedDays = 30

// Drafted is a version of the rules that waits to go live.
type Drafted struct {
	Version int32
	// Predicted are the kinds of enquiry of the last weeks that either version meets,
	// the most frequent first. They name no person.
	Predicted []Prediction
	Receipt
}

// Prediction is what rules would come to for a kind of enquiry, about anybody they
// are put upon.
type Prediction struct {
	Column    ident.Column
	Purpose   string
	Reason    string
	Emergency bool
	Enquiries int64
	Now, Then []string // rules that meet it, by the version that holds and by the draft
}

// DraftRules keeps a new version of the manager's rules, and says what it would have
// come to. It holds nothing until it goes live.
func (s *Service) DraftRules(ctx context.Context, who decide.Caller, rules []decide.Rule, reason string) (d Drafted, err error) {
	defer fault.Wrap(&err, "idmgr.DraftRules")
	at := s.now()
	role, err := s.keeps(who, at)
	if err != nil {
		return d, err
	}
	for i := range rules {
		rules[i].Until = exact(rules[i].Until)
	}
	if err := checkRules(who.Terms, rules, at); err != nil {
		return d, err
	}
	if !decide.Has(who.Terms.Codes.Reasons, reason) {
		return d, fault.At("/reason", "name a reason of the partnership's list")
	}
	err = pg.InTx(ctx, s.journal.db, func(tx *sql.Tx) error {
		if err := s.q.WaitForManager(ctx, tx, string(s.manager)); err != nil {
			return pg.Fault(err)
		}
		v, err := s.q.NewestVersions(ctx, tx, s.manager)
		if err != nil {
			return pg.Fault(err)
		}
		live, err := s.rules(ctx, tx, v.Live)
		if err != nil {
			return err
		}
		a := s.beginAct(drafted, who, role, at)
		a.Version, a.Rules, a.Reason = v.Newest+1, rules, reason
		if d.Receipt, err = s.record(ctx, tx, a); err != nil {
			return err
		}
		if err := s.q.InsertRuleSet(ctx, tx, idmgrdb.InsertRuleSetParams{Manager: s.manager, Version: a.Version, ActID: a.Act}); err != nil {
			return pg.Fault(err)
		}
		for _, r := range rules {
			err := s.q.InsertRule(ctx, tx, idmgrdb.InsertRuleParams{
				Manager: s.manager, Version: a.Version, Rule: r.Code, Kind: kindOf(r.Withhold), AudienceKind: string(r.Audience.Kind),
				Audience: r.Audience.Names, Purposes: r.Purposes, Reasons: r.Reasons, Authority: r.Authority, Until: r.Until,
			})
			if err != nil {
				return pg.Fault(err)
			}
		}
		d.Version = a.Version
		d.Predicted, err = s.predict(ctx, tx, who.Terms, live, rules, at)
		return err
	})
	return d, err
}

func (s *Service) predict(ctx context.Context, tx *sql.Tx, t *decide.Terms, live, draft []decide.Rule, at time.Time) (all []Prediction, err error) {
	rows, err := s.q.ListAsked(ctx, tx, at.AddDate(0, 0, -triedDays))
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		p := Prediction{Column: r.ColumnID, Purpose: r.Purpose, Reason: r.Reason, Emergency: r.Emergency, Enquiries: r.Enquiries}
		meets := func(rules []decide.Rule) (codes []string) {
			for _, rule := range rules {
				if t.Predict(rule, r.ColumnID, r.Purpose, r.Reason, r.Emergency, at) {
					codes = append(codes, rule.Code)
				}
			}
			return codes
		}
		if p.Now, p.Then = meets(live), meets(draft); len(p.Now)+len(p.Then) > 0 {
			all = append(all, p)
		}
	}
	return all, nil
}

// ActivateRules has the newest draft go live: from the next request on it is what the
// manager's effects say. It is an act of its own. An older version is drafted anew.
func (s *Service) ActivateRules(ctx context.Context, who decide.Caller, version int32, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "idmgr.ActivateRules")
	at := s.now()
	role, err := s.keeps(who, at)
	if err != nil {
		return Receipt{}, err
	}
	if !decide.Has(who.Terms.Codes.Reasons, reason) {
		return Receipt{}, fault.At("/reason", "name a reason of the partnership's list")
	}
	err = pg.InTx(ctx, s.journal.db, func(tx *sql.Tx) error {
		if err := s.q.WaitForManager(ctx, tx, string(s.manager)); err != nil {
			return pg.Fault(err)
		}
		v, err := s.q.NewestVersions(ctx, tx, s.manager)
		switch {
		case err != nil:
			return pg.Fault(err)
		case version < 1 || version > v.Newest:
			return fault.New(fault.NotKnown, "the manager has no such version: list them with GET /idmgr/v1/rules")
		case version < v.Newest || version == v.Live:
			return fault.New(fault.Conflict, "the newest draft alone can go live, once: draft these rules anew")
		}
		a := s.beginAct(activated, who, role, at)
		a.Version, a.Reason = version, reason
		if receipt, err = s.record(ctx, tx, a); err != nil {
			return err
		}
		if err := s.q.Activate(ctx, tx, idmgrdb.ActivateParams{Manager: s.manager, Version: version, ActID: a.Act}); err != nil {
			return pg.Fault(err)
		}
		if err := s.q.Follow(ctx, tx, idmgrdb.FollowParams{Manager: s.manager, Version: version}); err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	return receipt, err
}

// RuleSet is a version of a manager's rules.
type RuleSet struct {
	Version  int32
	Rules    []decide.Rule
	At       time.Time
	By       ident.Practitioner
	LiveAt   time.Time // zero for one that never went live
	LiveBy   ident.Practitioner
	InEffect bool
}

// RuleSets are the manager's versions, the newest first. They are no secret: whoever
// is registered may read them (IDM-18).
func (s *Service) RuleSets(ctx context.Context, who decide.Caller) (all []RuleSet, err error) {
	defer fault.Wrap(&err, "idmgr.RuleSets")
	v, err := s.q.NewestVersions(ctx, s.journal.db, s.manager)
	if err != nil {
		return nil, pg.Fault(err)
	}
	sets, err := s.q.ListRuleSets(ctx, s.journal.db, s.manager)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range sets {
		rules, err := s.rules(ctx, s.journal.db, r.Version)
		if err != nil {
			return nil, err
		}
		all = append(all, RuleSet{
			Version: r.Version, Rules: rules, At: r.At.UTC(), By: r.PractitionerID, LiveAt: r.LiveAt.Time.UTC(),
			LiveBy: ident.Practitioner(r.LiveBy), InEffect: r.Version == v.Live,
		})
	}
	return all, nil
}

// rules are those of one version; none of version 0.
func (s *Service) rules(ctx context.Context, db idmgrdb.DBTX, version int32) (all []decide.Rule, err error) {
	rows, err := s.q.ListRules(ctx, db, idmgrdb.ListRulesParams{Manager: s.manager, Versions: []int32{version}})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		all = append(all, decide.Rule{
			Code: r.Rule, Withhold: r.Kind == withheld, Audience: decide.Audience{Kind: decide.AudienceKind(r.AudienceKind), Names: r.Audience},
			Purposes: r.Purposes, Reasons: r.Reasons, Authority: r.Authority, Until: r.Until.UTC(),
		})
	}
	return all, nil
}

func kindOf(withhold bool) string {
	if withhold {
		return withheld
	}
	return granted
}

// keeps returns the role in which the caller keeps the manager's rules.
func (s *Service) keeps(who decide.Caller, at time.Time) (string, error) {
	if err := s.serves(who.Terms); err != nil {
		return "", err
	}
	m := who.Terms.FindManager(s.manager)
	role, ok := who.RoleAmong(m.Roles)
	if !ok || who.Agency != m.Agency || who.Terms.FindAgency(who.Agency, at) == nil {
		return "", fault.New(fault.Forbidden, "a manager's rules and cases are for its own people: hold one of the roles that the partnership document lists under its managers")
	}
	return role, nil
}

// checkRules says what of a set cannot be used.
func checkRules(t *decide.Terms, rules []decide.Rule, at time.Time) error {
	seen := map[string]bool{}
	for i, r := range rules {
		place := func(member string) string { return "/rules/" + itoa(i) + "/" + member }
		switch {
		case seen[r.Code]:
			return fault.At(place("rule"), "give each rule a code of its own")
		case !t.HasAudience(r.Audience):
			return fault.At(place("audience"), "name members or columns of the partnership")
		case !decide.HasAll(t.Codes.Purposes, r.Purposes):
			return fault.At(place("purposes"), "name purposes of the partnership's list")
		case !r.Withhold && len(r.Purposes) == 0:
			return fault.At(place("purposes"), "a grant is for purposes: name them")
		case !decide.HasAll(t.Codes.Reasons, r.Reasons):
			return fault.At(place("reasons"), "name reasons of the partnership's list")
		case !slices.Contains(authorities, r.Authority):
			return fault.At(place("authority"), "say on what the rule rests: one of %v", authorities)
		case !r.Until.After(at) || r.Until.After(at.AddDate(longestYears, 0, 0)):
			return fault.At(place("until"), "a rule has an end: within %d years, and still to come", longestYears)
		}
		seen[r.Code] = true
	}
	return nil
}
