-- name: ListEscalations :many
-- What has become due and is no case yet.
select e.source, e.source_id, e.against, e.agencies::text[] as agencies, e.due_at
  from relmgr.escalations e
 where e.due_at <= @at
   and not exists (select from idmgr.cases c where c.source = e.source and c.source_id = e.source_id and c.against is not distinct from e.against)
 order by e.due_at
 limit 100;

-- name: OpenCase :execrows
-- Succeeds once, however many are at it.
insert into idmgr.cases (case_id, source, source_id, against, at, agencies)
values (@case_id, @source, @source_id, @against, @at, @agencies)
on conflict do nothing;

-- name: InsertStep :exec
insert into idmgr.case_steps (case_id, ordinal, act_id, kind, level, at, due_at, outcome, reason)
values (@case_id, @ordinal, @act_id, @kind, @level, @at, @due_at, nullif(sqlc.arg(outcome)::text, ''), nullif(sqlc.arg(reason)::text, ''));

-- name: InsertCaseReference :exec
insert into idmgr.case_references (reference_id, case_id, agency_id) values (@reference_id, @case_id, @agency_id)
on conflict do nothing;

-- name: ListOverdue :many
-- Cases that nobody has ruled on in time, and that can still move up.
select * from idmgr.docket d
 where d.kind in ('open', 'move-up', 'appeal') and d.due_at <= @at and d.level < sqlc.arg(last_level)::int
 order by d.due_at
 limit 100;

-- name: ListSettled :many
-- Cases that nobody has ruled on, whose source has been seen to since.
select d.* from idmgr.docket d
 where d.kind in ('open', 'move-up', 'appeal') and d.source in ('dispute', 'joint-refused', 'emergency-unreviewed')
   and not exists (select from relmgr.escalations e where e.source = d.source and e.source_id = d.source_id)
 limit 100;

-- name: ListWithdrawnClashes :many
-- Clashes that nobody has ruled on, of which one side is over.
select d.* from idmgr.docket d
  join idmgr.effects g on g.effect_id = d.source_id
  join idmgr.effects w on w.effect_id = d.against
 where d.kind in ('open', 'move-up', 'appeal') and d.source = 'clash'
   and (not g.live or not w.live or g.until <= sqlc.arg(at)::timestamptz or w.until <= sqlc.arg(at)::timestamptz)
 limit 100;

-- name: FindCase :one
-- A case by what the caller's agency calls it, held until this transaction ends.
select c.case_id, c.source, c.source_id, c.against, c.agencies, d.ordinal, d.kind, d.level, d.due_at, coalesce(d.outcome, '')::text as outcome
  from idmgr.case_references r
  join idmgr.cases c on c.case_id = r.case_id
  join idmgr.docket d on d.case_id = c.case_id
 where r.reference_id = @reference_id and r.agency_id = @agency_id;

-- name: ListCases :many
-- The cases of which an agency has a reference, those first that are due first.
select r.reference_id, d.*, coalesce(g.manager, '')::text as granter, g.handle_id, coalesce(g.column_id, '')::text as granted_column,
       coalesce(w.manager, '')::text as withholder, w.handle_id as handle_b, coalesce(w.column_id, '')::text as withheld_column
  from idmgr.case_references r
  join idmgr.docket d on d.case_id = r.case_id
  left join idmgr.effects g on g.effect_id = d.source_id and d.source = 'clash'
  left join idmgr.effects w on w.effect_id = d.against
 where r.agency_id = @agency_id
 order by d.due_at, r.reference_id
 limit 500;

-- name: ListCaseSteps :many
select s.kind, s.level, s.at, s.due_at, coalesce(s.outcome, '')::text as outcome, coalesce(s.reason, '')::text as reason, a.practitioner_id, a.agency_id
  from idmgr.case_steps s
  join idmgr.acts a on a.act_id = s.act_id
 where s.case_id = @case_id
 order by s.ordinal;

-- name: Yield :exec
-- By a ruling one effect gives way to another: and no more, where it is appealed
-- against or overturned.
update idmgr.effects
   set yields_to = case when effect_id = sqlc.arg(loser)::uuid then array_append(array_remove(yields_to, sqlc.arg(winner)::uuid), sqlc.arg(winner)::uuid)
                        else array_remove(yields_to, sqlc.arg(loser)::uuid) end
 where effect_id in (sqlc.arg(loser)::uuid, sqlc.arg(winner)::uuid);

-- name: Unyield :exec
update idmgr.effects
   set yields_to = array_remove(array_remove(yields_to, sqlc.arg(a)::uuid), sqlc.arg(b)::uuid)
 where effect_id in (sqlc.arg(a)::uuid, sqlc.arg(b)::uuid);

-- name: CountCases :many
-- How many cases wait, by where they came from and at which level, and since when the
-- oldest does.
select source, level, count(*) as cases, min(opened_at)::timestamptz as oldest, (count(*) filter (where due_at <= sqlc.arg(at)::timestamptz))::bigint as overdue
  from idmgr.docket where kind in ('open', 'move-up', 'appeal')
 group by source, level;
