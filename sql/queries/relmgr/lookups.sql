-- name: LockLookUps :exec
-- Waits for everybody who is publishing or making tags, and has those who come after wait
-- until this transaction ends: what is due is then all there is.
select pg_advisory_xact_lock(1717660097, 0);

-- name: LockTags :exec
-- Holds the epochs as they are while tags are made.
select pg_advisory_xact_lock_shared(1717660097, 0);

-- name: HearSchemes :exec
-- The columns with a scheme are those of the terms. Of one that is new, or has another
-- scheme, all whom it publishes are due.
with now as (
  select unnest(sqlc.arg(column_ids)::text[]) as column_id, unnest(sqlc.arg(schemes)::text[]) as scheme
), gone as (
  delete from relmgr.look_up_columns c where not exists (select from now n where n.column_id = c.column_id)
), changed as (
  insert into relmgr.look_up_columns as c (column_id, scheme) select n.column_id, n.scheme from now n
  on conflict (column_id) do update set scheme = excluded.scheme where c.scheme <> excluded.scheme
  returning c.column_id
)
insert into relmgr.look_up_due (handle_id)
select c.handle_id from relmgr.cells c join changed n on n.column_id = c.column_id
on conflict do nothing;

-- name: ListLookUpEpochs :many
-- The epochs that are not over, with the instant at which the next was published.
select e.epoch, e.public_key, e.bits, e.begun_at, e.published,
       (select n.published from relmgr.look_up_epochs n where n.epoch = e.epoch + 1) as followed
  from relmgr.look_up_epochs e order by e.epoch;

-- name: BeginLookUpEpoch :exec
-- All whom columns of a scheme publish are due in it.
with begun as (
  insert into relmgr.look_up_epochs (epoch, public_key, bits, begun_at) values (@epoch, @public_key, @bits, @begun_at)
  on conflict do nothing returning epoch
)
insert into relmgr.look_up_due (handle_id)
select c.handle_id from begun join relmgr.look_up_columns l on true join relmgr.cells c on c.column_id = l.column_id
on conflict do nothing;

-- name: PublishLookUpEpoch :exec
-- Once nobody is due.
update relmgr.look_up_epochs e set published = @at where e.epoch = @epoch and e.published is null and not exists (select from relmgr.look_up_due);

-- name: EndLookUpEpoch :exec
delete from relmgr.look_up_tags t where t.epoch = @epoch;

-- name: ForgetLookUpEpoch :exec
delete from relmgr.look_up_epochs e where e.epoch = @epoch;

-- name: ListTagsDue :many
-- It waits for nobody: what another process is making is made.
select d.handle_id, h.column_id, h.sealed, h.wrapped_key, h.wrapped_by
  from relmgr.look_up_due d join relmgr.handles h on h.handle_id = d.handle_id
 order by d.handle_id limit @page_size
   for update of d skip locked for share of h skip locked;

-- name: KeepTags :exec
insert into relmgr.look_up_tags (handle_id, epoch, place, sealed, wrapped)
select unnest(sqlc.arg(handle_ids)::text[])::uuid, unnest(sqlc.arg(epochs)::int[]), unnest(sqlc.arg(places)::bytea[]), unnest(sqlc.arg(sealed)::bytea[]), unnest(sqlc.arg(wrapped)::bytea[])
on conflict (handle_id, epoch) do update set place = excluded.place, sealed = excluded.sealed, wrapped = excluded.wrapped;

-- name: TagsMade :exec
delete from relmgr.look_up_due d where d.handle_id = any (select unnest(sqlc.arg(handle_ids)::text[])::uuid);

-- name: CountTags :one
select count(*) from relmgr.look_up_tags t where t.epoch = @epoch;

-- name: ReadBucket :many
-- Everybody at those places, in an order of their own.
select t.handle_id, t.sealed, t.wrapped, h.column_id, h.token, h.token_b
  from relmgr.look_up_tags t join relmgr.handles h on h.handle_id = t.handle_id
 where t.place = any (sqlc.arg(places)::bytea[]) and t.epoch = @epoch
 order by t.handle_id;

-- name: CountAsked :one
-- One more of the day, unless as many as may be have been: then nothing.
insert into relmgr.asked_on as a (day, asker, purpose, private, used) values (@day, @asker, @purpose, @private, 1)
on conflict (day, asker, purpose, private) do update set used = a.used + 1 where a.used < sqlc.arg(most)::int
returning a.used;

-- name: ForgetAsked :exec
delete from relmgr.asked_on where day < @before;
