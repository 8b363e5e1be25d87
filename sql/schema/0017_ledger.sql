-- +goose Up
-- The tree above the commitments (design.md section 5): one RFC 6962 tree per
-- hub, written by governance's sequencer alone, a batch at a time: leaves, tiles
-- and the signed checkpoint in one transaction. Nothing here is ever changed but
-- a tile that is not full yet, and that only grows.

-- The sequencer empties the inbox all day: what is gone must not pile up.
alter table ledger.pending set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- What stands at each position: a commitment and nothing else. No instant: when
-- a leaf was made is its record's to say.
create table ledger.leaves (
  position   bigint primary key,
  commitment bytea not null,
  constraint positions_count_from_zero check (position >= 0),
  constraint leaf_is_sha256 check (octet_length(commitment) = 32)
);
create index leaves_by_commitment on ledger.leaves using hash (commitment);

-- C2SP tlog-tiles: 256 hashes of one level side by side, fewer in the last. The
-- narrower versions of a tile are its beginnings.
create table ledger.tiles (
  level  smallint not null,
  number bigint not null,
  hashes bytea not null,
  primary key (level, number),
  constraint tile_level_is_known check (level between 0 and 7),
  constraint tiles_count_from_zero check (number >= 0),
  constraint tile_holds_1_to_256_hashes check (octet_length(hashes) between 32 and 8192 and octet_length(hashes) % 32 = 0)
);
alter table ledger.tiles alter column hashes set storage external; -- hashes do not compress

-- +goose StatementBegin
create function ledger.tile_only_grows() returns trigger language plpgsql as $$
begin
  if new.level <> old.level or new.number <> old.number
     or substring(new.hashes for octet_length(old.hashes)) <> old.hashes then
    raise exception using errcode = 'check_violation', constraint = 'tile_only_grows', message = 'a tile may only grow';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger tile_only_grows before update on ledger.tiles for each row execute function ledger.tile_only_grows();

-- Every signed tree head, numbered without a gap. root is the note's own root,
-- kept beside it so that one reading can be held against the other.
create table ledger.checkpoints (
  number bigint primary key,
  size   bigint not null,
  root   bytea not null,
  note   text not null,
  at     timestamptz not null,
  constraint checkpoints_count_from_one check (number >= 1),
  constraint one_checkpoint_per_size unique (size),
  constraint checkpoint_has_leaves check (size > 0),
  constraint root_is_sha256 check (octet_length(root) = 32)
);

-- +goose Down
drop table ledger.checkpoints, ledger.tiles, ledger.leaves;
drop function ledger.tile_only_grows;
alter table ledger.pending reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
