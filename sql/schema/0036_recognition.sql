-- +goose Up
-- Recognition: how people are found, compared and answered for.

insert into registrar.act_kinds values
  ('correct', false), ('verify', false), ('change-name', false), ('birth', false), ('death', false),
  ('recognise', false), ('check-record', false), ('explain', false);

alter table registrar.items drop constraint item_kind_is_known;
alter table registrar.items add constraint item_kind_is_known check (kind in
  ('name', 'birth', 'sex', 'address', 'phone', 'email', 'identifier', 'parent', 'biometric', 'unborn', 'death'));

-- A reference is drawn before the act that needs it is written down.
alter table registrar.entries alter constraint entries_act_id_fkey deferrable initially deferred;

-- By which people are found: 64 bits of an HMAC of what is known of them, the register
-- and the way of looking included, so that registers share none. A projection of the
-- items; equality is all that it tells.
create table registrar.tokens (
  token      bigint not null,
  subject_id uuid not null references registrar.subjects,
  primary key (token, subject_id)
);

-- What is compared: the items of a person as they are now, in one sealed value.
create table registrar.profiles (
  subject_id uuid primary key references registrar.subjects,
  sealed     bytea not null
);

-- One number of a scheme is one person's in a register (REG-10).
create table registrar.identifiers (
  token   bytea primary key,
  item_id uuid not null references registrar.items,
  constraint identifier_token_is_an_hmac check (octet_length(token) = 32)
);
create unique index identifiers_by_item on registrar.identifiers (item_id);

-- What a comparison is weighed by, estimated from the register itself. It holds no
-- value of anybody (match.Model).
create table registrar.models (
  register_id governance.code not null references registrar.registers,
  version     text not null,
  at          timestamptz not null,
  entries     bigint not null,
  model       text not null,
  primary key (register_id, version)
);

-- Each recognition, whatever came out of it. Of whom is the registrar's to know.
create table registrar.recognitions (
  recognition_id uuid primary key,
  act_id         uuid not null references registrar.acts,
  register_id    governance.code not null references registrar.registers,
  subject_id     uuid references registrar.subjects,
  outcome        text not null,
  confidence     text not null,
  model          text not null,
  constraint outcome_is_known check (outcome in ('determined', 'under-determined', 'over-determined')),
  constraint confidence_is_known check (confidence in ('none', 'low', 'medium', 'high')),
  constraint determined_names_somebody check ((outcome = 'determined') = (subject_id is not null))
);
create index recognitions_by_subject on registrar.recognitions (subject_id) where subject_id is not null;
-- How often somebody has asked of late.
create index recognise_acts on registrar.acts (practitioner_id, at) where kind = 'recognise';

-- +goose Down
drop index registrar.recognise_acts;
drop table registrar.recognitions, registrar.models, registrar.identifiers, registrar.profiles, registrar.tokens;
alter table registrar.entries alter constraint entries_act_id_fkey not deferrable;
alter table registrar.items drop constraint item_kind_is_known;
alter table registrar.items add constraint item_kind_is_known check (kind in
  ('name', 'birth', 'sex', 'address', 'phone', 'email', 'identifier', 'parent', 'biometric'));
delete from registrar.act_kinds where kind in
  ('correct', 'verify', 'change-name', 'birth', 'death', 'recognise', 'check-record', 'explain');
