-- +goose Up
-- More that a person can do: keep two apart, dispute, settle, suspend, end, say
-- that something was asked in error, confirm, and act jointly.
alter table relmgr.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in (
    'publish', 'pair', 'correlate', 'separate', 'withdraw', 'refuse',
    'keep-apart', 'dispute', 'settle', 'suspend', 'end', 'asked-in-error', 'confirm'));

-- Keep-aparts in effect: a projection. A correlation that would bring both ends
-- onto one row is barred.
create table relmgr.keep_aparts (
  act_id   uuid not null references relmgr.acts,
  handle_a uuid not null references relmgr.handles,
  handle_b uuid not null references relmgr.handles,
  primary key (act_id, handle_a, handle_b),
  constraint keep_apart_names_two_handles check (handle_a <> handle_b)
);
create index keep_aparts_by_a on relmgr.keep_aparts (handle_a);
create index keep_aparts_by_b on relmgr.keep_aparts (handle_b);

-- Disputes in effect: a projection. A disputed handle's correlations answer
-- nobody until a person says which hold.
create table relmgr.disputes (
  act_id    uuid not null references relmgr.acts,
  handle_id uuid not null references relmgr.handles,
  primary key (act_id, handle_id)
);
create index disputes_by_handle on relmgr.disputes (handle_id);

-- Correlating acts that a keep-apart barred, and the act that tried to place
-- them. Barred is barred: no automatic process joins what was not joined, so
-- when the keep-apart ends a person correlates anew (invariant 10).
create table relmgr.barred (
  act_id    uuid primary key references relmgr.acts,
  barred_in uuid not null references relmgr.acts
);

-- Confirmations of a correlation by its other side. A joint one answers nobody
-- before it has one in effect.
create table relmgr.confirmations (
  act_id   uuid primary key references relmgr.acts,
  confirms uuid not null references relmgr.acts
);
create index confirmations_by_confirmed on relmgr.confirmations (confirms);

-- +goose Down
drop table relmgr.confirmations, relmgr.barred, relmgr.disputes, relmgr.keep_aparts;
