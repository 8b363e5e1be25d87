-- +goose Up
-- How a subject signs in. What a dump shows of it proves nothing to anybody: slow
-- hashes under a key kept elsewhere, sealed seeds, public keys, keyed hashes of what
-- is typed and hashes of what a browser holds (REG-07).

insert into registrar.act_kinds values
  ('issue-enrolment-code', false), ('revoke-authenticator', false), ('revoke-authenticator', true),
  ('use-enrolment-code', true), ('enrol-authenticator', true), ('sign-in', true);

-- One account a subject, made when their first code is used. Its id is what devices
-- are told, and nobody else.
create table registrar.accounts (
  account_id  uuid primary key,
  subject_id  uuid not null references registrar.subjects,
  act_id      uuid not null references registrar.acts,
  token       bytea not null, -- of the sign-in number
  sealed      bytea not null, -- the number, to be shown to its owner again
  wrapped_key bytea not null,
  constraint one_account_per_subject unique (subject_id),
  constraint sign_in_numbers_differ unique (token),
  constraint token_is_a_hash check (length(token) = 32)
);

-- A code that a practitioner hands to a person. The row of its one use makes two at
-- once one.
create table registrar.enrolment_codes (
  code_id    uuid primary key,
  subject_id uuid not null references registrar.subjects,
  act_id     uuid not null references registrar.acts,
  token      bytea not null,
  ends_at    timestamptz not null,
  constraint enrolment_codes_differ unique (token),
  constraint code_token_is_a_hash check (length(token) = 32)
);
create index enrolment_codes_by_subject on registrar.enrolment_codes (subject_id);

create table registrar.enrolment_codes_used (
  code_id uuid primary key references registrar.enrolment_codes,
  act_id  uuid not null references registrar.acts
);

-- What somebody enrolled. It is never changed: what ends it is another row.
create table registrar.authenticators (
  authenticator_id uuid primary key,
  account_id       uuid not null references registrar.accounts,
  act_id           uuid not null references registrar.acts,
  kind             text not null,
  credential       bytea,   -- of a passkey: how its device names it
  public_key       bytea,
  backup_eligible  boolean,
  constraint authenticator_kind_is_known check (kind in ('secret', 'one-time-code', 'passkey')),
  constraint passkey_has_a_key check (num_nonnulls(credential, public_key, backup_eligible) = case kind when 'passkey' then 3 else 0 end),
  constraint credentials_differ unique (credential)
);
create index authenticators_by_account on registrar.authenticators (account_id);

create table registrar.authenticators_revoked (
  authenticator_id uuid primary key references registrar.authenticators,
  act_id           uuid not null references registrar.acts
);

-- Those that are in force, with what of them is secret or counted. Revoking one takes
-- its row away, and with it the hash or the seed.
create table registrar.authenticators_in_force (
  authenticator_id uuid primary key references registrar.authenticators,
  account_id       uuid not null references registrar.accounts,
  kind             text not null,
  hash             text,     -- secret: argon2id
  sealed           bytea,    -- one-time-code: the seed
  wrapped_key      bytea,
  last_step        bigint,   -- one-time-code: the last period that was used
  sign_count       bigint,   -- passkey: as its device counts
  constraint each_kind_has_its_own check (
    (kind = 'secret') = (hash is not null) and
    (kind = 'one-time-code') = (num_nonnulls(sealed, wrapped_key, last_step) = 3) and
    (kind = 'passkey') = (sign_count is not null) and num_nonnulls(hash, sealed, sign_count) = 1),
  constraint secret_is_a_slow_hash check (hash like '$argon2id$%')
);
create unique index one_secret_and_one_seed on registrar.authenticators_in_force (account_id, kind) where kind <> 'passkey';
create index authenticators_in_force_by_account on registrar.authenticators_in_force (account_id);

-- A one-time code is good once, and none that is older than one that was used. Who
-- comes second at the same time finds the row changed, and its step not later.
-- +goose StatementBegin
create function registrar.steps_go_forward() returns trigger language plpgsql as $$
begin
  if new.last_step <= old.last_step then
    raise exception using errcode = 'check_violation', constraint = 'one_time_code_is_good_once',
      message = 'this one-time code, or a later one, has been used';
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger one_time_code_is_good_once before update of last_step on registrar.authenticators_in_force
  for each row when (old.kind = 'one-time-code') execute function registrar.steps_go_forward();

-- Who is signed in, by the hash of what their browser holds. A session rests on the
-- authenticators that it names and ends when one of them does.
create table registrar.sessions (
  session        bytea primary key,
  account_id     uuid not null references registrar.accounts,
  methods        text[] not null,
  authenticators uuid[] not null,
  at             timestamptz not null,
  ends_at        timestamptz not null,
  constraint session_is_a_hash check (length(session) = 32),
  constraint session_rests_on_something check (cardinality(methods) > 0)
);
create index sessions_by_account on registrar.sessions (account_id);
create index sessions_by_end on registrar.sessions (ends_at);

-- A question to a device that is being answered, by the hash of what its page holds.
-- Answering takes the row away: each has one answer (replay, AUT-13).
create table registrar.ceremonies (
  ceremony bytea primary key,
  state    bytea not null,
  ends_at  timestamptz not null,
  constraint ceremony_is_a_hash check (length(ceremony) = 32)
);

-- How often something has failed of late, by a keyed hash of what was tried.
create table registrar.throttles (
  throttle bytea primary key,
  failures integer not null,
  at       timestamptz not null,
  constraint throttle_is_a_hash check (length(throttle) = 32)
);
create index throttles_by_time on registrar.throttles (at);

-- What looks like an attempt to get in as somebody else (AUT-13). The account is
-- named where there is one.
create table registrar.security_events (
  event_id   uuid primary key,
  kind       text not null,
  at         timestamptz not null,
  account_id uuid references registrar.accounts,
  constraint security_event_is_known check (kind in (
    'guessing', 'guessing-from-an-address', 'code-used-again', 'key-copied', 'code-redeemed-again'))
);
create index security_events_by_time on registrar.security_events (at, event_id);

-- +goose Down
drop table registrar.security_events, registrar.throttles, registrar.ceremonies, registrar.sessions, registrar.authenticators_in_force,
  registrar.authenticators_revoked, registrar.authenticators, registrar.enrolment_codes_used, registrar.enrolment_codes,
  registrar.accounts;
drop function registrar.steps_go_forward();
delete from registrar.act_kinds where kind in (
  'issue-enrolment-code', 'revoke-authenticator', 'use-enrolment-code', 'enrol-authenticator', 'sign-in');
