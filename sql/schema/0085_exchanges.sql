-- +goose Up
-- What went between this hub and others, with nothing of whom it was about: who, when,
-- by which one-use id, what came of it, and the commitment under which the answering
-- hub's log keeps its own record. Both ends are found from either.
create table federation.exchanges (
  exchange_id  uuid primary key,
  at           timestamptz not null,
  hub          text not null,
  outgoing     boolean not null,
  kind         text not null,
  request      text, -- of what was sent: the one-use id that relmgr's record has
  message_hash bytea not null,
  outcome      text not null,
  commitment   bytea,
  constraint message_hash_is_sha256 check (octet_length(message_hash) = 32),
  constraint commitment_is_sha256 check (octet_length(commitment) = 32),
  constraint hub_is_an_address check (hub ~ '^https?://[!-~]+$' and length(hub) <= 255),
  constraint exchange_kind_is_known check (kind in ('enquiry', 'escalation', 'unknown')),
  constraint exchange_outcome_is_known check (outcome in ('answered', 'stopped', 'used-before', 'returned', 'discarded', 'escalated', 'no-answer'))
);

-- Messages that were not understood, and what became of each (FED-05): returned to the
-- sender, discarded, passed on to another hub, or owned here, where officers find it.
create table federation.unknown_messages (
  record_id    uuid primary key,
  at           timestamptz not null,
  hub          text not null, -- that brought it
  kind         text not null,
  version      int not null,
  message_hash bytea not null,
  became       text not null,
  sent_to      text,
  case_id      text, -- drawn where it was first escalated
  origin       text, -- the hub that did not understand it,
  sender       text, -- and the one that had sent it
  hops         int not null,
  due_at       timestamptz not null,
  constraint unknown_hash_is_sha256 check (octet_length(message_hash) = 32),
  constraint unknown_kind_is_plain check (kind ~ '^[a-z][a-z0-9-]{0,62}$'),
  constraint what_became_is_known check (became in ('returned', 'discarded', 'passed-on', 'owned')),
  constraint escalation_has_a_case check ((became in ('passed-on', 'owned')) = (case_id is not null)),
  constraint passed_on_to_somebody check ((became = 'passed-on') = (sent_to is not null)),
  constraint hops_are_bounded check (hops between 0 and 4)
);
create index escalations_owned on federation.unknown_messages (at desc) where became = 'owned';

-- +goose Down
drop table federation.unknown_messages, federation.exchanges;
