-- +goose Up
-- A new person for the index (adoption, the protection of a witness): one record that
-- two people made joins the entry that was and the one that is to be, sealed whole.
-- Nothing else does: no act, no row, and in clear no value that both entries have.
insert into registrar.act_kinds values ('set-apart', false), ('confirm-apart', false), ('open-apart', false);

create table registrar.set_apart (
  act_id      uuid primary key references registrar.acts,
  register_id governance.code not null references registrar.registers,
  sealed      bytea not null,
  wrapped     bytea not null
);

create table registrar.apart_confirmed (
  set_apart_id uuid primary key references registrar.set_apart,
  act_id       uuid not null references registrar.acts
);

create table registrar.apart_opened (
  act_id       uuid primary key references registrar.acts,
  set_apart_id uuid not null references registrar.set_apart
);
create index apart_opened_by_record on registrar.apart_opened (set_apart_id);

-- Pairs that are never put before anybody: an HMAC of both, under a key that the
-- database never holds. From one of a pair the other does not follow.
create table registrar.apart (
  pair   bytea primary key,
  act_id uuid not null references registrar.acts,
  constraint pair_is_an_hmac check (octet_length(pair) = 32)
);

-- Those who are, or may be, the same person as an entry: what resolves to it, and what
-- stands in a task beside one of these, unless somebody decided that it is another.
-- +goose StatementBegin
create function registrar.kin(entry uuid) returns uuid[] language sql stable as $$
  with own as (select unnest(registrar.members(registrar.root(entry))) as id),
  near as (
    select case when t.subject_a = own.id then t.subject_b else t.subject_a end as id
      from own join registrar.tasks t on t.kind = 'duplicate' and own.id in (t.subject_a, t.subject_b)
     where not exists (select from registrar.decided d where d.task_id = t.task_id and d.outcome = 'not-the-same-person')
  )
  select array_agg(distinct id) from (select id from own union select unnest(registrar.members(registrar.root(near.id))) from near) k
$$;
-- +goose StatementEnd

-- +goose Down
drop function registrar.kin;
drop table registrar.apart, registrar.apart_opened, registrar.apart_confirmed, registrar.set_apart;
delete from registrar.act_kinds where kind in ('set-apart', 'confirm-apart', 'open-apart');
