-- +goose Up
-- Two agencies ask whether a person whom each had recognised is one (QRY-07, AUT-09):
-- one opens a check by a code that it says to the other, who answers it, once.
insert into registrar.act_kinds values ('ask-common-client', false), ('answer-common-client', false), ('refuse-common-client', false);

create table registrar.common_clients (
  act_id         uuid primary key references registrar.acts,
  recognition_id uuid not null references registrar.recognitions,
  token          bytea not null unique,
  ends_at        timestamptz not null,
  constraint common_token_is_an_hmac check (octet_length(token) = 32)
);

create table registrar.common_answers (
  asks           uuid primary key references registrar.common_clients,
  act_id         uuid not null unique references registrar.acts,
  recognition_id uuid not null references registrar.recognitions,
  same           boolean not null,
  agreement      governance.code not null, -- the right
  powers         text[] not null,
  purpose        governance.code not null,
  aspects        text[] not null,
  statement_id   uuid,
  constraint only_the_same_is_stated check (same or statement_id is null)
);

-- What rests on a wrong recognition is a common-client statement too.
create view registrar.unsound as
  select g.registrar, d.recognition_id
    from registrar.decided d
    join registrar.recognitions r on r.recognition_id = d.recognition_id
    join registrar.registers g on g.register_id = r.register_id
   where d.outcome = 'wrong'
  union
  select g.registrar, r.recognition_id
    from registrar.decided d
    join registrar.recognitions r on r.subject_id = d.subject_a
    join registrar.acts made on made.act_id = r.act_id
    join registrar.acts said on said.act_id = d.act_id and made.at <= said.at
    join registrar.registers g on g.register_id = r.register_id
   where d.outcome = 'two-people';
create or replace view registrar.published_repairs as
  select u.registrar, u.recognition_id as statement_id from registrar.unsound u
  union
  select u.registrar, n.statement_id
    from registrar.unsound u
    join registrar.common_clients c on true
    join registrar.common_answers n on n.asks = c.act_id
   where n.statement_id is not null and u.recognition_id in (c.recognition_id, n.recognition_id);

-- +goose Down
create or replace view registrar.published_repairs as select u.registrar, u.recognition_id as statement_id from registrar.unsound u;
drop table registrar.common_answers, registrar.common_clients;
delete from registrar.act_kinds where kind in ('ask-common-client', 'answer-common-client', 'refuse-common-client');
