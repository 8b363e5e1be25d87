-- What is over of a handle, at an instant: takes the keys of its acts, and with them what
-- stands in clear of it. Who comes second takes others.
-- name: TakeOver :many
with due as materialized (
  select o.thing_id from consent.over o where o.handle_id = sqlc.arg(handle_id)::uuid and o.ended_at <= sqlc.arg(at)::timestamptz
), parts as (
  select p.act_id from due d cross join lateral (select s.act_id from consent.said s where s.thing_id = d.thing_id offset 0) p
), gone as (
  delete from consent.content_keys k using parts p where k.record_id = p.act_id returning k.record_id
)
select record_id from gone;

-- The same of whatever has been over since before an instant; save what a law keeps, and
-- what is under review.
-- name: TakeExpired :many
with due as materialized (
  select o.thing_id from consent.over o
   where o.ended_at < sqlc.arg(before)::timestamptz
     and (select count(*) from (select from consent.erasures z where z.handle_id = o.handle_id and z.obligation is not null limit 1) kept) = 0
     and (select count(*) from (select from relmgr.under_review r where r.handle_id = o.handle_id limit 1) reviewed) = 0
   limit sqlc.arg(most)
), parts as (
  select p.act_id from due d cross join lateral (select s.act_id from consent.said s where s.thing_id = d.thing_id offset 0) p
), gone as (
  delete from consent.content_keys k using parts p where k.record_id = p.act_id returning k.record_id
)
select record_id from gone;

-- A page of the handles that relmgr has erased.
-- name: ListGone :many
select g.handle_id from relmgr.gone_handles g where g.handle_id > coalesce(sqlc.arg(after)::uuid, '00000000-0000-0000-0000-000000000000') order by g.handle_id limit sqlc.arg(most);

-- All that is there of handles, over or not, with the same two exceptions.
-- name: TakeOrphaned :many
with due as materialized (
  select o.thing_id from unnest(sqlc.arg(handles)::uuid[]) as h (id)
   cross join lateral (select t.thing_id, t.handle_id from consent.still_there t where t.handle_id = h.id offset 0) o
   where (select count(*) from (select from consent.erasures z where z.handle_id = o.handle_id and z.obligation is not null limit 1) kept) = 0
     and (select count(*) from (select from relmgr.under_review r where r.handle_id = o.handle_id limit 1) reviewed) = 0
), parts as (
  select p.act_id from due d cross join lateral (select s.act_id from consent.said s where s.thing_id = d.thing_id offset 0) p
), gone as (
  delete from consent.content_keys k using parts p where k.record_id = p.act_id returning k.record_id
)
select record_id from gone;

-- What is left of acts whose keys were taken, in an order that tells nothing.
-- name: ListLeft :many
select a.commitment, consent.rest_of(a.act_id)::bytea as rest
  from consent.acts a
 where a.act_id = any(sqlc.arg(act_ids)::uuid[])
 order by a.commitment;

-- name: NameErased :exec
insert into consent.erased (commitment, rest, act_id)
select l.commitment, l.rest, @act_id::uuid
  from (select unnest(sqlc.arg(commitments)::bytea[]) as commitment, unnest(sqlc.arg(rests)::bytea[]) as rest) l;

-- name: InsertErasure :exec
insert into consent.erasures (act_id, handle_id, column_id, agency_id, reason, obligation, complete_at)
values (@act_id, @handle_id, @column_id, @agency_id, @reason, nullif(sqlc.arg(obligation)::text, ''), @complete_at);

-- name: IsUnderReview :one
select exists (select from relmgr.under_review r where r.handle_id = sqlc.arg(handle_id)::uuid)::boolean as reviewed;
