-- +goose Up
-- Beside the code that is read out, a pairing has a reference that its opener
-- hands to a registrar. It is never stored either, only its keyed hash; older
-- pairings have none, and have lapsed.
alter table relmgr.pairings add column reference_hash bytea;
create unique index pairings_by_reference on relmgr.pairings (reference_hash);

-- A statement uses up two pairings: the other side's, and the caller's own, whose
-- decision the one in the act replaces.
alter table relmgr.pairings_used add column own boolean not null default false;

-- What a registrar stated, as evidence of the correlation that rests on it
-- (AUT-09). Codes and a random id: nothing about the person.
create table relmgr.statements (
  act_id       uuid primary key references relmgr.acts,
  registrar    governance.code not null,
  statement_id uuid not null,
  level        text not null,
  types        text[] not null,
  constraint statement_is_used_once unique (registrar, statement_id),
  constraint statement_level_is_known check (level in ('low', 'medium', 'high', 'very-high')),
  constraint statement_types_are_known check (types <@ array['demographic', 'biometric', 'performative'] and cardinality(types) > 0)
);

-- +goose Down
drop table relmgr.statements;
alter table relmgr.pairings_used drop column own;
drop index relmgr.pairings_by_reference;
alter table relmgr.pairings drop column reference_hash;
