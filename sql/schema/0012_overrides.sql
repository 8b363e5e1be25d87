-- +goose Up
-- Overrides of a refused or absent consent (LEG-15): each tells a column that
-- it names once, and waits for somebody else of the agency to judge it.
create table relmgr.override_uses (
  decision_id uuid not null references relmgr.decisions,
  column_id   governance.code not null, -- that was told
  first_at    timestamptz not null,
  primary key (decision_id, column_id)
);

create table relmgr.override_outcomes (
  decision_id uuid primary key references relmgr.decisions,
  act_id      uuid not null references relmgr.acts,
  outcome     text not null,
  constraint override_outcome_is_known check (outcome in ('justified', 'not-justified', 'more-needed'))
);

-- An agency's decisions are listed in the order of their random ids (LEG-27).
drop index relmgr.decisions_by_agency;
create index decisions_by_agency on relmgr.decisions (agency_id, decision_id);
create index overrides_by_agency on relmgr.decisions (agency_id, decision_id) where risk is not null;
create index pairings_by_decision on relmgr.pairings (decision_id);

-- The age from which the law profile presumed competence when it was presumed:
-- the law's, never a person's.
alter table consent.competences add column presumed_from smallint;

-- +goose Down
alter table consent.competences drop column presumed_from;
drop index relmgr.pairings_by_decision, relmgr.overrides_by_agency, relmgr.decisions_by_agency;
create index decisions_by_agency on relmgr.decisions (agency_id);
drop table relmgr.override_outcomes, relmgr.override_uses;
