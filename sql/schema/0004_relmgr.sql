-- +goose Up
-- The index. Handles, acts, decisions and enquiries are the truth; cells,
-- correlations' states and rows are a projection of the acts that
-- `fame verify` can rebuild. No table here has a name, a date of birth, a note
-- or a private link (IDX-04).

-- The keys that this database was filled with. A key whose check value differs
-- is another key, and is refused before it can mint a second token for a
-- person who has one.
create table relmgr.key_checks (
  key_id      text primary key,
  check_value bytea not null
);

-- relmgr's random id for one (column, identifier). The token is a keyed
-- look-up value, the identifier is sealed under a data key of its own, and the
-- data key is wrapped by the controlling agency's key. row_id is the projection:
-- the component of the correlations that are not withdrawn.
create table relmgr.handles (
  handle_id   uuid primary key,
  column_id   governance.code not null,
  token       bytea not null,
  sealed      bytea not null,
  wrapped_key bytea not null,
  wrapped_by  text not null,
  row_id      uuid not null,
  constraint token_is_sha256 check (octet_length(token) = 32),
  constraint one_handle_per_identifier unique (column_id, token)
);
create index handles_by_row on relmgr.handles (row_id);

create table relmgr.acts (
  act_id          uuid primary key,
  kind            text not null,
  at              timestamptz not null,
  practitioner_id governance.code not null,
  agency_id       governance.code not null,
  role            governance.code not null,
  mode            text,
  reason          governance.code,
  agreement       governance.code,
  ground          text,
  provider_role   governance.code, -- of a publication: as what the provider knows the person (PUB-02)
  terms_version   bigint not null,
  commitment      bytea not null,
  sealed          bytea not null,
  constraint act_kind_is_known check (kind in ('publish', 'pair', 'correlate', 'separate', 'withdraw', 'refuse')),
  constraint act_mode_is_known check (mode in ('subject', 'supplier-with-consent', 'joint', 'imposed'))
);

-- The key of what an act, a decision or an enquiry holds beyond ids, codes and
-- times. The one table of this duty that allows DELETE.
create table relmgr.content_keys (
  record_id uuid primary key,
  wrapped   bytea not null
);

-- Which handles an act is about.
create table relmgr.act_handles (
  act_id    uuid not null references relmgr.acts,
  handle_id uuid not null references relmgr.handles,
  primary key (handle_id, act_id)
);
create index act_handles_by_act on relmgr.act_handles (act_id);

-- Which acts an act undoes: a separation its correlations, a withdrawal the
-- withdrawn act.
create table relmgr.undoings (
  act_id uuid not null references relmgr.acts,
  undoes uuid not null references relmgr.acts,
  primary key (undoes, act_id)
);
create index undoings_by_act on relmgr.undoings (act_id);

-- What each agency is shown in place of an act (IDX-13): two agencies that were
-- party to one act see no common value.
create table relmgr.act_references (
  reference_id uuid primary key,
  act_id       uuid not null references relmgr.acts,
  agency_id    governance.code not null,
  constraint one_reference_per_agency unique (act_id, agency_id)
);

-- One side's four steps. A standing decision (publish, correlate) says to whom,
-- for what and until when; a refused one says which step stopped it.
create table relmgr.decisions (
  decision_id   uuid primary key,
  act_id        uuid not null references relmgr.acts,
  handle_id     uuid references relmgr.handles,
  practitioner_id governance.code not null,
  agency_id     governance.code not null,
  outcome       text not null,
  stopped_at    smallint,
  steps         jsonb not null,
  agreement     governance.code not null,
  power         governance.code not null,
  ground        text not null,
  purposes      text[] not null,
  aspects       text[] not null,
  audience_kind text not null,
  audience      text[] not null,
  until         timestamptz not null,
  terms_version bigint not null,
  profile       governance.code not null,
  constraint decision_outcome_is_known check (outcome in ('permitted', 'refused')),
  constraint refused_decision_names_its_step check ((outcome = 'refused') = (stopped_at is not null)),
  constraint decision_stopped_at_one_of_four check (stopped_at between 1 and 4),
  constraint decision_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns')),
  constraint decision_audience_is_named check ((audience_kind = 'partnership') = (cardinality(audience) = 0))
);
create index decisions_by_act on relmgr.decisions (act_id);

-- The consents that a decision rests on: it ends with the first of them.
create table relmgr.decision_consents (
  decision_id uuid not null references relmgr.decisions,
  consent_id  uuid not null,
  primary key (decision_id, consent_id)
);

-- Published handles: the projection. At most one live cell per handle.
create table relmgr.cells (
  handle_id   uuid primary key references relmgr.handles,
  act_id      uuid not null references relmgr.acts,
  decision_id uuid not null references relmgr.decisions,
  column_id   governance.code not null,
  role        governance.code not null
);

-- What a cell offers, in closed codes (A-13).
create table relmgr.offers (
  act_id       uuid not null references relmgr.acts,
  ordinal      smallint not null,
  kind         text not null,
  transactions text[] not null,
  contact      governance.code not null,
  primary key (act_id, ordinal),
  constraint offer_kind_is_known check (kind in ('will-co-ordinate', 'will-make-available', 'wants-to-be-informed'))
);

-- Correlations that are not withdrawn: the projection. Each side has its own
-- decision; both must stand for the correlation to be in force.
create table relmgr.correlations (
  act_id     uuid primary key references relmgr.acts,
  handle_a   uuid not null references relmgr.handles,
  handle_b   uuid not null references relmgr.handles,
  decision_a uuid not null references relmgr.decisions,
  decision_b uuid not null references relmgr.decisions,
  constraint correlation_joins_two_handles check (handle_a <> handle_b)
);
create index correlations_by_a on relmgr.correlations (handle_a);
create index correlations_by_b on relmgr.correlations (handle_b);

-- Open pairings. The code itself is never stored, only its keyed hash. Taking
-- one is an insert that can succeed once.
create table relmgr.pairings (
  pairing_id  uuid primary key,
  act_id      uuid not null references relmgr.acts,
  code_hash   bytea not null,
  handle_id   uuid not null references relmgr.handles,
  decision_id uuid not null references relmgr.decisions,
  agency_id   governance.code not null,
  ends_at     timestamptz not null
);
create index pairings_by_code on relmgr.pairings (code_hash);

create table relmgr.pairings_used (
  pairing_id uuid primary key references relmgr.pairings,
  act_id     uuid not null references relmgr.acts
);

-- Who asked, for which handle, why, and what was disclosed. Refusals too: they
-- name the step and no handle, since nothing was looked up.
create table relmgr.enquiries (
  enquiry_id      uuid primary key,
  at              timestamptz not null,
  practitioner_id governance.code not null,
  agency_id       governance.code not null,
  role            governance.code not null,
  column_id       governance.code not null,
  handle_id       uuid references relmgr.handles,
  purpose         governance.code not null,
  reason          governance.code not null,
  concerning      text not null,
  transaction     governance.code,
  stopped_at      smallint,
  terms_version   bigint not null,
  commitment      bytea not null,
  sealed          bytea not null,
  constraint refused_enquiry_looks_nothing_up check ((stopped_at is null) = (handle_id is not null)),
  constraint enquiry_concerning_is_known check (concerning in ('child', 'adult', 'unborn', 'not-known'))
);
create index enquiries_by_handle on relmgr.enquiries (handle_id, at);

-- Which cells an enquiry disclosed and on which standing decision.
create table relmgr.disclosures (
  enquiry_id  uuid not null references relmgr.enquiries,
  handle_id   uuid not null references relmgr.handles,
  decision_id uuid not null references relmgr.decisions,
  primary key (handle_id, enquiry_id)
);

-- +goose Down
drop table relmgr.disclosures, relmgr.enquiries, relmgr.pairings_used, relmgr.pairings, relmgr.correlations,
  relmgr.offers, relmgr.cells, relmgr.decision_consents, relmgr.decisions, relmgr.act_references, relmgr.undoings,
  relmgr.act_handles, relmgr.content_keys, relmgr.acts, relmgr.handles, relmgr.key_checks;
