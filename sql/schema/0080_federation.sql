-- +goose Up
-- The hub among hubs: which peers it has met and what was agreed with each. No table
-- of this duty knows a person (FED-09).
create table federation.acts (
  act_id          uuid primary key,
  kind            text not null,
  at              timestamptz not null,
  practitioner_id governance.code not null,
  agency_id       governance.code not null,
  role            governance.code not null,
  terms_version   bigint not null,
  commitment      bytea not null,
  sealed          bytea not null,
  constraint act_kind_is_known check (kind in ('invite', 'confirm', 'see-confirmed', 'see-ended', 'renew-keys', 'suspend', 'readmit', 'leave'))
);

-- The key of what an act holds beyond ids, codes and times. The one table of
-- this duty that allows DELETE.
create table federation.content_keys (
  record_id uuid primary key,
  wrapped   bytea not null
);

-- What two hubs agree, by the SHA-256 of its canonical JSON: both confirm the same one.
create table federation.agreements (
  digest   bytea primary key,
  document text not null, -- canonical JSON
  constraint agreement_digest_is_sha256 check (octet_length(digest) = 32)
);

-- What became of each peer, act by act. Nothing is changed: what is in force is the
-- view below. Two who act at once cannot both be next.
create table federation.peers (
  act_id    uuid primary key references federation.acts,
  peer_id   uuid not null,
  entity_id text not null,
  ordinal   int not null,
  step      text not null,
  agreement bytea references federation.agreements,
  keys      text,   -- JWKS: the key set that the peer signs with, as it was shown to whoever confirmed
  unique (peer_id, ordinal),
  constraint steps_count_from_one check (ordinal >= 1),
  constraint step_is_known check (step in ('invite', 'confirm', 'see-confirmed', 'see-ended', 'renew-keys', 'suspend', 'readmit', 'leave')),
  constraint invitation_begins check (step = 'invite' or ordinal > 1),
  constraint step_names_its_agreement check ((step in ('invite', 'confirm', 'see-confirmed')) = (agreement is not null)),
  constraint step_names_its_keys check ((step in ('invite', 'renew-keys')) = (keys is not null))
);
-- One peer for each address, whoever meets it: the address space cannot overlap (FED-01).
create unique index one_peer_per_entity on federation.peers (entity_id) where ordinal = 1;

-- Each peer as it stands: what was last done here, what was last seen there, the
-- agreement of the newest invitation, and the keys that hold.
create view federation.peers_in_force as
select m.peer_id, m.entity_id, l.ordinal, l.act_id, o.step as ours, o.at as since, coalesce(t.step, '') as theirs, t.agreement as their_agreement, i.agreement,
       coalesce(k.keys, '') as keys, a.document
  from federation.peers m
  join lateral (select p.ordinal, p.act_id from federation.peers p where p.peer_id = m.peer_id order by p.ordinal desc limit 1) l on true
  join lateral (select p.step, x.at from federation.peers p join federation.acts x on x.act_id = p.act_id
                 where p.peer_id = m.peer_id and p.step in ('invite', 'confirm', 'suspend', 'readmit', 'leave') order by p.ordinal desc limit 1) o on true
  left join lateral (select p.step, p.agreement from federation.peers p
                      where p.peer_id = m.peer_id and p.step in ('see-confirmed', 'see-ended') order by p.ordinal desc limit 1) t on true
  join lateral (select p.agreement from federation.peers p where p.peer_id = m.peer_id and p.step = 'invite' order by p.ordinal desc limit 1) i on true
  join lateral (select p.keys from federation.peers p where p.peer_id = m.peer_id and p.keys is not null order by p.ordinal desc limit 1) k on true
  join federation.agreements a on a.digest = i.agreement
 where m.ordinal = 1;

-- What others have stated, as it was fetched: the newest of each issuer about each
-- subject, so that peers go on while an issuer is away (FED-12). It is verified
-- anew whenever it is used.
create table federation.statements (
  issuer     text not null,
  subject    text not null,
  statement  text not null,
  expires_at timestamptz not null,
  primary key (issuer, subject)
);

-- The hub's own public keys: what peers know it by. A key file with others is not
-- this database's.
create table federation.hub_keys (
  key_id text primary key,
  use    text not null,
  jwk    text not null,
  at     timestamptz not null,
  constraint key_use_is_known check (use in ('sig', 'enc'))
);

-- +goose Down
drop table federation.hub_keys;
drop table federation.statements;
drop view federation.peers_in_force;
drop table federation.peers;
drop table federation.agreements;
drop table federation.content_keys;
drop table federation.acts;
