-- The keys of records of the journal. Who comes second takes none.
-- name: TakeRecords :many
with gone as (
  delete from idmgr.content_keys k where k.record_id = any(sqlc.arg(record_ids)::uuid[]) returning k.record_id
)
select record_id::uuid as record from gone;

-- The keys of all steps of cases that have been over since before an instant, and with them
-- why each was made and whose case it was.
-- name: TakeCases :many
with due as materialized (
  select o.case_id from idmgr.cases_over o where o.ended_at < sqlc.arg(before)::timestamptz limit sqlc.arg(most)
), gone as (
  delete from idmgr.content_keys k using due d, idmgr.case_steps s where s.case_id = d.case_id and k.record_id = s.act_id returning k.record_id
)
select record_id from gone;

-- What is left of those whose keys were taken, in an order that tells nothing.
-- name: ListLeft :many
select v.commitment, idmgr.rest_of(v.record_id)::bytea as rest
  from (select r.record_id::uuid as record_id, r.commitment from idmgr.records r where r.record_id = any(sqlc.arg(record_ids)::uuid[])
        union all
        select a.act_id, a.commitment from idmgr.acts a where a.act_id = any(sqlc.arg(record_ids)::uuid[])) v
 order by v.commitment;

-- name: NameErased :exec
insert into idmgr.erased (commitment, rest, act_id)
select l.commitment, l.rest, @act_id::uuid
  from (select unnest(sqlc.arg(commitments)::bytea[]) as commitment, unnest(sqlc.arg(rests)::bytea[]) as rest) l;
