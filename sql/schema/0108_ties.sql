-- +goose Up
-- A tie: somebody's handle here and one at another hub are of one person, by an act and a
-- decision at each (FED-13). No hub is told the other's row, column or handle: both know a
-- reference drawn for the tie, and keep it so that neither's database has the other's.
create table relmgr.ties (
  act_id      uuid primary key references relmgr.acts,
  handle_id   uuid not null references relmgr.handles,
  decision_id uuid not null references relmgr.decisions,
  hub         text not null,
  live        boolean not null, -- a projection: no act in effect undoes it
  code_hash   bytea,            -- of the code that the other side is told, until it is used
  code_ends   timestamptz,
  constraint hub_is_an_address check (hub ~ '^https?://[!-~]+$' and length(hub) <= 255),
  constraint tie_code_is_sha256 check (octet_length(code_hash) = 32),
  constraint tie_code_ends check (code_hash is null or code_ends is not null),
  constraint tie_that_is_over_has_no_code check (live or code_hash is null)
);
create index ties_by_handle on relmgr.ties (handle_id);
create unique index ties_by_code on relmgr.ties (code_hash);

-- The reference of a tie that has both its ends: a keyed value to find it by, and itself,
-- sealed, to name it to the other hub. It goes when either side ends the tie, and that is
-- the end of it.
create table relmgr.tie_references (
  act_id         uuid primary key references relmgr.ties on delete cascade,
  reference_hash bytea not null,
  sealed         bytea not null,
  wrapped        bytea not null,
  constraint tie_reference_is_sha256 check (octet_length(reference_hash) = 32),
  constraint reference_is_of_one_tie unique (reference_hash)
);

-- What another hub's relmgr is still to be told, sealed: gone once it has taken it, or at
-- its end.
create table relmgr.letters (
  letter_id uuid primary key,
  hub       text not null,
  ends_at   timestamptz not null,
  sealed    bytea not null,
  wrapped   bytea not null,
  constraint hub_is_an_address check (hub ~ '^https?://[!-~]+$' and length(hub) <= 255)
);
create index letters_by_end on relmgr.letters (ends_at, letter_id);

-- +goose StatementBegin
do $$
begin
  execute (select format('alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''tie''::text, ''untie''::text, '))
             from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

alter table federation.exchanges
  drop constraint exchange_kind_is_known,
  add constraint exchange_kind_is_known check (kind in ('enquiry', 'look-up', 'escalation', 'dispute', 'letter', 'unknown'));

-- +goose Down
update federation.exchanges set kind = 'unknown' where kind = 'letter';
alter table federation.exchanges
  drop constraint exchange_kind_is_known,
  add constraint exchange_kind_is_known check (kind in ('enquiry', 'look-up', 'escalation', 'dispute', 'unknown'));
drop table relmgr.letters, relmgr.tie_references, relmgr.ties;
