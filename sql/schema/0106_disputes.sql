-- +goose Up
-- What hubs dispute with each other (TRU-10): what one has filed against the other, and its
-- one outcome. Both hubs have it, each with acts of its own. It is about a hub, never
-- about a person.
alter table federation.acts drop constraint act_kind_is_known;
alter table federation.acts add constraint act_kind_is_known check (kind in (
  'invite', 'confirm', 'see-confirmed', 'see-ended', 'renew-keys', 'suspend', 'readmit', 'leave',
  'admit-registrar', 'publish-quality', 'flag-registrar', 'suspend-registrar', 'readmit-registrar', 'remove-registrar',
  'file-dispute', 'see-dispute', 'answer-dispute', 'see-answer'));

create table federation.disputes (
  dispute_id   uuid primary key, -- drawn by the hub that files it
  act_id       uuid not null unique references federation.acts,
  hub          text not null, -- the other one
  filed        text not null,
  about        text not null,
  message_hash bytea, -- of the exchange that it is about, as both books have it
  reason       governance.code not null,
  filed_at     timestamptz not null,
  due_at       timestamptz not null,
  constraint hub_is_an_address check (hub ~ '^https?://[!-~]+$' and length(hub) <= 255),
  constraint dispute_is_filed_somewhere check (filed in ('here', 'there')),
  constraint dispute_is_about_something check (about in ('agreement-breached', 'wrong-answer', 'no-answer', 'conduct')),
  constraint message_hash_is_sha256 check (octet_length(message_hash) = 32),
  constraint dispute_is_due_after_it_is_filed check (due_at > filed_at)
);
create index disputes_by_time on federation.disputes (filed_at desc);
create index disputes_by_deadline on federation.disputes (due_at);

-- The one outcome of each: what the hub that it was filed against answered, or what one
-- that knows no disputes did with the message.
create table federation.dispute_ends (
  dispute_id uuid primary key references federation.disputes,
  act_id     uuid not null unique references federation.acts,
  outcome    text not null,
  reason     governance.code, -- none of the other hub's that this partnership has no name for
  constraint dispute_outcome_is_known check (outcome in ('upheld', 'dismissed', 'settled', 'returned', 'discarded', 'escalated')),
  constraint answer_alone_has_a_reason check (reason is null or outcome in ('upheld', 'dismissed', 'settled'))
);

-- What the other hub is still to be told: gone once it has taken it.
create table federation.dispute_letters (
  dispute_id uuid primary key references federation.disputes
);

alter table federation.exchanges
  drop constraint exchange_kind_is_known,
  add constraint exchange_kind_is_known check (kind in ('enquiry', 'look-up', 'escalation', 'dispute', 'unknown')),
  drop constraint exchange_outcome_is_known,
  add constraint exchange_outcome_is_known check (outcome in ('answered', 'stopped', 'used-before', 'evaluated', 'looked-up', 'over-quota', 'returned', 'discarded', 'escalated', 'no-answer', 'taken'));

-- +goose Down
drop table federation.dispute_letters, federation.dispute_ends, federation.disputes;
delete from federation.content_keys k using federation.acts a where k.record_id = a.act_id and a.kind in ('file-dispute', 'see-dispute', 'answer-dispute', 'see-answer');
delete from federation.acts where kind in ('file-dispute', 'see-dispute', 'answer-dispute', 'see-answer');
update federation.exchanges set kind = 'unknown', outcome = 'returned' where kind = 'dispute';
alter table federation.exchanges
  drop constraint exchange_kind_is_known,
  add constraint exchange_kind_is_known check (kind in ('enquiry', 'look-up', 'escalation', 'unknown')),
  drop constraint exchange_outcome_is_known,
  add constraint exchange_outcome_is_known check (outcome in ('answered', 'stopped', 'used-before', 'evaluated', 'looked-up', 'over-quota', 'returned', 'discarded', 'escalated', 'no-answer'));
alter table federation.acts drop constraint act_kind_is_known;
alter table federation.acts add constraint act_kind_is_known check (kind in (
  'invite', 'confirm', 'see-confirmed', 'see-ended', 'renew-keys', 'suspend', 'readmit', 'leave',
  'admit-registrar', 'publish-quality', 'flag-registrar', 'suspend-registrar', 'readmit-registrar', 'remove-registrar'));
