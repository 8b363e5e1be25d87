-- +goose Up
-- Oversight: what the reviewers of an agency look at besides emergencies. An
-- enquiry may have a review for each of several causes.
alter table relmgr.review_outcomes drop constraint review_outcomes_enquiry_id_fkey;
alter table relmgr.reviews
  add column review_id uuid not null default gen_random_uuid(),
  add column cause text not null default 'emergency',
  drop constraint reviews_pkey,
  add primary key (review_id),
  add constraint one_review_per_enquiry_and_cause unique (enquiry_id, cause),
  add constraint review_cause_is_known check (cause in ('emergency', 'flag', 'sample'));

alter table relmgr.review_outcomes add column review_id uuid;
update relmgr.review_outcomes o set review_id = v.review_id from relmgr.reviews v where v.enquiry_id = o.enquiry_id;
alter table relmgr.review_outcomes
  drop constraint review_outcomes_pkey,
  add primary key (review_id),
  add foreign key (review_id) references relmgr.reviews,
  drop column enquiry_id;

-- What somebody has declared: that an identifier of a column is their own, one of
-- their household's, or one that they have a conflict of interest about. Whose,
-- which and how is sealed; in clear is only that somebody recorded something, so
-- that no dump says who a practitioner is as a subject. A row that ends another
-- is the record of its end.
create table relmgr.declarations (
  declaration_id  uuid primary key,
  at              timestamptz not null,
  practitioner_id governance.code not null, -- who recorded it
  agency_id       governance.code not null,
  role            governance.code not null,
  ends            uuid references relmgr.declarations,
  terms_version   bigint not null,
  commitment      bytea not null,
  sealed          bytea not null,
  constraint declaration_ends_once unique (ends)
);
create index declarations_by_agency on relmgr.declarations (agency_id);

-- The weekly samples that have been drawn. The seed comes from a key that this
-- database was bound to before the week began, and is written down when the week
-- is over: whoever has the enquiries can draw again and compare.
create table relmgr.samples (
  agency_id governance.code not null,
  week      date not null, -- its Monday
  seed      bytea not null,
  percent   smallint not null,
  primary key (agency_id, week),
  constraint sample_week_begins_on_monday check (extract(isodow from week) = 1),
  constraint sample_percent_is_a_share check (percent between 1 and 100)
);
-- Enquiries are appended in the order of time, which is all that this needs.
create index enquiries_by_time on relmgr.enquiries using brin (at) with (autosummarize = on);

-- +goose Down
drop index relmgr.enquiries_by_time;
drop table relmgr.samples, relmgr.declarations;
delete from relmgr.review_outcomes o using relmgr.reviews v where v.review_id = o.review_id and v.cause <> 'emergency';
delete from relmgr.reviews where cause <> 'emergency';
alter table relmgr.review_outcomes add column enquiry_id uuid;
update relmgr.review_outcomes o set enquiry_id = v.enquiry_id from relmgr.reviews v where v.review_id = o.review_id;
alter table relmgr.review_outcomes
  drop constraint review_outcomes_pkey,
  drop constraint review_outcomes_review_id_fkey,
  drop column review_id,
  add primary key (enquiry_id);
alter table relmgr.reviews
  drop constraint one_review_per_enquiry_and_cause,
  drop constraint reviews_pkey,
  drop column cause,
  drop column review_id,
  add primary key (enquiry_id);
alter table relmgr.review_outcomes add foreign key (enquiry_id) references relmgr.reviews;
