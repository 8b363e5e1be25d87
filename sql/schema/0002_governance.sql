-- +goose Up
-- The partnership, its register of users and governance's own acts. No table
-- here knows of a subject.

create table governance.acts (
  act_id          uuid primary key,
  kind            text not null,
  at              timestamptz not null,
  practitioner_id governance.code not null,
  agency_id       governance.code not null,
  role            governance.code not null,
  terms_version   bigint not null,
  commitment      bytea not null,
  sealed          bytea not null,
  constraint act_kind_is_known check (kind in ('initialise', 'apply', 'register-practitioner', 'end-practitioner', 'sign-in'))
);
create index acts_by_time on governance.acts (at, act_id); -- read backwards

-- The key of what an act holds beyond ids, codes and times. The one table of
-- this duty that allows DELETE.
create table governance.content_keys (
  record_id uuid primary key,
  wrapped   bytea not null
);

-- Every version of the terms in force, whole. The newest is in force; none is
-- ever changed, so that a decision's version still says what it rested on.
create table governance.terms (
  version    bigint primary key,
  act_id     uuid not null references governance.acts,
  applied_at timestamptz not null,
  document   jsonb not null,  -- decide.Terms, what the duties read
  applied    jsonb not null,  -- the partnership document as applied
  constraint versions_count_from_one check (version >= 1)
);

-- The register of users. A person is known by a hash of the issuer's name and
-- their subject there: enough to recognise a token, too little to name them.
create table governance.practitioners (
  practitioner_id governance.code not null,
  agency_id       governance.code not null,
  issuer          text not null,
  subject_hash    bytea not null,
  source          text not null,
  starts_at       timestamptz not null,
  ends_at         timestamptz,
  act_id          uuid not null references governance.acts,
  primary key (practitioner_id),
  constraint one_user_per_sign_in unique (issuer, subject_hash),
  constraint subject_hash_is_sha256 check (octet_length(subject_hash) = 32),
  constraint user_source_is_known check (source in ('by-hand', 'claims', 'delegated'))
);

create table governance.roles_held (
  practitioner_id governance.code not null references governance.practitioners,
  role            governance.code not null,
  starts_at       timestamptz not null,
  ends_at         timestamptz,
  act_id          uuid not null references governance.acts,
  primary key (practitioner_id, role, starts_at)
);

create table governance.memberships (
  practitioner_id governance.code not null references governance.practitioners,
  provider_id     governance.code not null,
  starts_at       timestamptz not null,
  ends_at         timestamptz,
  act_id          uuid not null references governance.acts,
  primary key (practitioner_id, provider_id, starts_at)
);

-- What every duty may read: who is registered, with which roles and
-- memberships, and the terms.
create view governance.published_users as
  select practitioner_id, agency_id, issuer, subject_hash, starts_at, ends_at from governance.practitioners;
create view governance.published_roles as
  select practitioner_id, role, starts_at, ends_at from governance.roles_held;
create view governance.published_memberships as
  select practitioner_id, provider_id, starts_at, ends_at from governance.memberships;
create view governance.published_terms as
  select version, document from governance.terms;

-- +goose Down
drop view governance.published_terms, governance.published_memberships, governance.published_roles,
  governance.published_users;
drop table governance.memberships, governance.roles_held, governance.practitioners, governance.terms,
  governance.content_keys, governance.acts;
