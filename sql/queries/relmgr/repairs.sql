-- name: ListPublishedRepairs :many
-- What registrars have found to be wrong: ids of their statements and recognitions.
select registrar, statement_id from registrar.published_repairs order by registrar, statement_id;

-- name: ListRelying :many
-- What rests on these and has not been taken up: acts, and enquiries.
with wrong as (
  select unnest(sqlc.arg(registrars)::text[]) as registrar, unnest(sqlc.arg(statements)::text[])::uuid as statement_id, unnest(sqlc.arg(hashes)::bytea[]) as hash
), relying as (
  select s.act_id as record_id, w.registrar from wrong w join relmgr.statements s on s.registrar = w.registrar and s.statement_id = w.statement_id
  union
  select u.record_id, w.registrar from wrong w join relmgr.recognitions_used u on u.recognition_hash = w.hash
)
select r.record_id, r.registrar::text as registrar, coalesce(a.agency_id, e.agency_id)::text as agency_id, (a.act_id is not null)::boolean as is_act
  from relying r
  left join relmgr.acts a on a.act_id = r.record_id
  left join relmgr.enquiries e on e.enquiry_id = r.record_id
 where (a.act_id is not null or e.enquiry_id is not null)
   and not exists (select from relmgr.repairs p where p.record_id = r.record_id)
 order by r.record_id;

-- name: TakeRepair :execrows
insert into relmgr.repairs (record_id, act_id)
values (sqlc.arg(record_id)::uuid, nullif(sqlc.arg(act_id)::uuid, '00000000-0000-0000-0000-000000000000'))
on conflict (record_id) do nothing;

-- name: ListSuspended :many
-- Acts that repairs suspend and nobody has looked at, with what they rested on.
select p.record_id::uuid as record_id, p.act_id::uuid as act_id, a.agency_id::text as agency_id,
       coalesce(s.registrar, '')::text as registrar, coalesce(s.statement_id::text, '')::text as statement_id, u.recognition_hash
  from relmgr.repairs p
  join relmgr.acts a on a.act_id = p.record_id
  left join relmgr.statements s on s.act_id = p.record_id
  left join relmgr.recognitions_used u on u.record_id = p.record_id
 where p.act_id is not null and not exists (select from relmgr.undoings w where w.undoes = p.act_id)
 order by p.record_id;

-- name: LiftRepair :execrows
-- A registrar has taken its word back: what it says anew is taken up anew.
delete from relmgr.repairs where record_id = sqlc.arg(record_id)::uuid and act_id = sqlc.arg(act_id)::uuid;

-- name: ReviewRepaired :exec
insert into relmgr.reviews (enquiry_id, cause, agency_id, opened_at, due_at)
values (sqlc.arg(enquiry_id), 'repair', sqlc.arg(agency_id), sqlc.arg(at), sqlc.arg(due_at))
on conflict do nothing;

-- name: ListRepairs :many
-- What is suspended and waits for somebody of the agency to look: its acts that a repair
-- undoes, where nobody has withdrawn that, nor ended the act otherwise.
select r.reference_id, a.at, m.kind, mine.reference_id as suspends
  from relmgr.repairs p
  join relmgr.acts a on a.act_id = p.act_id
  join relmgr.act_references r on r.act_id = a.act_id and r.agency_id = @agency_id
  join relmgr.acts m on m.act_id = p.record_id
  join relmgr.act_references mine on mine.act_id = m.act_id and mine.agency_id = @agency_id
 where not exists (select from relmgr.undoings w where w.undoes = a.act_id)
   and not exists (select from relmgr.undoings w where w.undoes = m.act_id and w.act_id <> a.act_id
                      and not exists (select from relmgr.undoings u where u.undoes = w.act_id)) -- such as a repair that was lifted
 order by a.at, r.reference_id
 limit @page_size;
