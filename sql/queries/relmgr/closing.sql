-- name: ListToReturn :many
-- What a column holds, in the order of handles, after that of the cursor. A
-- handle without a wrapped key has been destroyed.
select h.handle_id, h.sealed, h.wrapped_key, h.wrapped_by, (c.handle_id is not null)::boolean as published,
       coalesce(c.role, '')::text as role, coalesce(d.purposes, '{}')::text[] as purposes, d.until
  from relmgr.handles h
  left join relmgr.cells c on c.handle_id = h.handle_id
  left join relmgr.decisions d on d.decision_id = c.decision_id
 where h.column_id = @column_id and h.wrapped_by <> '' and (sqlc.arg(from_start)::boolean or h.handle_id > sqlc.arg(after_handle)::uuid)
 order by h.handle_id
 limit @page_size;

-- name: RecordExport :exec
insert into relmgr.exports (act_id, column_id, agency_id, at, handles, whole)
values (@act_id, @column_id, @agency_id, @at, @handles, @whole);

-- name: FindReturned :one
-- When the last page of a column was returned.
select max(at)::timestamptz as at from relmgr.exports where column_id = @column_id and whole having max(at) is not null;

-- name: CountHeld :one
select count(*) filter (where h.wrapped_by <> '') as handles,
       count(c.handle_id) filter (where h.wrapped_by <> '') as relationships
  from relmgr.handles h left join relmgr.cells c on c.handle_id = h.handle_id
 where h.column_id = @column_id;

-- name: DestroyColumn :exec
-- What a column calls people is gone, and its cells and anchors with it. The handles stay as
-- the vertices that rows are made of: nothing finds them, and nobody can open
-- them.
with cells as (
  delete from relmgr.cells c where c.column_id = @column_id
), anchors as (
  delete from relmgr.anchors a using relmgr.handles o where o.handle_id = a.handle_id and o.column_id = @column_id
)
update relmgr.handles h
   set token = null, token_b = null, sealed = '', wrapped_key = '', wrapped_by = ''
 where h.column_id = @column_id and h.wrapped_by <> '';

-- name: RecordDestruction :exec
insert into relmgr.destructions (act_id, column_id, agency_id, at, returned_at, handles, relationships)
values (@act_id, @column_id, @agency_id, @at, @returned_at, @handles, @relationships);

-- name: FindDestruction :one
select d.at, d.returned_at, d.handles, d.relationships, r.reference_id, a.commitment
  from relmgr.destructions d
  join relmgr.acts a on a.act_id = d.act_id
  join relmgr.act_references r on r.act_id = d.act_id and r.agency_id = d.agency_id
 where d.column_id = @column_id and d.agency_id = @agency_id
 order by d.at desc
 limit 1;
