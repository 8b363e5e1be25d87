-- +goose Up
-- Blocks: what a person hides. A block hides a relationship except in a recorded
-- emergency; creator-only hides it from everybody outside the agency that made it,
-- without exception (PUB-08, PUB-09, A-07).
alter table consent.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in ('capture', 'withdraw', 'exclude', 'include', 'block', 'unblock'));

create table consent.blocks (
  block_id  uuid primary key,
  act_id    uuid not null references consent.acts,
  handle_id uuid not null,
  agency_id governance.code not null, -- who controls the handle's column
  reach     text not null,
  warning   governance.code not null, -- which words of the likely effect on care were shown
  starts_at timestamptz not null,
  evidence  text not null,
  constraint block_reach_is_known check (reach in ('block', 'creator-only'))
);
create index blocks_by_handle on consent.blocks (handle_id);

create table consent.unblocks (
  block_id uuid primary key references consent.blocks,
  act_id   uuid not null references consent.acts,
  at       timestamptz not null,
  evidence text not null
);

create view consent.published_blocks as
  select b.block_id, b.handle_id, b.reach, b.starts_at, u.at as ended_at
    from consent.blocks b
    left join consent.unblocks u on u.block_id = b.block_id;

-- Emergencies: an enquiry that says so may be told of what is blocked. Each
-- opens a review, whether or not it found anything.
alter table relmgr.enquiries add column emergency boolean not null default false;

create table relmgr.reviews (
  enquiry_id uuid primary key references relmgr.enquiries,
  agency_id  governance.code not null,
  opened_at  timestamptz not null,
  due_at     timestamptz not null
);
create index reviews_by_agency on relmgr.reviews (agency_id, opened_at);

alter table relmgr.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in (
    'publish', 'pair', 'correlate', 'separate', 'withdraw', 'refuse', 'keep-apart', 'dispute', 'settle', 'suspend', 'end',
    'asked-in-error', 'confirm', 'contact', 'reply', 'review'));

create table relmgr.review_outcomes (
  enquiry_id uuid primary key references relmgr.reviews,
  act_id     uuid not null references relmgr.acts,
  outcome    text not null,
  constraint review_outcome_is_known check (outcome in ('justified', 'not-justified', 'more-needed'))
);

-- +goose Down
drop table relmgr.review_outcomes, relmgr.reviews;
alter table relmgr.enquiries drop column emergency;
drop view consent.published_blocks;
drop table consent.unblocks, consent.blocks;
