-- name: FindHandle :one
-- The handle of an identifier of a column, by its token.
select handle_id, row_id from relmgr.handles where column_id = @column_id and token = @token;

-- name: KeepHandle :exec
-- Makes the handle unless the identifier has one. Read it back with FindHandle:
-- another writer may have been first.
insert into relmgr.handles (handle_id, column_id, token, sealed, wrapped_key, wrapped_by, row_id)
values (@handle_id, @column_id, @token, @sealed, @wrapped_key, @wrapped_by, @row_id)
on conflict (column_id, token) do nothing;

-- name: FindHandleColumn :one
select column_id from relmgr.handles where handle_id = @handle_id;

-- name: FindSealed :one
-- What only the controlling agency's key opens.
select column_id, sealed, wrapped_key, wrapped_by from relmgr.handles where handle_id = @handle_id;

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

-- name: FindKeyCheck :one
select check_value from relmgr.key_checks where key_id = @key_id;

-- name: KeepKeyCheck :exec
insert into relmgr.key_checks (key_id, check_value) values (@key_id, @check_value)
on conflict (key_id) do nothing;

-- name: ListKeyChecks :many
select key_id, check_value from relmgr.key_checks order by key_id;
