package verify

import (
	"context"
	"database/sql"

	"github.com/fame-hub/fame/internal/ident"
)

// checkEffects compares what is in force of identity managers' effects with what
// their rules, withdrawals and rulings come to, and everything of a case or a set of
// rules with the act that made it.
func (v *verification) checkEffects(ctx context.Context) error {
	for _, q := range []struct{ place, says, query string }{
		{"effect ", "what is in force is not what its rule, its withdrawal and the rulings on it come to", `
			select e.effect_id from idmgr.effects e
			  left join idmgr.rules r on r.manager = e.manager and r.rule = e.rule and r.kind = e.kind
			    and r.version = (select max(a.version) from idmgr.activations a where a.manager = e.manager)
			  left join idmgr.withdrawals w on w.effect_id = e.effect_id
			 where e.live <> (r.rule is not null and w.effect_id is null)
			    or r.rule is not null and (e.until, e.reasons) is distinct from (least(e.ends_at, r.until), r.reasons)
			    or r.rule is not null and e.kind = 'withhold' and (e.audience_kind, e.audience, e.purposes) is distinct from (r.audience_kind, r.audience, r.purposes)
			    or (select array_agg(y order by y) from unnest(e.yields_to) y) is distinct from (
			         select array_agg(y.winner order by y.winner) from (
			           select case when d.outcome = 'grant' then d.source_id else d.against end as winner,
			                  case when d.outcome = 'grant' then d.against else d.source_id end as loser
			             from idmgr.docket d where d.source = 'clash' and d.kind = 'rule') y where y.loser = e.effect_id)
			    or e.kind = 'withhold' and (e.agreement, e.power, e.ground, e.mode, e.ordinary, e.sensitive, e.review_at, e.aspects)
			       is distinct from ('', '', '', '', '', null, e.ends_at, '{}'::text[])`},
		{"act ", "it made nothing: what it made was removed", `
			select a.act_id from idmgr.acts a
			 where not case a.kind
			     when 'draft' then exists (select from idmgr.rule_sets s where s.act_id = a.act_id)
			     when 'activate' then exists (select from idmgr.activations s where s.act_id = a.act_id)
			     when 'grant' then exists (select from idmgr.effects s where s.act_id = a.act_id and s.kind = a.kind and s.manager = a.manager)
			     when 'withhold' then exists (select from idmgr.effects s where s.act_id = a.act_id and s.kind = a.kind and s.manager = a.manager)
			     when 'withdraw' then exists (select from idmgr.withdrawals s where s.act_id = a.act_id)
			     when 'refuse' then true
			     when 'expire' then exists (select from idmgr.erased s where s.act_id = a.act_id)
			     else exists (select from idmgr.case_steps s where s.act_id = a.act_id and s.kind = a.kind and s.at = a.at)
			   end`},
		{"version of rules ", "its rules are another manager's", `
			select s.act_id from idmgr.rule_sets s join idmgr.acts a on a.act_id = s.act_id where a.manager <> s.manager
			union all select s.act_id from idmgr.activations s join idmgr.acts a on a.act_id = s.act_id where a.manager <> s.manager`},
		{"case ", "it was never opened, or not then", `
			select c.case_id from idmgr.cases c
			  left join idmgr.case_steps s on s.case_id = c.case_id and s.ordinal = 0
			 where s.at is distinct from c.at`},
		{"step of case ", "it belongs to no case, or steps before it were removed", `
			select s.case_id from idmgr.case_steps s
			 where not exists (select from idmgr.cases c where c.case_id = s.case_id)
			    or s.ordinal > 0 and not exists (select from idmgr.case_steps b where b.case_id = s.case_id and b.ordinal = s.ordinal - 1)`},
	} {
		ids, err := all(ctx, v.idmgr, q.query+" order by 1", func(r *sql.Rows, id *ident.UntypedID) error { return r.Scan(id) })
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := v.found("identity manager's "+q.place+id.String(), "%s", q.says); err != nil {
				return err
			}
		}
	}
	return nil
}
