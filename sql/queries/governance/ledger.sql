-- Only one writes the tree at a time, in whichever process. False: another is
-- at it. The numbers are "fame" and the sequencer's own.
-- name: LockLog :one
select pg_try_advisory_xact_lock(1717660005, 2);

-- The newest signed tree head.
-- name: FindCheckpoint :one
select number, size, root, note, at from ledger.checkpoints order by number desc limit 1;

-- Whether anything waits.
-- name: HasPending :one
select exists (select from ledger.pending);

-- Takes commitments out of the inbox and gives them their positions, from base
-- on. Their order is that of their values, which are salted hashes: it tells
-- nothing of what came first, and a clock has no say in it.
-- name: TakePending :many
with taken as (
  delete from ledger.pending p
   where p.commitment in (select q.commitment from ledger.pending q order by q.commitment limit sqlc.arg(most)::int)
  returning p.commitment
)
insert into ledger.leaves (position, commitment)
select sqlc.arg(base)::bigint + row_number() over (order by t.commitment) - 1, t.commitment from taken t
returning position, commitment;

-- The tiles that a batch begins from: of each level the one that is not full.
-- name: ListTiles :many
select t.level, t.number, t.hashes
  from ledger.tiles t
  join (select unnest(sqlc.arg(levels)::smallint[]) as level, unnest(sqlc.arg(numbers)::bigint[]) as number) w
    on w.level = t.level and w.number = t.number;

-- name: PutTiles :exec
insert into ledger.tiles (level, number, hashes)
select unnest(sqlc.arg(levels)::smallint[]), unnest(sqlc.arg(numbers)::bigint[]), unnest(sqlc.arg(contents)::bytea[])
on conflict (level, number) do update set hashes = excluded.hashes;

-- name: AddCheckpoint :exec
insert into ledger.checkpoints (number, size, root, note, at) values (@number, @size, @root, @note, @at);

-- name: FindTile :one
select hashes from ledger.tiles where level = @level and number = @number;

-- name: ListCommitments :many
select commitment from ledger.leaves where position >= sqlc.arg(first)::bigint and position < sqlc.arg(past)::bigint order by position;

-- The first place of a commitment: a duty that put one in twice has two. They are
-- found first and ordered then, or the planner walks along the positions.
-- name: FindPosition :one
with found as materialized (
  select l.position from ledger.leaves l where l.commitment = sqlc.arg(commitment)::bytea
)
select f.position from found f order by f.position limit 1;

-- Whether a commitment waits for its place.
-- name: IsPending :one
select exists (select from ledger.pending where commitment = @commitment);

-- One after the other for each log, so that checking the old size and storing
-- the new one are one step.
-- name: LockWitnessed :exec
select pg_advisory_xact_lock(1717660006, hashtext(sqlc.arg(origin)::text));

-- name: FindWitnessed :one
select origin, size, root, note from ledger.witnessed where origin = @origin;

-- name: PutWitnessed :exec
insert into ledger.witnessed (origin, size, root, note) values (@origin, @size, @root, @note)
on conflict (origin) do update set size = excluded.size, root = excluded.root, note = excluded.note;

-- name: FindSplitView :one
select exists (select from ledger.split_views where origin = @origin and size = @size and root = @root);

-- name: AddSplitView :exec
insert into ledger.split_views (origin, size, root, note, held, act_id) values (@origin, @size, @root, @note, @held, @act_id);

-- name: AddCosignature :exec
insert into ledger.cosignatures (number, witness, line) values (@number, @witness, @line) on conflict do nothing;

-- name: ListCosignatures :many
select witness, line from ledger.cosignatures where number = @number order by witness;

-- The newest checkpoint that as many witnesses have cosigned.
-- name: FindCosigned :one
select c.number, c.size, c.root, c.note, c.at from ledger.checkpoints c
 where c.number = (select s.number from ledger.cosignatures s group by s.number having count(*) >= sqlc.arg(quorum)::int order by s.number desc limit 1);

-- The size of the largest tree that a witness has cosigned.
-- name: FindCosignedSize :one
select c.size from ledger.cosignatures s join ledger.checkpoints c on c.number = s.number
 where s.witness = @witness order by s.number desc limit 1;
