-- name: ListMyEffects :many
-- What a manager does on handles of a person, of what they may be told, the newest first.
select e.effect_id, e.kind, e.manager, e.column_id, e.rule, e.authority, e.starts_at, e.audience_kind, e.audience, e.purposes, e.reasons, e.until, e.live,
       (w.effect_id is not null)::boolean as withdrawn, (cardinality(e.yields_to) > 0)::boolean as overruled
  from idmgr.effects_told e
  left join idmgr.withdrawals w on w.effect_id = e.effect_id
 where e.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) and e.manager = @manager
   and (not sqlc.arg(by_others)::boolean or e.told_to_others)
 order by e.starts_at desc, e.effect_id
 limit 500;

-- name: ListMyCases :many
-- Cases between what managers do on handles of a person, where they may be told of both.
select distinct c.case_id, c.at as opened_at, s.kind, s.level, s.due_at, coalesce(s.outcome, '')::text as outcome
  from idmgr.effects_told g
  join idmgr.cases c on c.source = 'clash' and c.source_id = g.effect_id
  join idmgr.effects_told w on w.effect_id = c.against
  join lateral (select l.kind, l.level, l.due_at, l.outcome from idmgr.case_steps l where l.case_id = c.case_id order by l.ordinal desc limit 1) s on true
 where g.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) and w.handle_id = any(sqlc.arg(handles)::text[]::uuid[])
   and (not sqlc.arg(by_others)::boolean or g.told_to_others and w.told_to_others)
 order by c.at desc, c.case_id
 limit 500;
