-- +goose Up
-- "Please contact me": a request of one who asked, to every holder on the row,
-- and what each holder answers. Code from before this migration shows the two
-- kinds of act under names that it does not know, and makes neither.
alter table relmgr.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in (
    'publish', 'pair', 'correlate', 'separate', 'withdraw', 'refuse',
    'keep-apart', 'dispute', 'settle', 'suspend', 'end', 'asked-in-error', 'confirm',
    'contact', 'reply'));

-- Who asks, for whom and why stands in the enquiry that a request follows.
create table relmgr.contact_requests (
  act_id     uuid primary key references relmgr.acts,
  enquiry_id uuid not null references relmgr.enquiries,
  contact    governance.code not null, -- a route of the asker's column
  agreements text[] not null,          -- under which the asker may be told
  constraint one_contact_request_per_enquiry unique (enquiry_id),
  constraint contact_request_rests_on_an_agreement check (cardinality(agreements) > 0)
);

-- A request as it reaches one holder, under that holder's own handle. Each has
-- an instant of its own, drawn at random, from which on the holder may see it:
-- no two holders, and no holder and asker, share a time.
create table relmgr.deliveries (
  delivery_id uuid primary key,
  act_id      uuid not null references relmgr.contact_requests,
  handle_id   uuid not null references relmgr.handles,
  column_id   governance.code not null,
  agency_id   governance.code not null, -- that controls the column
  deliver_at  timestamptz not null,
  due_at      timestamptz not null,
  constraint one_delivery_per_holder unique (act_id, handle_id),
  constraint delivery_is_due_later check (due_at > deliver_at)
);
create index deliveries_by_column on relmgr.deliveries (column_id, deliver_at);

-- What a holder answered. The asker is never shown a reply not to share.
create table relmgr.replies (
  delivery_id uuid primary key references relmgr.deliveries,
  act_id      uuid not null references relmgr.acts,
  reply       text not null,
  reason      governance.code not null,
  detriment   text not null,
  contact     governance.code, -- a route of the holder's column
  decision_id uuid references relmgr.decisions,
  constraint reply_is_known check (reply in ('share', 'not-share', 'call-me')),
  constraint reply_detriment_is_known check (detriment in ('not-considered', 'sharing-is-more-detrimental', 'sharing-is-not-more-detrimental')),
  constraint disclosing_reply_has_a_decision check ((reply = 'not-share') = (decision_id is null)),
  constraint disclosing_reply_has_a_contact check ((reply = 'not-share') = (contact is null))
);

-- +goose Down
drop table relmgr.replies, relmgr.deliveries, relmgr.contact_requests;
