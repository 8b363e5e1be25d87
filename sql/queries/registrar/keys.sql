-- The epochs of a registrar's tokens.
-- name: FindTokenEpochs :one
select coalesce((select e.reading from registrar.token_epochs e where e.registrar = sqlc.arg(registrar)), 1)::int as reading,
       coalesce((select e.writing from registrar.token_epochs e where e.registrar = sqlc.arg(registrar)), 1)::int as writing;

-- Bounds how long this transaction waits for a lock, and has others wait behind it.
-- name: WaitBriefly :exec
select set_config('lock_timeout', '2s', true);

-- Waits for everybody who is storing somebody, and has those who come after wait until
-- this transaction ends.
-- name: LockEpochs :exec
select pg_advisory_xact_lock(1717660010, 0);

-- From now on writers write the next epoch too.
-- name: BeginTokenEpoch :exec
insert into registrar.token_epochs as e (registrar, reading, writing) values (sqlc.arg(registrar), sqlc.arg(reading)::int, sqlc.arg(reading)::int + 1)
on conflict (registrar) do update set writing = e.reading + 1 where e.reading = excluded.reading and e.writing = excluded.reading;

-- From now on the next epoch is looked up, and it alone is written. Call it when
-- nothing is left to fill: nothing can come since the epoch began.
-- name: SwitchTokenEpoch :exec
update registrar.token_epochs e set reading = e.writing
 where e.registrar = sqlc.arg(registrar) and e.reading = sqlc.arg(reading)::int and e.writing = e.reading + 1;

-- What is left to be brought to an epoch: filled, or rid of the one before.
-- name: CountTokensLeft :one
select (select count(*) from registrar.profiles p
          join registrar.subjects s on s.subject_id = p.subject_id
          join registrar.registers r on r.register_id = s.register_id
         where r.registrar = sqlc.arg(registrar) and case when sqlc.arg(filling)::bool then p.newest else p.oldest end < sqlc.arg(epoch)::int)
     + (select count(*) from registrar.identifiers n
          join registrar.items i on i.item_id = n.item_id
          join registrar.subjects s on s.subject_id = i.subject_id
          join registrar.registers r on r.register_id = s.register_id
         where r.registrar = sqlc.arg(registrar) and case when sqlc.arg(filling)::bool then n.newest else n.oldest end < sqlc.arg(epoch)::int) as left;

-- People who are to be brought to an epoch. It waits for nobody: who is left out now is
-- there the next time, or has been erased, which waits for the lock on the key.
-- name: ListTokensLeft :many
select p.subject_id, s.register_id, p.sealed, k.wrapped, k.wrapped_by
  from registrar.profiles p
  join registrar.subjects s on s.subject_id = p.subject_id
  join registrar.registers r on r.register_id = s.register_id
  join registrar.subject_keys k on k.subject_id = p.subject_id
 where r.registrar = sqlc.arg(registrar) and case when sqlc.arg(filling)::bool then p.newest else p.oldest end < sqlc.arg(epoch)::int
   and p.subject_id > coalesce(sqlc.arg(after)::uuid, '00000000-0000-0000-0000-000000000000')
 order by p.subject_id
 limit sqlc.arg(most)
   for update of p, k skip locked;

-- name: FillTokens :exec
with filled as (update registrar.profiles set newest = sqlc.arg(epoch) where subject_id = any(sqlc.arg(filled)::uuid[]))
insert into registrar.tokens (token, subject_id)
select unnest(sqlc.arg(tokens)::bigint[]), unnest(sqlc.arg(subjects)::text[])::uuid
on conflict do nothing;

-- name: EmptyTokens :exec
with emptied as (update registrar.profiles set oldest = sqlc.arg(epoch) where subject_id = any(sqlc.arg(emptied)::uuid[]))
delete from registrar.tokens t
 using (select unnest(sqlc.arg(tokens)::bigint[]) as token, unnest(sqlc.arg(subjects)::text[])::uuid as subject_id) old
 where t.token = old.token and t.subject_id = old.subject_id;

-- Identifiers that are to be filled, with what opens them.
-- name: ListIdentifiersToFill :many
select n.item_id, s.subject_id, s.register_id, i.sealed, k.wrapped, k.wrapped_by
  from registrar.identifiers n
  join registrar.items i on i.item_id = n.item_id
  join registrar.subjects s on s.subject_id = i.subject_id
  join registrar.registers r on r.register_id = s.register_id
  join registrar.subject_keys k on k.subject_id = s.subject_id
 where r.registrar = sqlc.arg(registrar) and n.newest < sqlc.arg(epoch)::int and n.item_id > coalesce(sqlc.arg(after)::uuid, '00000000-0000-0000-0000-000000000000')
 order by n.item_id
 limit sqlc.arg(most)
   for update of n skip locked;

-- name: FillIdentifiers :exec
update registrar.identifiers n
   set token = case when sqlc.arg(epoch)::int % 2 = 1 then f.token else n.token end,
       token_b = case when sqlc.arg(epoch)::int % 2 = 0 then f.token else n.token_b end,
       newest = sqlc.arg(epoch)::int
  from (select unnest(sqlc.arg(items)::text[])::uuid as item_id, unnest(sqlc.arg(tokens)::bytea[]) as token) f
 where n.item_id = f.item_id;

-- Takes what the key of the epoch before made out of some identifiers.
-- name: EmptyIdentifiers :many
with batch as (
  select n.item_id
    from registrar.identifiers n
    join registrar.items i on i.item_id = n.item_id
    join registrar.subjects s on s.subject_id = i.subject_id
    join registrar.registers r on r.register_id = s.register_id
   where r.registrar = sqlc.arg(registrar) and n.oldest < sqlc.arg(epoch)::int and n.item_id > coalesce(sqlc.arg(after)::uuid, '00000000-0000-0000-0000-000000000000')
   order by n.item_id
   limit sqlc.arg(most)
     for update of n skip locked
)
update registrar.identifiers n
   set token = case when sqlc.arg(epoch)::int % 2 = 1 then n.token end,
       token_b = case when sqlc.arg(epoch)::int % 2 = 0 then n.token_b end,
       oldest = sqlc.arg(epoch)::int
  from batch where n.item_id = batch.item_id
returning n.item_id;

-- name: CountToRewrap :one
select count(*) from registrar.subject_keys k
  join registrar.subjects s on s.subject_id = k.subject_id
  join registrar.registers r on r.register_id = s.register_id
 where r.registrar = sqlc.arg(registrar) and k.wrapped_by <> sqlc.arg(wrapped_by)::text;

-- People whose key is wrapped by another key than this.
-- name: ListToRewrap :many
select k.subject_id, k.wrapped, k.wrapped_by from registrar.subject_keys k
  join registrar.subjects s on s.subject_id = k.subject_id
  join registrar.registers r on r.register_id = s.register_id
 where r.registrar = sqlc.arg(registrar) and k.wrapped_by <> sqlc.arg(wrapped_by)::text
 order by k.subject_id
 limit sqlc.arg(most)
   for update of k;

-- name: Rewrap :exec
update registrar.subject_keys set wrapped = sqlc.arg(wrapped), wrapped_by = sqlc.arg(wrapped_by) where subject_id = sqlc.arg(subject_id);

-- Whose key a key wraps.
-- name: CountWrapped :one
select count(*) from registrar.subject_keys k
  join registrar.subjects s on s.subject_id = k.subject_id
  join registrar.registers r on r.register_id = s.register_id
 where r.registrar = sqlc.arg(registrar) and k.wrapped_by = sqlc.arg(wrapped_by)::text;

-- name: RetireKey :exec
insert into registrar.retired_keys (registrar, key_id, retired_at, destroy_after)
values (sqlc.arg(registrar), sqlc.arg(key_id), sqlc.arg(retired_at), sqlc.arg(destroy_after))
on conflict do nothing;

-- name: ListRetired :many
select key_id, retired_at, destroy_after from registrar.retired_keys where registrar = sqlc.arg(registrar) order by key_id;

-- How long backups are kept, and retired keys for them; terms of before the setting say
-- nothing of it.
-- name: FindBackupDays :one
select coalesce((select (t.document->'settings'->>'backup_days')::int from governance.published_terms t order by t.version desc limit 1), 30)::int as days;

-- Has epochs and retired keys stay as they are until this transaction ends.
-- name: HoldEpochs :exec
select pg_advisory_xact_lock_shared(1717660010, 0);
