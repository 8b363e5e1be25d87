-- +goose Up
-- Keys rotate while the hub is asked. A handle has two look-up slots: odd epochs
-- use token, even ones token_b. While a column's next epoch is filled, every
-- writer writes both, so that whichever is read finds one handle per identifier.
alter table relmgr.handles
  alter column token drop not null,
  add column token_b bytea,
  add column token_epoch integer not null default 1, -- the newest that the handle has a token of
  add constraint token_b_is_sha256 check (octet_length(token_b) = 32),
  add constraint handle_that_opens_is_found check (wrapped_by = '' or token is not null or token_b is not null);
create unique index one_handle_per_identifier_b on relmgr.handles (column_id, token_b) where token_b is not null;

-- Which epoch of a column's tokens is looked up, and the newest that is
-- written; a column without a row reads and writes the first.
create table relmgr.token_epochs (
  column_id governance.code primary key,
  reading   integer not null,
  writing   integer not null,
  constraint written_epoch_is_the_read_one_or_the_next check (reading >= 1 and writing between reading and reading + 1)
);

-- The epoch of the key that wraps an agency's new data keys; the first without a row.
create table relmgr.wrapping_epochs (
  agency_id governance.code primary key,
  epoch     integer not null,
  constraint wrapping_epoch_is_positive check (epoch >= 1)
);

-- Keys that nothing is made with any more, and from when on they may be
-- destroyed: a backup from before needs them until then.
create table relmgr.retired_keys (
  key_id        text primary key references relmgr.key_checks,
  retired_at    timestamptz not null,
  destroy_after timestamptz not null,
  revoked       boolean not null -- what it wraps is given up
);

-- Whoever stores a handle holds this lock, shared, until the commit, and whoever
-- changes an epoch takes it alone. So when an epoch has changed, all handles of
-- before are there to be seen, and none of before comes after. A process that has
-- not heard of the change is refused, and starts over.
-- +goose StatementBegin
create function relmgr.handle_is_of_the_epochs_in_use() returns trigger language plpgsql as $$
declare
  reads integer;
  writes integer;
begin
  perform pg_advisory_xact_lock_shared(1717660007, 0);
  if tg_op = 'INSERT' or (new.column_id, new.token, new.token_b, new.token_epoch) is distinct from (old.column_id, old.token, old.token_b, old.token_epoch) then
    select t.reading, t.writing into reads, writes from relmgr.token_epochs t where t.column_id = new.column_id;
    reads := coalesce(reads, 1);
    writes := coalesce(writes, 1);
    if new.token_epoch <> writes or (new.token is not null) <> (reads % 2 = 1 or writes % 2 = 1)
       or (new.token_b is not null) <> (reads % 2 = 0 or writes % 2 = 0) then
      raise exception using errcode = 'serialization_failure', constraint = 'handle_is_of_the_epochs_in_use',
        message = 'the tokens are not of the epochs in use: read them again';
    end if;
  end if;
  if (tg_op = 'INSERT' or new.wrapped_by <> old.wrapped_by)
     and exists (select from relmgr.wrapping_epochs w
                  where w.agency_id = split_part(new.wrapped_by, '/', 2) and w.epoch::text <> split_part(new.wrapped_by, '/', 3)) then
    raise exception using errcode = 'serialization_failure', constraint = 'handle_is_of_the_epochs_in_use',
      message = 'the key that wraps is not the newest: read it again';
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger handle_is_of_the_epochs_in_use
  after insert or update of column_id, token, token_b, token_epoch, wrapped_by on relmgr.handles
  for each row when (new.wrapped_by <> '') execute function relmgr.handle_is_of_the_epochs_in_use();

-- +goose Down
drop trigger handle_is_of_the_epochs_in_use on relmgr.handles;
drop function relmgr.handle_is_of_the_epochs_in_use;
drop table relmgr.retired_keys, relmgr.wrapping_epochs, relmgr.token_epochs;
drop index relmgr.one_handle_per_identifier_b;
alter table relmgr.handles drop constraint handle_that_opens_is_found, drop constraint token_b_is_sha256,
  drop column token_epoch, drop column token_b, alter column token set not null;
