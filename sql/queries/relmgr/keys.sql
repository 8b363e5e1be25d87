-- name: FindKeyCheck :one
select check_value from relmgr.key_checks where key_id = @key_id;

-- name: KeepKeyCheck :exec
insert into relmgr.key_checks (key_id, check_value) values (@key_id, @check_value)
on conflict (key_id) do nothing;

-- name: ListKeys :many
-- The keys that this database was filled with. Those that are retired may be
-- gone.
select c.key_id, c.check_value, (r.key_id is not null)::boolean as retired, r.retired_at, r.destroy_after, coalesce(r.revoked, false)::boolean as revoked
  from relmgr.key_checks c left join relmgr.retired_keys r on r.key_id = c.key_id
 order by c.key_id;

-- name: RetireKey :exec
insert into relmgr.retired_keys (key_id, retired_at, destroy_after, revoked)
values (@key_id, @retired_at, @destroy_after, @revoked)
on conflict (key_id) do nothing;

-- name: FindEpochs :one
-- The epochs of a column's tokens, and of the key that wraps its agency's data keys.
select coalesce((select t.reading from relmgr.token_epochs t where t.column_id = @column_id), 1)::int as reading,
       coalesce((select t.writing from relmgr.token_epochs t where t.column_id = @column_id), 1)::int as writing,
       coalesce((select w.epoch from relmgr.wrapping_epochs w where w.agency_id = @agency_id), 1)::int as wrapping;

-- name: WaitBriefly :exec
-- Bounds how long this transaction waits for a lock, and has others wait behind it.
select set_config('lock_timeout', '2s', true);

-- name: LockEpochs :exec
-- Waits for everybody who is storing a handle, and has those who come after wait
-- until this transaction ends.
select pg_advisory_xact_lock(1717660007, 0);

-- name: BeginTokenEpoch :exec
-- From now on writers write the next epoch too.
insert into relmgr.token_epochs as t (column_id, reading, writing) values (@column_id, sqlc.arg(reading)::int, sqlc.arg(reading)::int + 1)
on conflict (column_id) do update set writing = t.reading + 1 where t.reading = excluded.reading and t.writing = excluded.reading;

-- name: SwitchTokenEpoch :exec
-- From now on the next epoch is looked up, and it alone is written. Call it when
-- no handle is left to fill: none can come since the epoch began.
update relmgr.token_epochs t set reading = t.writing
 where t.column_id = @column_id and t.reading = sqlc.arg(reading)::int and t.writing = t.reading + 1;

-- name: CountHandles :one
select count(*) from relmgr.handles where column_id = @column_id and wrapped_by <> '';

-- name: ListToFill :many
-- Handles of a column without a token of the epoch. It waits for nobody: who is
-- left out now is there the next time.
select handle_id, sealed, wrapped_key, wrapped_by from relmgr.handles
 where column_id = @column_id and wrapped_by <> '' and token_epoch < @epoch
   and (sqlc.arg(from_start)::boolean or handle_id > sqlc.arg(after_handle)::uuid)
 order by handle_id
 limit @page_size
   for update skip locked;

-- name: FillTokens :exec
update relmgr.handles h
   set token = case when sqlc.arg(epoch)::int % 2 = 1 then f.token else h.token end,
       token_b = case when sqlc.arg(epoch)::int % 2 = 0 then f.token else h.token_b end,
       token_epoch = sqlc.arg(epoch)::int
  from (select unnest(sqlc.arg(handle_ids)::text[])::uuid as handle_id, unnest(sqlc.arg(tokens)::bytea[]) as token) f
 where h.handle_id = f.handle_id;

-- name: CountToFill :one
select count(*) from relmgr.handles where column_id = @column_id and wrapped_by <> '' and token_epoch < @epoch;

-- name: EmptySlot :many
-- Takes the tokens of the epoch before out of some handles of a column.
with batch as (
  select e.handle_id from relmgr.handles e
   where e.column_id = @column_id and (case when sqlc.arg(epoch)::int % 2 = 1 then e.token_b else e.token end) is not null
     and (sqlc.arg(from_start)::boolean or e.handle_id > sqlc.arg(after_handle)::uuid)
   order by e.handle_id
   limit @page_size
     for update skip locked
)
update relmgr.handles h
   set token = case when sqlc.arg(epoch)::int % 2 = 1 then h.token end,
       token_b = case when sqlc.arg(epoch)::int % 2 = 0 then h.token_b end
  from batch where h.handle_id = batch.handle_id
returning h.handle_id;

-- name: CountToEmpty :one
select count(*) from relmgr.handles
 where column_id = @column_id and (case when sqlc.arg(epoch)::int % 2 = 1 then token_b else token end) is not null;

-- name: BeginWrappingEpoch :exec
-- From now on new data keys of the agency are wrapped by its next key.
insert into relmgr.wrapping_epochs as w (agency_id, epoch) values (@agency_id, sqlc.arg(epoch)::int + 1)
on conflict (agency_id) do update set epoch = w.epoch + 1 where w.epoch = sqlc.arg(epoch)::int;

-- name: ListToRewrap :many
-- Handles whose data key other keys of the agency wrap than its newest.
select handle_id, wrapped_key, wrapped_by from relmgr.handles
 where wrapped_by = any(sqlc.arg(key_ids)::text[])
   and (sqlc.arg(from_start)::boolean or handle_id > sqlc.arg(after_handle)::uuid)
 order by handle_id
 limit @page_size
   for update skip locked;

-- name: Rewrap :exec
update relmgr.handles h set wrapped_key = f.wrapped_key, wrapped_by = sqlc.arg(wrapped_by)::text
  from (select unnest(sqlc.arg(handle_ids)::text[])::uuid as handle_id, unnest(sqlc.arg(wrapped_keys)::bytea[]) as wrapped_key) f
 where h.handle_id = f.handle_id;

-- name: CountWrapped :one
select count(*) from relmgr.handles where wrapped_by = any(sqlc.arg(key_ids)::text[]);

-- name: FindBackupDays :one
-- How long backups are kept, and retired keys for them; terms of before the
-- setting say nothing of it.
select coalesce((select (t.document->'settings'->>'backup_days')::int from governance.published_terms t order by t.version desc limit 1), 30)::int as days;

-- name: FindRecordEpoch :one
-- The epoch of the key that wraps the keys of new contents.
select coalesce(max(epoch), 1)::int as epoch from relmgr.record_epochs;

-- name: BeginRecordEpoch :exec
insert into relmgr.record_epochs (epoch, begun_at) values (@epoch, @begun_at) on conflict do nothing;

-- name: ListRecordsToRewrap :many
-- Contents whose key another epoch wraps than that of the prefix. It waits for
-- nobody: who is left out now is there the next time, or erased.
select record_id, wrapped from relmgr.content_keys
 where substring(wrapped from 1 for octet_length(sqlc.arg(prefix)::bytea)) <> sqlc.arg(prefix)::bytea
   and (sqlc.arg(from_start)::boolean or record_id > sqlc.arg(after_record)::uuid)
 order by record_id
 limit @page_size
   for update skip locked;

-- name: RewrapRecords :exec
update relmgr.content_keys k set wrapped = f.wrapped
  from (select unnest(sqlc.arg(record_ids)::text[])::uuid as record_id, unnest(sqlc.arg(wrapped)::bytea[]) as wrapped) f
 where k.record_id = f.record_id;

-- name: CountRecords :one
-- Contents whose key the epoch of the prefix wraps, or another one does.
select count(*) from relmgr.content_keys
 where (substring(wrapped from 1 for octet_length(sqlc.arg(prefix)::bytea)) = sqlc.arg(prefix)::bytea) = sqlc.arg(same)::boolean;
