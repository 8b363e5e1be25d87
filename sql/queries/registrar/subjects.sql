-- name: InsertSubject :exec
with entered as (
  insert into registrar.subjects (subject_id, register_id, act_id)
  values (sqlc.arg(subject_id)::uuid, sqlc.arg(register_id)::text, sqlc.arg(act_id)::uuid)
  returning subject_id
)
insert into registrar.subject_keys (subject_id, wrapped, wrapped_by)
select subject_id, sqlc.arg(wrapped)::bytea, sqlc.arg(wrapped_by)::text from entered;

-- name: InsertItem :exec
insert into registrar.items (item_id, subject_id, act_id, kind, sealed)
values (sqlc.arg(item_id), sqlc.arg(subject_id), sqlc.arg(act_id), sqlc.arg(kind), sqlc.arg(sealed));

-- What an agency calls an entry, drawn once. Nothing is inserted where it has one.
-- name: InsertEntry :execrows
insert into registrar.entries (entry, subject_id, agency_id, act_id)
values (sqlc.arg(entry), sqlc.arg(subject_id), sqlc.arg(agency_id), sqlc.arg(act_id))
on conflict do nothing;

-- The entry that an agency calls so, in that register.
-- name: FindEntry :one
select s.subject_id, a.at as registered_at, k.wrapped, k.wrapped_by
  from registrar.entries e
  join registrar.subjects s on s.subject_id = registrar.root(e.subject_id)
  join registrar.acts a on a.act_id = s.act_id
  join registrar.subject_keys k on k.subject_id = s.subject_id
 where e.entry = sqlc.arg(entry) and e.agency_id = sqlc.arg(agency_id) and s.register_id = sqlc.arg(register_id);

-- What is known of a person now, in the order in which it was recorded.
-- name: ListItems :many
select i.item_id, i.kind, i.sealed, i.act_id, a.at as recorded_at, a.practitioner_id as recorded_by
  from registrar.items i
  join registrar.acts a on a.act_id = i.act_id
 where i.subject_id = sqlc.arg(subject_id)
   and not exists (select from registrar.superseded u where u.item_id = i.item_id)
 order by a.at, i.item_id;

-- The same entry, which nobody else changes until the transaction ends.
-- name: LockEntry :one
select s.subject_id, a.at as registered_at, k.wrapped, k.wrapped_by
  from registrar.entries e
  join registrar.subjects s on s.subject_id = registrar.root(e.subject_id)
  join registrar.acts a on a.act_id = s.act_id
  join registrar.subject_keys k on k.subject_id = s.subject_id
 where e.entry = sqlc.arg(entry) and e.agency_id = sqlc.arg(agency_id) and s.register_id = sqlc.arg(register_id)
   for update of k;

-- name: Supersede :exec
insert into registrar.superseded (item_id, act_id) values (sqlc.arg(item_id), sqlc.arg(act_id));

-- No row is inserted where another entry has the identifier, by either slot.
-- name: InsertIdentifier :execrows
insert into registrar.identifiers (token, token_b, item_id, oldest, newest)
values (sqlc.narg(token), sqlc.narg(token_b), sqlc.arg(item_id), sqlc.arg(oldest), sqlc.arg(newest))
on conflict do nothing;

-- name: ReleaseIdentifier :exec
delete from registrar.identifiers where item_id = sqlc.arg(item_id);

