-- +goose Up
-- What went between hubs is recorded in the ledger as well: each message that was answered
-- and each round of questions that was sent is a line of the book, whichever hubs it went
-- to and whatever came of it. A message that was not understood has a record of its own.
create table federation.book (
  record_id  uuid primary key,
  at         timestamptz not null,
  outgoing   boolean not null,
  commitment bytea not null,
  sealed     bytea not null,
  constraint book_commitment_is_sha256 check (octet_length(commitment) = 32)
);

-- Of before the book there is none, and then there always is.
alter table federation.exchanges add column record_id uuid references federation.book;
create index exchanges_by_record on federation.exchanges (record_id);
create index exchanges_without_record on federation.exchanges (at) where record_id is null;
alter table federation.unknown_messages
  add column commitment bytea,
  add column sealed bytea,
  add constraint unknown_is_recorded_whole check ((commitment is null) = (sealed is null));

-- +goose Down
delete from federation.content_keys k using federation.book b where k.record_id = b.record_id;
delete from federation.content_keys k using federation.unknown_messages m where k.record_id = m.record_id;
alter table federation.unknown_messages drop constraint unknown_is_recorded_whole, drop column sealed, drop column commitment;
alter table federation.exchanges drop column record_id;
drop table federation.book;
