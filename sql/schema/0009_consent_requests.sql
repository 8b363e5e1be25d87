-- +goose Up
-- Consent requests: what a person is to be asked, and what came of it. A
-- request is never changed: its one answer is a row of its own, and a given one
-- names the consent that the same transaction captured (PUB-10, LEG-13, LEG-15).
alter table consent.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in (
    'capture', 'withdraw', 'exclude', 'include', 'block', 'unblock', 'ask', 'refuse', 'not-asked'));

create table consent.requests (
  request_id    uuid primary key,
  act_id        uuid not null references consent.acts,
  handle_id     uuid not null,
  column_id     governance.code not null,
  agency_id     governance.code not null, -- who controls the handle's column
  explicit      boolean not null,
  audience_kind text not null,
  audience      text[] not null,
  purposes      text[] not null,
  aspects       text[] not null,
  ends_at       timestamptz not null,
  asked_at      timestamptz not null,
  constraint request_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns')),
  constraint request_audience_is_named check ((audience_kind = 'partnership') = (cardinality(audience) = 0)),
  constraint request_states_what_and_why check (cardinality(purposes) > 0 and cardinality(aspects) > 0)
);
create index requests_by_column on consent.requests (column_id, asked_at);

create table consent.answers (
  request_id uuid primary key references consent.requests,
  act_id     uuid not null references consent.acts,
  at         timestamptz not null,
  answer     text not null,
  reason     governance.code,
  consent_id uuid references consent.consents,
  constraint answer_is_known check (answer in ('given', 'refused', 'not-asked')),
  constraint given_names_its_consent check ((answer = 'given') = (consent_id is not null)),
  constraint not_asking_has_a_reason check (answer <> 'not-asked' or reason is not null)
);

-- +goose Down
drop table consent.answers, consent.requests;
alter table consent.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in ('capture', 'withdraw', 'exclude', 'include', 'block', 'unblock'));
