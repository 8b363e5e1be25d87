-- +goose Up
-- The key of the tokens by which people are found rotates while a register is used,
-- as relmgr's do (docs/decisions/0026): while the next epoch is filled every writer
-- stores what both keys make, and look-ups change over when nothing is left.
create table registrar.token_epochs (
  registrar governance.code primary key, -- without a row it reads and writes the first
  reading   integer not null,
  writing   integer not null,
  constraint written_epoch_is_the_read_one_or_the_next check (reading >= 1 and writing between reading and reading + 1)
);

-- Keys that nothing is made with any more, and from when on they may be destroyed: a
-- backup from before needs them until then.
create table registrar.retired_keys (
  registrar     governance.code not null,
  key_id        text not null,
  retired_at    timestamptz not null,
  destroy_after timestamptz not null,
  primary key (registrar, key_id)
);

-- The epochs that a person's tokens are of.
alter table registrar.profiles
  add column oldest integer not null default 1,
  add column newest integer not null default 1,
  add constraint tokens_of_two_epochs_at_most check (newest between oldest and oldest + 1);
alter table registrar.profiles alter column oldest drop default, alter column newest drop default;

-- An identifier has a slot for odd epochs and one for even ones, so that any two
-- writers meet in one of two unique indexes.
alter table registrar.identifiers
  drop constraint identifiers_pkey,
  alter column token drop not null,
  add column token_b bytea,
  add column oldest integer not null default 1,
  add column newest integer not null default 1,
  add constraint identifier_token_b_is_an_hmac check (octet_length(token_b) = 32),
  add constraint slots_are_of_the_epochs check (newest between oldest and oldest + 1
    and (token is not null) = (oldest % 2 = 1 or newest % 2 = 1) and (token_b is not null) = (oldest % 2 = 0 or newest % 2 = 0));
alter table registrar.identifiers alter column oldest drop default, alter column newest drop default;
create unique index one_person_per_identifier on registrar.identifiers (token) where token is not null;
create unique index one_person_per_identifier_b on registrar.identifiers (token_b) where token_b is not null;
drop index registrar.identifiers_by_item;
alter table registrar.identifiers add primary key (item_id);

-- Whoever stores a token, or wraps somebody's key, holds this lock, shared, until the
-- commit, and whoever changes an epoch or retires a key takes it alone. So what was
-- there before is there to be filled, and nothing of before comes after. A process that
-- has not heard is refused, and starts over.
-- +goose StatementBegin
create function registrar.tokens_are_of_the_epochs_in_use() returns trigger language plpgsql as $$
declare
  person uuid;
  reads  integer;
  writes integer;
begin
  perform pg_advisory_xact_lock_shared(1717660010, 0);
  if tg_table_name = 'profiles' then
    person := new.subject_id;
  else
    select i.subject_id into person from registrar.items i where i.item_id = new.item_id;
  end if;
  select e.reading, e.writing into reads, writes
    from registrar.subjects s
    join registrar.registers r on r.register_id = s.register_id
    left join registrar.token_epochs e on e.registrar = r.registrar
   where s.subject_id = person;
  if new.oldest <> coalesce(reads, 1) or new.newest <> coalesce(writes, 1) then
    raise exception using errcode = 'serialization_failure', constraint = 'tokens_are_of_the_epochs_in_use',
      message = 'the tokens are not of the epochs in use: read them again';
  end if;
  return null;
end $$;
create function registrar.key_that_wraps_is_in_use() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(1717660010, 0);
  if exists (select from registrar.retired_keys k
               join registrar.registers r on r.registrar = k.registrar
               join registrar.subjects s on s.register_id = r.register_id
              where s.subject_id = new.subject_id and k.key_id = new.wrapped_by) then
    raise exception using errcode = 'serialization_failure', constraint = 'key_that_wraps_is_in_use',
      message = 'the key that wraps is retired: read which is the newest again';
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger tokens_are_of_the_epochs_in_use after insert or update on registrar.profiles
  for each row execute function registrar.tokens_are_of_the_epochs_in_use();
create trigger tokens_are_of_the_epochs_in_use after insert or update on registrar.identifiers
  for each row execute function registrar.tokens_are_of_the_epochs_in_use();
create trigger key_that_wraps_is_in_use after insert or update on registrar.subject_keys
  for each row execute function registrar.key_that_wraps_is_in_use();

-- +goose Down
drop trigger key_that_wraps_is_in_use on registrar.subject_keys;
drop trigger tokens_are_of_the_epochs_in_use on registrar.identifiers;
drop trigger tokens_are_of_the_epochs_in_use on registrar.profiles;
drop function registrar.key_that_wraps_is_in_use, registrar.tokens_are_of_the_epochs_in_use;
alter table registrar.identifiers drop constraint identifiers_pkey;
create unique index identifiers_by_item on registrar.identifiers (item_id);
drop index registrar.one_person_per_identifier, registrar.one_person_per_identifier_b;
alter table registrar.identifiers drop constraint slots_are_of_the_epochs, drop constraint identifier_token_b_is_an_hmac,
  drop column token_b, drop column oldest, drop column newest, add primary key (token);
alter table registrar.profiles drop constraint tokens_of_two_epochs_at_most, drop column oldest, drop column newest;
drop table registrar.retired_keys, registrar.token_epochs;
