-- name: ListToErase :many
-- The records of an agency about a handle whose contents are there, in an order
-- that tells nothing: its acts, its enquiries, and what it declared. What another
-- agency recorded is that one's.
select about.record_id, about.commitment, relmgr.rest_of(about.record_id)::bytea as rest
  from (select a.act_id::uuid as record_id, a.commitment
          from relmgr.acts a
         where a.agency_id = @agency_id
           and a.act_id in (select ah.act_id from relmgr.act_handles ah where ah.handle_id = @handle_id
                            union
                            select d.act_id from relmgr.decisions d where d.handle_id = @handle_id and d.outcome = 'refused')
           and not exists (select from relmgr.erasures z where z.act_id = a.act_id)
        union all
        select e.enquiry_id, e.commitment from relmgr.enquiries e where e.handle_id = @handle_id and e.agency_id = @agency_id
        union all
        select d.declaration_id, d.commitment from relmgr.declarations d
         where d.declaration_id = any(sqlc.arg(declarations)::text[]::uuid[])) about
  join relmgr.content_keys k on k.record_id = about.record_id
 order by about.commitment;

-- name: RecordErasure :exec
insert into relmgr.erasures (act_id, handle_id, column_id, keeps, obligation, complete_at)
values (@act_id, @handle_id, @column_id, nullif(sqlc.arg(keeps)::text, ''), nullif(sqlc.arg(obligation)::text, ''), @complete_at);

-- name: EraseContents :exec
-- Takes the keys of these records, with the offers and idempotency keys of those
-- that are acts, and names their leaves.
with gone as (
  select unnest(sqlc.arg(record_ids)::text[])::uuid as record_id
), keys as (
  delete from relmgr.content_keys k using gone where k.record_id = gone.record_id
), offers as (
  delete from relmgr.offers o using gone where o.act_id = gone.record_id
), replays as (
  delete from relmgr.replays r using gone where r.act_id = gone.record_id
)
insert into relmgr.erased (commitment, rest, act_id)
select l.commitment, l.rest, @act_id
  from (select unnest(sqlc.arg(commitments)::bytea[]) as commitment, unnest(sqlc.arg(rests)::bytea[]) as rest) l;

-- name: EraseHandle :exec
-- What the handle was called is gone, and its cell and anchors with it. It stays as a vertex
-- that rows are made of: nothing finds it, and nobody can open it.
with cell as (
  delete from relmgr.cells c where c.handle_id = @handle_id
), anchors as (
  delete from relmgr.anchors a where a.handle_id = @handle_id
), ties as (
  delete from relmgr.ties t where t.handle_id = @handle_id
)
update relmgr.handles h
   set token = null, token_b = null, sealed = '', wrapped_key = '', wrapped_by = ''
 where h.handle_id = @handle_id;

-- name: CountUnjudged :one
-- Emergencies declared about a handle that nobody has judged.
select count(*)
  from relmgr.enquiries e
  join relmgr.reviews v on v.enquiry_id = e.enquiry_id and v.cause = 'emergency'
 where e.handle_id = @handle_id and e.emergency
   and not exists (select from relmgr.review_outcomes o where o.review_id = v.review_id);

-- name: CountUnruled :one
-- Objections of the person of a handle that nobody has ruled on.
select count(*)
  from relmgr.objections o
  join relmgr.act_handles ah on ah.act_id = o.act_id
 where ah.handle_id = @handle_id and o.agency_id = @agency_id
   and not exists (select from relmgr.rulings v where v.objection_id = o.act_id);

-- name: FindErasure :one
-- What an erasure came to, as its maker's agency knows it.
select r.reference_id, a.at, a.commitment, z.column_id, coalesce(z.keeps, '')::text as keeps, coalesce(z.obligation, '')::text as obligation,
       z.complete_at, (select count(*) from relmgr.erased x where x.act_id = z.act_id)::bigint as records
  from relmgr.act_references r
  join relmgr.erasures z on z.act_id = r.act_id
  join relmgr.acts a on a.act_id = z.act_id
 where r.reference_id = @reference_id and r.agency_id = @agency_id;
