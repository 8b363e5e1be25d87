-- +goose Up
-- What identity managers publish: grants and withholdings on a handle, each under a
-- rule of the manager's own rule set (IDM-12 to 15). A private link is none of
-- these, and stands in idmgr.records alone: nothing here names a link or the journal.
create table idmgr.acts (
  act_id          uuid primary key,
  kind            text not null,
  at              timestamptz not null,
  manager         governance.code not null,
  practitioner_id governance.code not null,
  agency_id       governance.code not null,
  role            governance.code not null,
  terms_version   bigint not null,
  commitment      bytea not null,
  sealed          bytea not null,
  constraint act_kind_is_known check (kind in ('draft', 'activate', 'grant', 'withhold', 'withdraw', 'refuse'))
);

-- Versions of a manager's rules, and which of them went live. The newest live one
-- holds.
create table idmgr.rule_sets (
  manager governance.code not null,
  version int not null,
  act_id  uuid not null unique references idmgr.acts,
  primary key (manager, version),
  constraint versions_count_from_one check (version > 0)
);

create table idmgr.rules (
  manager       governance.code not null,
  version       int not null,
  rule          governance.code not null,
  kind          text not null,
  audience_kind text not null,
  audience      text[] not null,
  purposes      text[] not null, -- none: any
  reasons       text[] not null, -- none: any
  authority     text not null,
  until         timestamptz not null,
  primary key (manager, version, rule),
  foreign key (manager, version) references idmgr.rule_sets,
  constraint rule_kind_is_known check (kind in ('grant', 'withhold')),
  constraint rule_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns')),
  constraint rule_authority_is_known check (authority in ('instruction', 'parental-responsibility', 'order', 'policy')),
  constraint grant_names_its_purposes check (kind = 'withhold' or cardinality(purposes) > 0)
);

create table idmgr.activations (
  manager governance.code not null,
  version int not null,
  act_id  uuid not null unique references idmgr.acts,
  primary key (manager, version),
  foreign key (manager, version) references idmgr.rule_sets
);

-- An effect on one handle. What a withholding says is its rule's of now, and goes
-- with the rule; a grant is a decision of its own, which ends with its rule. live
-- and those four members are a projection; so is yields_to: the effects to which it
-- gives way by a ruling.
create table idmgr.effects (
  effect_id     uuid primary key,
  act_id        uuid not null unique references idmgr.acts,
  manager       governance.code not null,
  kind          text not null,
  rule          governance.code not null,
  version       int not null, -- of the rules under which it was made
  handle_id     uuid not null,
  column_id     governance.code not null,
  starts_at     timestamptz not null,
  ends_at       timestamptz not null, -- at the latest
  evidence      text,                 -- of the person's instruction; none for a service's rule
  token_hash    bytea unique,
  agreement     text not null,
  power         text not null,
  ground        text not null,
  mode          text not null,
  aspects       text[] not null,
  ordinary      text not null,
  sensitive     text,
  review_at     timestamptz not null,
  audience_kind text not null,
  audience      text[] not null,
  purposes      text[] not null,
  reasons       text[] not null,
  until         timestamptz not null,
  live          boolean not null default true,
  yields_to     uuid[] not null default '{}',
  constraint effect_kind_is_known check (kind in ('grant', 'withhold')),
  constraint grant_has_a_token check ((kind = 'grant') = (token_hash is not null)),
  constraint effect_ends check (starts_at < ends_at and until <= ends_at)
);
create index effects_by_handle on idmgr.effects (handle_id) where live;
create index effects_by_rule on idmgr.effects (manager, rule);
create index effects_by_column on idmgr.effects (column_id, starts_at);

create table idmgr.withdrawals (
  effect_id uuid primary key references idmgr.effects,
  act_id    uuid not null unique references idmgr.acts
);

-- What relmgr meets on a handle.
create view idmgr.published_effects as
  select effect_id, manager, kind, handle_id, agreement, power, ground, mode, aspects, ordinary, sensitive, review_at,
         audience_kind, audience, purposes, reasons, until, yields_to
    from idmgr.effects
   where live;

-- The grant that a token carries, whether it is in force or not.
create view idmgr.published_grants as
  select effect_id, token_hash, audience_kind, audience, until, live
    from idmgr.effects
   where kind = 'grant';

-- A grant that met a withholding of another manager: once, however often they meet.
-- idmgr opens a case for it. It names no asker and nobody's handle.
create table relmgr.clashes (
  grant_id       uuid not null,
  withholding_id uuid not null,
  at             timestamptz not null,
  primary key (grant_id, withholding_id)
);

-- How often was asked what by whom, for those who try rules before they go live: no
-- person, no handle, and nothing of what was answered.
create view relmgr.asked as
  select (at at time zone 'UTC')::date as day, column_id, purpose, reason, emergency, count(*) as enquiries
    from relmgr.enquiries
   where stopped_at is null and reads is null
   group by 1, 2, 3, 4, 5;

-- +goose Down
drop view relmgr.asked;
drop table relmgr.clashes;
drop view idmgr.published_grants, idmgr.published_effects;
drop table idmgr.withdrawals, idmgr.effects, idmgr.activations, idmgr.rules, idmgr.rule_sets, idmgr.acts;
