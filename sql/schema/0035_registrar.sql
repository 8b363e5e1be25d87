-- +goose Up
-- The registrar: registers of subjects. What is known of a person is encrypted
-- above the database, under a data key of the person's own: in clear stand random
-- ids, closed codes and times.

-- The kinds of act, and who makes them: a practitioner, the subject, or either (a row
-- each). A later migration adds its kinds here.
create table registrar.act_kinds (
  kind       governance.code not null,
  by_subject boolean not null,
  primary key (kind, by_subject)
);
insert into registrar.act_kinds values ('create-register', false), ('register', false), ('look', false);

create table registrar.acts (
  act_id          uuid primary key,
  kind            governance.code not null,
  by_subject      boolean not null,
  at              timestamptz not null,
  registrar       governance.code not null,
  practitioner_id governance.code,
  agency_id       governance.code,
  role            governance.code,
  terms_version   bigint not null,
  commitment      bytea not null,
  sealed          bytea not null,
  constraint act_kind_is_known foreign key (kind, by_subject) references registrar.act_kinds,
  constraint act_names_its_practitioner check (by_subject = (practitioner_id is null)),
  constraint practitioner_has_agency_and_role check (num_nulls(practitioner_id, agency_id, role) in (0, 3))
);

-- The key of what an act holds beyond ids, codes and times. Taking it is how the
-- content of an act is erased.
create table registrar.content_keys (
  record_id uuid primary key,
  wrapped   bytea not null
);

-- A register has one registrar, who answers for it (REG-02). It is described by
-- the act that opened it.
create table registrar.registers (
  register_id     governance.code primary key,
  registrar       governance.code not null,
  act_id          uuid not null references registrar.acts,
  title           text not null,
  contact         text not null,
  scope           text not null,
  criterion       text,
  self_registered boolean not null,
  serves          text[] not null,
  overseer        text,
  inclusion       text,
  appeal          text,
  review_on       text,
  latency_ms      integer,
  errors_per_mille integer,
  per_minute      integer,
  constraint governance_is_whole check (num_nulls(overseer, inclusion, appeal, review_on) in (0, 4)),
  constraint review_is_a_day check (review_on ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
  constraint levels_are_whole check (num_nulls(latency_ms, errors_per_mille, per_minute) in (0, 3))
);

-- An entry: one person of one register. Its id never leaves the registrar.
create table registrar.subjects (
  subject_id  uuid primary key,
  register_id governance.code not null references registrar.registers,
  act_id      uuid not null references registrar.acts
);
create index subjects_by_register on registrar.subjects (register_id, subject_id);

-- The data key of a person, and which key wraps it: two wrapping keys stand side by
-- side while one is replaced. Without this row nothing of the person can be read.
create table registrar.subject_keys (
  subject_id uuid primary key references registrar.subjects,
  wrapped    bytea not null,
  wrapped_by text not null
);

-- What is known of a person, an item a row: recognition data and nothing else
-- (REG-08). An item is never changed; another takes its place (superseded).
create table registrar.items (
  item_id    uuid primary key,
  subject_id uuid not null references registrar.subjects,
  act_id     uuid not null references registrar.acts,
  kind       text not null,
  sealed     bytea not null,
  constraint item_kind_is_known check (kind in ('name', 'birth', 'sex', 'address', 'phone', 'email', 'identifier', 'parent', 'biometric'))
);
create index items_by_subject on registrar.items (subject_id);

create table registrar.superseded (
  item_id uuid primary key references registrar.items,
  act_id  uuid not null references registrar.acts
);

-- What one agency calls an entry (REG-25): an HMAC, another one for each agency.
create table registrar.entries (
  entry      text primary key,
  subject_id uuid not null references registrar.subjects,
  agency_id  governance.code not null,
  act_id     uuid not null references registrar.acts,
  constraint one_reference_per_agency unique (subject_id, agency_id)
);

-- +goose Down
drop table registrar.entries, registrar.superseded, registrar.items, registrar.subject_keys, registrar.subjects,
  registrar.registers, registrar.content_keys, registrar.acts, registrar.act_kinds;
