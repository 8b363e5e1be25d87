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

-- The first place of a commitment: a duty that put one in twice has two.
-- name: FindPosition :one
select position from ledger.leaves where commitment = @commitment order by position limit 1;

-- Whether a commitment waits for its place.
-- name: IsPending :one
select exists (select from ledger.pending where commitment = @commitment);
