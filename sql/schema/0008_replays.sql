-- +goose Up
-- Idempotency keys: a hash that binds caller, operation and body to the key they
-- sent, and the act that came of it. No answer is kept: a replay is decided
-- afresh and shown the act.
create table relmgr.replays (
  key_hash bytea primary key,
  act_id   uuid not null references relmgr.acts,
  constraint key_hash_is_sha256 check (octet_length(key_hash) = 32)
);

-- +goose Down
drop table relmgr.replays;
