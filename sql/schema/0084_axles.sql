-- +goose Up
-- What other hubs ask along axles (design.md section 4). A standing decision, and a
-- consent, may name other hubs beside the whole partnership.
alter table relmgr.decisions
  drop constraint decision_audience_is_known,
  add constraint decision_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns', 'peers'));
alter table consent.consents
  drop constraint consent_audience_is_known,
  add constraint consent_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns', 'peers'));
alter table consent.requests
  drop constraint request_audience_is_known,
  add constraint request_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns', 'peers'));

-- An enquiry of another hub is one like any other: a row, a leaf, what was disclosed.
-- It names the hub, and no handle, column or practitioner; its agency and its one-use
-- id are sealed. One that was stopped, or used an id that had been used, looked
-- nothing up.
alter table relmgr.enquiries
  add column peer text,
  add column peer_outcome text,
  drop constraint all_but_a_read_of_reviews_have_a_column,
  add constraint who_asks_has_a_column check ((column_id is null) = (peer is not null or reads is not null and reads = 'reviews')),
  add constraint peer_is_an_address check (peer ~ '^https?://[!-~]+$' and length(peer) <= 255),
  add constraint peer_outcome_is_known check (peer_outcome in ('answered', 'stopped', 'used-before')),
  add constraint peer_has_an_outcome check ((peer is null) = (peer_outcome is null)),
  drop constraint refused_enquiry_looks_nothing_up,
  add constraint refused_enquiry_looks_nothing_up check (
    case when peer is not null then reads is null and recognition is null and handle_id is null and (stopped_at is not null) = (peer_outcome = 'stopped')
         when reads is not null then stopped_at is null and recognition is null
         when recognition is not null then stopped_at is null and handle_id is null
         else (stopped_at is null) = (handle_id is not null) end);

-- The one-use ids of other hubs' requests, each once: a keyed hash of the hub and the id.
create table relmgr.peer_requests (
  request_hash bytea primary key,
  enquiry_id   uuid not null unique,
  constraint request_hash_is_sha256 check (octet_length(request_hash) = 32)
);

-- Those who try rules try them on their own partnership's questions.
create or replace view relmgr.asked as
  select (at at time zone 'UTC')::date as day, column_id, purpose, reason, emergency, count(*) as enquiries
    from relmgr.enquiries
   where stopped_at is null and reads is null and peer is null
   group by 1, 2, 3, 4, 5;

-- +goose Down
create or replace view relmgr.asked as
  select (at at time zone 'UTC')::date as day, column_id, purpose, reason, emergency, count(*) as enquiries
    from relmgr.enquiries
   where stopped_at is null and reads is null
   group by 1, 2, 3, 4, 5;
drop table relmgr.peer_requests;
delete from relmgr.review_outcomes o using relmgr.reviews v, relmgr.enquiries e
 where v.review_id = o.review_id and e.enquiry_id = v.enquiry_id and e.peer is not null;
delete from relmgr.reviews v using relmgr.enquiries e where e.enquiry_id = v.enquiry_id and e.peer is not null;
delete from relmgr.disclosures d using relmgr.enquiries e where e.enquiry_id = d.enquiry_id and e.peer is not null;
delete from relmgr.content_keys k using relmgr.enquiries e where k.record_id = e.enquiry_id and e.peer is not null;
delete from relmgr.enquiries where peer is not null;
alter table relmgr.enquiries
  drop constraint refused_enquiry_looks_nothing_up,
  drop constraint who_asks_has_a_column,
  drop column peer_outcome,
  drop column peer,
  add constraint all_but_a_read_of_reviews_have_a_column check ((column_id is null) = (reads is not null and reads = 'reviews')),
  add constraint refused_enquiry_looks_nothing_up check (
    case when reads is not null then stopped_at is null and recognition is null
         when recognition is not null then stopped_at is null and handle_id is null
         else (stopped_at is null) = (handle_id is not null) end);
alter table consent.requests
  drop constraint request_audience_is_known,
  add constraint request_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns'));
alter table consent.consents
  drop constraint consent_audience_is_known,
  add constraint consent_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns'));
alter table relmgr.decisions
  drop constraint decision_audience_is_known,
  add constraint decision_audience_is_known check (audience_kind in ('partnership', 'agencies', 'columns'));
