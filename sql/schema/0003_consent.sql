-- +goose Up
-- Consents and exclusions. A handle is all that this duty ever knows of a
-- person: no identifier, in clear or as a token, and no row.

create table consent.acts (
  act_id          uuid primary key,
  kind            text not null,
  at              timestamptz not null,
  practitioner_id governance.code not null,
  agency_id       governance.code not null,
  role            governance.code not null,
  terms_version   bigint not null,
  commitment      bytea not null,
  sealed          bytea not null,
  constraint act_kind_is_known check (kind in ('capture', 'withdraw', 'exclude', 'include'))
);

-- The key of what an act holds beyond ids, codes and times. The one table of
-- this duty that allows DELETE: taking the key is how content is erased.
create table consent.content_keys (
  record_id uuid primary key,
  wrapped   bytea not null
);

create table consent.consents (
  consent_id    uuid primary key,
  act_id        uuid not null references consent.acts,
  handle_id     uuid not null,
  column_id     governance.code not null,
  agency_id     governance.code not null,
  explicit      boolean not null,
  audience_kind text not null,
  audience      text[] not null,
  purposes      text[] not null,
  aspects       text[] not null,
  starts_at     timestamptz not null,
  ends_at       timestamptz not null,
  evidence      text not null,
  wording       governance.code not null,
  constraint consent_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns')),
  constraint consent_audience_is_named check ((audience_kind = 'partnership') = (cardinality(audience) = 0)),
  constraint consent_has_an_end check (ends_at > starts_at),
  constraint consent_states_what_and_why check (cardinality(purposes) > 0 and cardinality(aspects) > 0)
);

create table consent.withdrawals (
  consent_id uuid primary key references consent.consents,
  act_id     uuid not null references consent.acts,
  at         timestamptz not null,
  evidence   text not null
);

create table consent.exclusions (
  exclusion_id uuid primary key,
  act_id       uuid not null references consent.acts,
  handle_id    uuid not null,
  agency_id    governance.code not null, -- who captured it
  excluded     governance.code not null, -- who is left out
  starts_at    timestamptz not null,
  evidence     text not null
);
create index exclusions_by_handle on consent.exclusions (handle_id);

create table consent.inclusions (
  exclusion_id uuid primary key references consent.exclusions,
  act_id       uuid not null references consent.acts,
  at           timestamptz not null,
  evidence     text not null
);

-- What relmgr may read: the terms and the life of a consent, never its
-- evidence, its wording or who captured it.
create view consent.published_consents as
  select c.consent_id, c.handle_id, c.explicit, c.audience_kind, c.audience, c.purposes, c.aspects,
         c.starts_at, c.ends_at, w.at as withdrawn_at
    from consent.consents c
    left join consent.withdrawals w on w.consent_id = c.consent_id;

create view consent.published_exclusions as
  select e.exclusion_id, e.handle_id, e.excluded, e.starts_at, i.at as ended_at
    from consent.exclusions e
    left join consent.inclusions i on i.exclusion_id = e.exclusion_id;

-- +goose Down
drop view consent.published_exclusions, consent.published_consents;
drop table consent.inclusions, consent.exclusions, consent.withdrawals, consent.consents,
  consent.content_keys, consent.acts;
