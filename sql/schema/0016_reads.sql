-- +goose Up
-- Reading what is recorded of people, or of who asked about them, is an enquiry
-- too: who read what, for which purpose and reason. One that reads what is not of
-- one handle names none; what it was shown is in its sealed record.
alter table relmgr.enquiries
  add column reads text,
  alter column column_id drop not null,
  drop constraint refused_enquiry_looks_nothing_up,
  add constraint refused_enquiry_looks_nothing_up check (
    case when reads is null then (stopped_at is null) = (handle_id is not null) else stopped_at is null end),
  add constraint enquiry_reads_what_is_known check (reads in ('acts', 'act', 'contact-requests', 'reviews')),
  add constraint all_but_a_read_of_reviews_have_a_column check ((column_id is null) = (reads is not null and reads = 'reviews'));

-- +goose Down
delete from relmgr.review_outcomes o using relmgr.reviews v, relmgr.enquiries e
 where v.review_id = o.review_id and e.enquiry_id = v.enquiry_id and e.reads is not null;
delete from relmgr.reviews v using relmgr.enquiries e where e.enquiry_id = v.enquiry_id and e.reads is not null;
delete from relmgr.content_keys k using relmgr.enquiries e where k.record_id = e.enquiry_id and e.reads is not null;
delete from relmgr.enquiries where reads is not null;
alter table relmgr.enquiries
  drop constraint all_but_a_read_of_reviews_have_a_column,
  drop constraint refused_enquiry_looks_nothing_up,
  add constraint refused_enquiry_looks_nothing_up check ((stopped_at is null) = (handle_id is not null)),
  alter column column_id set not null,
  drop column reads;
