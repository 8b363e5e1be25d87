-- One relationship hidden by the person (PUB-08, PUB-09). A block is never
-- changed: its end is a row of its own.
-- name: InsertBlock :exec
insert into consent.blocks (block_id, act_id, handle_id, agency_id, reach, warning, starts_at, evidence)
values (sqlc.arg(block_id), sqlc.arg(act_id), sqlc.arg(handle_id), sqlc.arg(agency_id), sqlc.arg(reach),
        sqlc.arg(warning), sqlc.arg(starts_at), sqlc.arg(evidence));

-- A block, for those who may know of it: the same people as for a consent.
-- name: FindBlock :one
select b.block_id, b.handle_id, b.agency_id, b.reach, b.warning
  from consent.blocks b
  join consent.acts a on a.act_id = b.act_id
 where b.block_id = sqlc.arg(block_id) and b.evidence <> 'erased'
   and (b.agency_id = sqlc.arg(caller_agency)
        or (a.agency_id = sqlc.arg(caller_agency) and a.practitioner_id = sqlc.arg(caller)));

-- The receipt of the one unblocking that a block can have.
-- name: FindUnblock :one
select u.act_id, a.commitment
  from consent.unblocks u
  join consent.acts a on a.act_id = u.act_id
 where u.block_id = sqlc.arg(block_id);

-- No row is inserted when another unblocking came first; one under way is
-- waited for.
-- name: InsertUnblock :execrows
insert into consent.unblocks (block_id, act_id, at, evidence)
values (sqlc.arg(block_id), sqlc.arg(act_id), sqlc.arg(at), sqlc.arg(evidence))
on conflict (block_id) do nothing;
