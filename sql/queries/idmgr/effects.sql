-- name: AppendAct :exec
-- The act, the key of its content and its commitment for the ledger: all or none.
with content_key as (
  insert into idmgr.content_keys (record_id, wrapped) values (sqlc.arg(act_id)::uuid, sqlc.arg(wrapped_key)::bytea)
), inbox as (
  insert into ledger.pending (commitment) values (sqlc.arg(commitment)::bytea)
)
insert into idmgr.acts (act_id, kind, at, manager, practitioner_id, agency_id, role, terms_version, commitment, sealed)
values (sqlc.arg(act_id), @kind, @at, @manager, @practitioner_id, @agency_id, @role, @terms_version, sqlc.arg(commitment), @sealed);

-- name: WaitForManager :exec
-- Whoever changes a manager's rules, or puts an effect under one, waits for whoever is
-- at it.
select pg_advisory_xact_lock(hashtextextended('identity manager ' || sqlc.arg(manager)::text, 0));

-- name: NewestVersions :one
-- The newest version of a manager's rules, and the one that holds; 0 for none.
select coalesce((select max(version) from idmgr.rule_sets r where r.manager = sqlc.arg(manager)), 0)::int as newest,
       coalesce((select max(version) from idmgr.activations a where a.manager = sqlc.arg(manager)), 0)::int as live;

-- name: InsertRuleSet :exec
insert into idmgr.rule_sets (manager, version, act_id) values (@manager, @version, @act_id);

-- name: InsertRule :exec
insert into idmgr.rules (manager, version, rule, kind, audience_kind, audience, purposes, reasons, authority, until)
values (@manager, @version, @rule, @kind, @audience_kind, @audience, @purposes, @reasons, @authority, @until);

-- name: ListRules :many
select version, rule, kind, audience_kind, audience, purposes, reasons, authority, until
  from idmgr.rules where manager = @manager and version = any(sqlc.arg(versions)::int[])
 order by version, rule;

-- name: ListRuleSets :many
-- The versions of a manager's rules, the newest first, each with who made it and who
-- had it go live.
select s.version, m.at, m.practitioner_id, l.at as live_at, coalesce(l.practitioner_id, '')::text as live_by
  from idmgr.rule_sets s
  join idmgr.acts m on m.act_id = s.act_id
  left join idmgr.activations a on a.manager = s.manager and a.version = s.version
  left join idmgr.acts l on l.act_id = a.act_id
 where s.manager = @manager
 order by s.version desc
 limit 100;

-- name: Activate :exec
insert into idmgr.activations (manager, version, act_id) values (@manager, @version, @act_id);

-- name: Follow :exec
-- Brings a manager's effects to the version that has gone live: a withholding says what
-- its rule says now, and what has lost its rule is over.
update idmgr.effects e
   set live = r.rule is not null and w.effect_id is null,
       audience_kind = case when e.kind = 'withhold' and r.rule is not null then r.audience_kind else e.audience_kind end,
       audience = case when e.kind = 'withhold' and r.rule is not null then r.audience else e.audience end,
       purposes = case when e.kind = 'withhold' and r.rule is not null then r.purposes else e.purposes end,
       reasons = case when r.rule is not null then r.reasons else e.reasons end,
       until = case when r.rule is not null then least(e.ends_at, r.until) else e.until end
  from idmgr.effects o
  left join idmgr.rules r on r.manager = o.manager and r.rule = o.rule and r.kind = o.kind and r.version = sqlc.arg(version)
  left join idmgr.withdrawals w on w.effect_id = o.effect_id
 where o.effect_id = e.effect_id and e.manager = sqlc.arg(manager);

-- name: InsertEffect :exec
insert into idmgr.effects (effect_id, act_id, manager, kind, rule, version, handle_id, column_id, starts_at, ends_at, evidence, token_hash,
                           agreement, power, ground, mode, aspects, ordinary, sensitive, review_at, audience_kind, audience, purposes, reasons, until)
values (@effect_id, @act_id, @manager, @kind, @rule, @version, @handle_id, @column_id, @starts_at, @ends_at, nullif(sqlc.arg(evidence)::text, ''), @token_hash,
        @agreement, @power, @ground, @mode, @aspects, @ordinary, nullif(sqlc.arg(sensitive)::text, ''), @review_at, @audience_kind, @audience, @purposes, @reasons, @until);

-- name: ListEffects :many
-- A column's grants or withholdings of one manager, the newest first.
select e.effect_id, e.handle_id, e.rule, e.version, e.starts_at, e.audience_kind, e.audience, e.purposes, e.reasons, e.until, e.live,
       (w.effect_id is not null)::boolean as withdrawn, cardinality(e.yields_to) > 0 as overruled
  from idmgr.effects e
  left join idmgr.withdrawals w on w.effect_id = e.effect_id
 where e.column_id = @column_id and e.manager = @manager and e.kind = @kind
 order by e.starts_at desc, e.effect_id
 limit 500;

-- name: FindEffect :one
select e.effect_id, e.manager, e.kind, e.handle_id, e.column_id, e.agreement, e.audience_kind, e.audience, a.practitioner_id, w.act_id as withdrawn_by
  from idmgr.effects e
  join idmgr.acts a on a.act_id = e.act_id
  left join idmgr.withdrawals w on w.effect_id = e.effect_id
 where e.effect_id = @effect_id;

-- name: WithdrawEffect :exec
-- At once, and for good.
with gone as (
  insert into idmgr.withdrawals (effect_id, act_id) values (sqlc.arg(effect_id)::uuid, sqlc.arg(act_id)::uuid)
)
update idmgr.effects e set live = false where e.effect_id = sqlc.arg(effect_id)::uuid;

-- name: ListAsked :many
-- What was asked since a day, and how often.
select column_id, purpose, reason, emergency, sum(enquiries)::bigint as enquiries
  from relmgr.asked where day >= @since
 group by 1, 2, 3, 4
 order by 5 desc, 1, 2, 3, 4
 limit 500;
