package idmgr

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr/internal/idmgrdb"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

func itoa(i int) string { return strconv.Itoa(i) }

// GrantRequest is what a member of a column grants for one handle, under a rule of the
// manager's, on a decision that walks the four steps. Purposes, audience and the
// latest end are the rule's.
type GrantRequest struct {
	Proof    string
	Rule     string
	Proposal Proposal // its purpose is the rule's to say
	Agreed   *Agreed
	Evidence string // of the instruction, where the manager carries out somebody's
}

// WithholdingRequest puts a handle under a rule that withholds.
type WithholdingRequest struct {
	Proof    string
	Rule     string
	Until    time.Time
	Reason   string
	Evidence string
}

// Made is an effect that has been published.
type Made struct {
	Effect ident.EffectID
	Token  string // of a grant: for whoever is to bear it
	Until  time.Time
	Receipt
}

// Grant publishes that the handle's relationship may be told to whom the rule names,
// for its purposes, until an end (IDM-10). It widens what the holder's own decision
// publishes, and publishes nothing where that is not. The token says the same to
// whoever has the manager's key; it is shown once.
//
// Errors: Invalid for a proof, a rule or terms that cannot be used, Conflict where the
// agreement's parties do not rely on this manager, DecisionRefused, recorded.
func (s *Service) Grant(ctx context.Context, who decide.Caller, g GrantRequest) (made Made, err error) {
	defer fault.Wrap(&err, "idmgr.Grant")
	at := s.now()
	from, column, err := s.proved(ctx, who, g.Proof, at)
	if err != nil {
		return Made{}, err
	}
	if err := s.instructed(who.Terms, g.Evidence); err != nil {
		return Made{}, err
	}
	p := g.Proposal
	until := exact(p.Until)
	if err := p.check(who.Terms, g.Agreed, at); err != nil {
		return Made{}, err
	}
	if !who.Terms.Grants(p.Agreement, s.manager) {
		return Made{}, fault.New(fault.Conflict, "the parties to this agreement do not rely on this identity manager: its trust says on whom they do")
	}
	var refusal error
	err = pg.InTx(ctx, s.journal.db, func(tx *sql.Tx) error {
		rule, version, err := s.rule(ctx, tx, g.Rule, false, at)
		if err != nil {
			return err
		}
		if until = g.Agreed.narrow(until); until.After(rule.Until) {
			until = rule.Until
		}
		put := p.put(decide.Granting, column, rule.Purposes, rule.Audience, until, g.Agreed, at)
		d := who.Terms.Hold(who.Actor, put, at)
		if d.StoppedAt() > 0 {
			a := s.beginAct(stopped, who, d.Role, at)
			a.Decision, a.Reason = &d, p.Reason
			refusal = stoppedBy(d)
			_, err := s.record(ctx, tx, a)
			return err
		}
		e := published{Effect: ident.NewEffect(), Handle: from.Handle, Column: from.Column, Rule: rule.Code, Starts: at, Ends: d.Until, Evidence: g.Evidence}
		if made.Token, err = s.sign(ctx, &e, rule, p.Agreement); err != nil {
			return err
		}
		hash := sha256.Sum256([]byte(made.Token))
		e.Token = hash[:]
		a := s.beginAct(granted, who, d.Role, at)
		a.Version, a.Effect, a.Decision, a.Agreed, a.Order, a.Reason = version, &e, &d, g.Agreed, p.OrderReference, p.Reason
		made.Effect, made.Until = e.Effect, d.Until
		made.Receipt, err = s.publish(ctx, tx, a, rule)
		return err
	})
	if err == nil {
		err = refusal
	}
	return made, err
}

// Withhold publishes that the handle's relationship is kept from whom the rule names:
// from the next request on, as a person's block is, and as what was never there. An
// emergency that is recorded as one is told it.
func (s *Service) Withhold(ctx context.Context, who decide.Caller, w WithholdingRequest) (made Made, err error) {
	defer fault.Wrap(&err, "idmgr.Withhold")
	at := s.now()
	from, _, err := s.proved(ctx, who, w.Proof, at)
	if err != nil {
		return Made{}, err
	}
	role, err := mayPublish(who, at)
	if err != nil {
		return Made{}, err
	}
	until := exact(w.Until)
	switch {
	case !decide.Has(who.Terms.Codes.Reasons, w.Reason):
		return Made{}, fault.At("/reason", "name a reason of the partnership's list")
	case !until.After(at) || until.After(at.AddDate(longestYears, 0, 0)):
		return Made{}, fault.At("/until", "a withholding has an end: within %d years, and still to come", longestYears)
	}
	if err := s.instructed(who.Terms, w.Evidence); err != nil {
		return Made{}, err
	}
	err = pg.InTx(ctx, s.journal.db, func(tx *sql.Tx) error {
		rule, version, err := s.rule(ctx, tx, w.Rule, true, at)
		if err != nil {
			return err
		}
		e := published{Effect: ident.NewEffect(), Handle: from.Handle, Column: from.Column, Rule: rule.Code, Starts: at, Ends: until, Evidence: w.Evidence}
		a := s.beginAct(withheld, who, role, at)
		a.Version, a.Effect, a.Reason = version, &e, w.Reason
		made = Made{Effect: e.Effect, Until: until}
		if made.Until.After(rule.Until) {
			made.Until = rule.Until
		}
		made.Receipt, err = s.publish(ctx, tx, a, rule)
		return err
	})
	return made, err
}

// publish records the act and puts its effect in force.
func (s *Service) publish(ctx context.Context, tx *sql.Tx, a *act, rule decide.Rule) (Receipt, error) {
	receipt, err := s.record(ctx, tx, a)
	if err != nil {
		return Receipt{}, err
	}
	e := a.Effect
	p := idmgrdb.InsertEffectParams{
		EffectID: e.Effect, ActID: a.Act, Manager: s.manager, Kind: a.Kind, Rule: rule.Code, Version: a.Version, HandleID: e.Handle, ColumnID: e.Column,
		StartsAt: e.Starts, EndsAt: e.Ends, Evidence: e.Evidence, TokenHash: e.Token, Aspects: []string{}, ReviewAt: e.Ends,
		AudienceKind: string(rule.Audience.Kind), Audience: rule.Audience.Names, Purposes: rule.Purposes, Reasons: rule.Reasons, Until: e.Ends,
	}
	if p.Until.After(rule.Until) {
		p.Until = rule.Until
	}
	if d := a.Decision; d != nil {
		p.Agreement, p.Power, p.Ground, p.Mode, p.Aspects = d.Agreement, d.Power, string(d.Ground), string(d.Mode), d.Aspects
		p.Ordinary, p.Sensitive, p.ReviewAt = d.Conditions.Ordinary, d.Conditions.Sensitive, d.Review
		p.AudienceKind, p.Audience, p.Purposes = string(d.Audience.Kind), d.Audience.Names, d.Purposes
	}
	if err := s.q.InsertEffect(ctx, tx, p); err != nil {
		return Receipt{}, pg.Fault(err)
	}
	return receipt, nil
}

// rule is one of the version that holds. The caller's transaction has the manager's
// rules stand still.
func (s *Service) rule(ctx context.Context, tx *sql.Tx, code string, withhold bool, at time.Time) (decide.Rule, int32, error) {
	if err := s.q.WaitForManager(ctx, tx, string(s.manager)); err != nil {
		return decide.Rule{}, 0, pg.Fault(err)
	}
	v, err := s.q.NewestVersions(ctx, tx, s.manager)
	if err != nil {
		return decide.Rule{}, 0, pg.Fault(err)
	}
	rules, err := s.rules(ctx, tx, v.Live)
	if err != nil {
		return decide.Rule{}, 0, err
	}
	for _, r := range rules {
		if r.Code == code && r.Withhold == withhold && at.Before(r.Until) {
			return r, v.Live, nil
		}
	}
	return decide.Rule{}, 0, fault.At("/rule", "name a rule of the manager's that holds and does this: list them with GET /idmgr/v1/rules")
}

// instructed checks that whoever carries out somebody's instructions has them, and
// that nobody else claims to.
func (s *Service) instructed(t *decide.Terms, evidence string) error {
	if err := s.serves(t); err != nil {
		return err
	}
	if t.FindManager(s.manager).OnInstruction() != (evidence != "") {
		return fault.At("/evidence", "say how the instruction was recorded where the manager carries out somebody's, and only there")
	}
	return nil
}

// mayPublish returns the role in which the caller may hide what their column
// publishes: one that may publish it.
func mayPublish(who decide.Caller, at time.Time) (string, error) {
	for i := range who.Terms.Agreements {
		a := who.Terms.FindAgreement(who.Terms.Agreements[i].Code, at)
		if a == nil || !a.Party(who.Agency) {
			continue
		}
		if role, ok := who.RoleAmong(a.Roles.Publish); ok {
			return role, nil
		}
	}
	return "", fault.New(fault.Forbidden, "withholdings are for those who may publish: hold a role that an agreement in force, to which your agency is a party, lists under roles.publish")
}

// TypGrant is the type of a grant's token.
const TypGrant = "fame-grant+jwt"

// grantClaims is a grant as its bearer carries it. It names no handle and nobody.
type grantClaims struct {
	attest.Claims
	Audience  decide.Audience `json:"to"`
	Purposes  []string        `json:"purposes"`
	Agreement string          `json:"agreement"`
}

// sign makes the token of a grant, by the manager's own key.
func (s *Service) sign(ctx context.Context, e *published, rule decide.Rule, agreement string) (string, error) {
	return s.signer.Sign(ctx, TypGrant, grantClaims{
		Claims: attest.Claims{
			Issuer: string(s.manager), Audience: "relmgr", IssuedAt: e.Starts.Unix(), NotBefore: e.Starts.Unix(), Expires: e.Ends.Unix(), ID: e.Effect.String(),
		},
		Audience: rule.Audience, Purposes: rule.Purposes, Agreement: agreement,
	})
}

// Standing is an effect as a member of its column sees it.
type Standing struct {
	Effect    ident.EffectID
	Handle    ident.HandleID
	Rule      string
	Version   int32
	Starts    time.Time
	Audience  decide.Audience
	Purposes  []string
	Reasons   []string
	Until     time.Time
	State     State // live, ended or over
	Overruled bool  // in a case, against one other effect
}

// Effects are a column's grants, or its withholdings, of this manager: the newest
// first, whatever became of them.
func (s *Service) Effects(ctx context.Context, who decide.Caller, column ident.Column, withholdings bool) (all []Standing, err error) {
	defer fault.Wrap(&err, "idmgr.Effects")
	at := s.now()
	c := who.Terms.FindColumn(column, at)
	if c == nil || !who.MemberOf(c) {
		return nil, fault.New(fault.Forbidden, "you are not a member of that column: name a column that your agency has put you in")
	}
	if err := s.attached(who.Terms, column); err != nil {
		return nil, err
	}
	rows, err := s.q.ListEffects(ctx, s.journal.db, idmgrdb.ListEffectsParams{ColumnID: column, Manager: s.manager, Kind: kindOf(withholdings)})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		e := Standing{
			Effect: r.EffectID, Handle: r.HandleID, Rule: r.Rule, Version: r.Version, Starts: r.StartsAt.UTC(),
			Audience: decide.Audience{Kind: decide.AudienceKind(r.AudienceKind), Names: r.Audience}, Purposes: r.Purposes, Reasons: r.Reasons,
			Until: r.Until.UTC(), State: stands(r.Withdrawn, r.Live, r.Until, at), Overruled: r.Overruled,
		}
		all = append(all, e)
	}
	return all, nil
}

// WithdrawEffect ends a grant or a withholding at once, by a member of its column who
// may publish: the next request does not meet it (invariant 8). It may be said again,
// and stays as it was first: Conflict.
func (s *Service) WithdrawEffect(ctx context.Context, who decide.Caller, id ident.EffectID, withholding bool, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "idmgr.WithdrawEffect")
	at := s.now()
	if !decide.Has(who.Terms.Codes.Reasons, reason) {
		return Receipt{}, fault.At("/reason", "name a reason of the partnership's list")
	}
	err = pg.InTx(ctx, s.journal.db, func(tx *sql.Tx) error {
		e, err := s.q.FindEffect(ctx, tx, id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return pg.Fault(err)
		}
		c := who.Terms.FindColumn(e.ColumnID, at)
		if err != nil || e.Manager != s.manager || e.Kind != kindOf(withholding) || c == nil || !who.MemberOf(c) {
			return fault.New(fault.NotKnown, "there is none such of a column of yours: list them")
		}
		role, err := mayPublish(who, at)
		if err != nil {
			return err
		}
		a := s.beginAct(withdrawn, who, role, at)
		a.Effect, a.Reason = &published{Effect: id}, reason
		if receipt, err = s.record(ctx, tx, a); err != nil {
			return err
		}
		err = s.q.WithdrawEffect(ctx, tx, idmgrdb.WithdrawEffectParams{EffectID: ident.UntypedID(id), ActID: ident.UntypedID(a.Act)})
		if pg.Constraint(err) == "withdrawals_pkey" {
			return fault.New(fault.Conflict, "it has been withdrawn")
		} else if err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	return receipt, err
}
