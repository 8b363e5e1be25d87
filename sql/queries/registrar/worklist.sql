-- name: Unsearched :exec
insert into registrar.unsearched (subject_id) values (sqlc.arg(subject_id)) on conflict do nothing;

-- name: TakeUnsearched :many
with taken as (
  select n.subject_id
    from registrar.unsearched n
    join registrar.subjects e on e.subject_id = n.subject_id
    join registrar.registers g on g.register_id = e.register_id
   where g.registrar = sqlc.arg(registrar)
   order by n.subject_id limit sqlc.arg(most) for update of n skip locked
), gone as (
  delete from registrar.unsearched u using taken where u.subject_id = taken.subject_id
)
select s.subject_id, s.register_id from registrar.subjects s where s.subject_id in (select taken.subject_id from taken);

-- Nothing is put where it was put before, whatever a person made of it.
-- name: PutTask :execrows
insert into registrar.tasks (task_id, kind, register_id, subject_a, subject_b, recognition_id, act_id, found_at, priority)
values (sqlc.arg(task_id), sqlc.arg(kind), sqlc.arg(register_id), sqlc.arg(subject_a), sqlc.arg(subject_b), sqlc.arg(recognition_id),
        sqlc.arg(act_id), sqlc.arg(found_at), sqlc.arg(priority))
on conflict do nothing;

-- How many of each kind are open, and since when.
-- name: CountTasks :many
select t.kind, count(*) as open, min(t.found_at)::timestamptz as oldest
  from registrar.tasks t
 where t.register_id = sqlc.arg(register_id) and not exists (select from registrar.decided d where d.task_id = t.task_id)
 group by t.kind order by t.kind;

-- What concerned somebody who was erased is not there any more.
-- name: ListTasks :many
select t.task_id, t.kind, t.subject_a, t.subject_b, t.recognition_id, t.found_at, t.priority, coalesce(t.owner, '')::text as owner, coalesce(d.outcome, '')::text as outcome,
       d.act_id as resolution
  from registrar.tasks t
  left join registrar.decided d on d.task_id = t.task_id
 where t.register_id = sqlc.arg(register_id) and (d.act_id is null) = sqlc.arg(open)::bool
   and not exists (select from registrar.erasures z where z.subject_id in (t.subject_a, t.subject_b) and z.obligation is null)
 order by t.priority desc, t.task_id
 limit sqlc.arg(most);

-- A task, which nobody else decides on until the transaction ends.
-- name: LockTask :one
select t.task_id, t.kind, t.subject_a, t.subject_b, t.recognition_id
  from registrar.tasks t
 where t.task_id = sqlc.arg(task_id) and t.register_id = sqlc.arg(register_id)
   and not exists (select from registrar.erasures z where z.subject_id in (t.subject_a, t.subject_b) and z.obligation is null)
   for update of t;

-- name: FindDecided :one
select d.act_id, d.outcome, d.survivor from registrar.decided d where d.task_id = sqlc.arg(task_id);

-- name: SetOwner :exec
update registrar.tasks set owner = sqlc.arg(owner)::text where task_id = sqlc.arg(task_id);

-- name: InsertResolution :exec
insert into registrar.resolutions (act_id, task_id, outcome, survivor) values (sqlc.arg(act_id), sqlc.arg(task_id), sqlc.arg(outcome), sqlc.arg(survivor));

-- name: InsertReopening :exec
insert into registrar.reopenings (resolution_id, act_id) values (sqlc.arg(resolution_id), sqlc.arg(act_id));

-- The entries of one person, the one that survives first, with their keys: nobody else
-- changes them until the transaction ends.
-- name: LockMembers :many
select k.subject_id, k.wrapped, k.wrapped_by
  from registrar.subject_keys k
 where k.subject_id = any(registrar.members(sqlc.arg(root)::uuid))
 order by k.subject_id
   for update of k;

-- name: ListMembers :many
select k.subject_id, k.wrapped, k.wrapped_by
  from registrar.subject_keys k
 where k.subject_id = any(registrar.members(sqlc.arg(root)::uuid))
 order by k.subject_id;

-- name: Root :one
select registrar.root(sqlc.arg(subject)::uuid)::uuid as subject_id;

-- name: DropProfile :exec
delete from registrar.profiles where subject_id = sqlc.arg(subject_id);

-- name: ShieldsOf :many
select s.act_id from registrar.shields s
 where s.subject_id = sqlc.arg(subject_id) and not exists (select from registrar.unshields u where u.shield_id = s.act_id);

-- Whether somebody is shielded, or may be who is.
-- name: IsShielded :one
select exists (select from registrar.shielded x where x.subject_id = any(registrar.members(sqlc.arg(root)::uuid)))::bool as is;

-- Who got an entry by an act.
-- name: ListEnteredBy :many
select subject_id from registrar.subjects where act_id = sqlc.arg(act_id);

-- name: InsertShield :exec
insert into registrar.shields (act_id, subject_id) values (sqlc.arg(act_id), sqlc.arg(subject_id));

-- name: InsertUnshield :exec
insert into registrar.unshields (shield_id, act_id) values (sqlc.arg(shield_id), sqlc.arg(act_id));

-- Of whom, if of anybody, somebody was told by a recognition of theirs.
-- name: FindOwnRecognition :one
select r.recognition_id, r.subject_id, r.outcome, r.confidence, a.agency_id, coalesce(d.outcome, '')::text as decided, d.subject_a as accepted
  from registrar.recognitions r
  join registrar.acts a on a.act_id = r.act_id
  left join registrar.decided d on d.recognition_id = r.recognition_id and d.outcome in ('accepted', 'wrong')
 where r.recognition_id = sqlc.arg(recognition_id) and r.register_id = sqlc.arg(register_id)
   and (a.practitioner_id = sqlc.arg(practitioner)::text or sqlc.arg(keeps)::bool)
   and not exists (select from registrar.erasures z where z.subject_id = r.subject_id and z.obligation is null);

-- The agency that made a recognition, and whom it named.
-- name: FindAsker :one
select a.agency_id, r.subject_id from registrar.recognitions r join registrar.acts a on a.act_id = r.act_id
 where r.recognition_id = sqlc.arg(recognition_id);

-- The counts that a register publishes of itself.
-- name: CountOutcomes :many
select ('recognition ' || r.outcome)::text as what, count(*) as n from registrar.recognitions r where r.register_id = sqlc.arg(register_id) group by r.outcome
union all
select (t.kind || case when d.act_id is null then ' open' else ' ' || d.outcome end)::text, count(*)
  from registrar.tasks t left join registrar.decided d on d.task_id = t.task_id where t.register_id = sqlc.arg(register_id) group by 1
union all
select 'duplicate reported'::text, count(*) from registrar.tasks t where t.register_id = sqlc.arg(register_id) and t.kind = 'duplicate' and t.act_id is not null
union all
select 'duplicate same-person reported'::text, count(*) from registrar.tasks t join registrar.decided d on d.task_id = t.task_id
 where t.register_id = sqlc.arg(register_id) and d.outcome = 'same-person' and t.act_id is not null
order by 1;
