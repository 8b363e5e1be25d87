-- Whoever writes waits for whoever is writing: positions are committed in their
-- order, so that nobody who reads on from a position misses a record.
-- name: WaitForTurn :exec
select pg_advisory_xact_lock(5136284409132);

-- What was recorded after a position, whosesoever it is. A record whose key was
-- taken is left out.
-- name: ReadOn :many
select r.position, r.record_id, r.commitment, r.sealed, k.wrapped
  from idmgr.records r
  join idmgr.content_keys k on k.record_id = r.record_id
 where r.position > sqlc.arg(after)
 order by r.position
 limit sqlc.arg(most);

-- The record, its key and its commitment for the ledger: all of them or none.
-- name: AppendRecord :exec
with content_key as (
  insert into idmgr.content_keys (record_id, wrapped)
  values (sqlc.arg(record_id)::uuid, sqlc.arg(wrapped_key)::bytea)
), inbox as (
  insert into ledger.pending (commitment)
  values (sqlc.arg(commitment)::bytea)
)
insert into idmgr.records (record_id, commitment, sealed)
values (sqlc.arg(record_id), sqlc.arg(commitment), sqlc.arg(sealed));

-- name: FindKeyCheck :one
select check_value from idmgr.key_checks where manager = sqlc.arg(manager);

-- name: KeepKeyCheck :exec
insert into idmgr.key_checks (manager, check_value) values (sqlc.arg(manager), sqlc.arg(check_value))
on conflict (manager) do nothing;
