-- +goose Up
-- What the OpenID Provider has to remember between two requests, so that any process
-- can take the next one. What a relying party sent and what it is about is sealed;
-- what a browser or a relying party holds is here by its hash.

-- An agency's request to sign somebody in, until it has an answer.
create table registrar.sign_ins (
  sign_in     bytea primary key,
  sealed      bytea not null,
  wrapped_key bytea not null,
  ends_at     timestamptz not null,
  constraint sign_in_is_a_hash check (length(sign_in) = 32)
);

-- What somebody let an agency have by signing in. It rests on what they signed in
-- with, and is worth nothing once that is revoked.
create table registrar.grants (
  grant_id       bytea primary key,
  code           bytea not null,
  account_id     uuid not null references registrar.accounts,
  authenticators uuid[] not null,
  sealed         bytea not null,
  wrapped_key    bytea not null,
  redeemed       boolean not null default false,
  revoked        boolean not null default false,
  ends_at        timestamptz not null,
  constraint codes_differ unique (code),
  constraint grant_and_code_are_hashes check (length(grant_id) = 32 and length(code) = 32)
);
create index grants_by_account on registrar.grants (account_id);

create table registrar.access_tokens (
  token       bytea primary key,
  grant_id    bytea not null references registrar.grants on delete cascade,
  sealed      bytea not null,
  wrapped_key bytea not null,
  ends_at     timestamptz not null,
  constraint access_token_is_a_hash check (length(token) = 32)
);
create index access_tokens_by_grant on registrar.access_tokens (grant_id);

-- Signed assertions of relying parties that have been used, each good once (AUT-13).
create table registrar.assertions_used (
  assertion bytea primary key,
  ends_at   timestamptz not null,
  constraint assertion_is_a_hash check (length(assertion) = 32)
);

-- +goose Down
drop table registrar.assertions_used, registrar.access_tokens, registrar.grants, registrar.sign_ins;
