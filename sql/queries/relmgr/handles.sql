-- name: FindHandle :one
-- The handle of an identifier of a column, if it has one, by its token of the
-- epoch that is looked up. Which epoch that is comes with it, always.
select coalesce(t.reading, 1)::int as reading, h.handle_id, h.row_id
  from (select sqlc.arg(column_id)::text as column_id) a
  left join relmgr.token_epochs t on t.column_id = a.column_id
  left join lateral (
    select o.handle_id, o.row_id from relmgr.handles o
     where o.column_id = a.column_id and o.token = sqlc.arg(token)::bytea and coalesce(t.reading, 1) % 2 = 1
    union all
    select e.handle_id, e.row_id from relmgr.handles e
     where e.column_id = a.column_id and e.token_b = sqlc.arg(token_b)::bytea and coalesce(t.reading, 1) % 2 = 0
  ) h on true;

-- name: KeepHandle :exec
-- Makes the handle unless the identifier has one, by a token of any epoch. Read
-- it back with FindHandle: another writer may have been first.
insert into relmgr.handles (handle_id, column_id, token, token_b, token_epoch, sealed, wrapped_key, wrapped_by, row_id)
values (@handle_id, @column_id, @token, @token_b, @token_epoch, @sealed, @wrapped_key, @wrapped_by, @row_id)
on conflict do nothing;

-- name: HoldHandle :one
-- Keeps a handle from being moved or erased until this transaction ends. No row:
-- it was erased since it was found.
select handle_id from relmgr.handles where handle_id = @handle_id and wrapped_by <> '' for key share;

-- name: FindHandleColumn :one
select column_id from relmgr.handles where handle_id = @handle_id and wrapped_by <> '';

-- name: FindSealed :one
-- What only the controlling agency's key opens.
select column_id, sealed, wrapped_key, wrapped_by from relmgr.handles where handle_id = @handle_id and wrapped_by <> '';

-- name: LockRows :many
-- Every handle of the rows, locked in the order of ids so that two writers
-- never wait for each other in a circle. No key changes, and the lock must not
-- wait for those who only refer to a handle: they may be waiting for this one.
select handle_id, row_id from relmgr.handles
 where row_id = any(sqlc.arg(row_ids)::text[]::uuid[])
 order by handle_id
   for no key update;

-- name: ListRowIDs :many
select distinct row_id from relmgr.handles where handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[]);

-- name: MoveToRows :exec
-- Puts handles on rows. It runs for every act, moving none for most.
update relmgr.handles h set row_id = m.row_id
  from (select unnest(sqlc.arg(handle_ids)::text[])::uuid as handle_id, unnest(sqlc.arg(row_ids)::text[])::uuid as row_id) m
 where h.handle_id = m.handle_id;

