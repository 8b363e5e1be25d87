-- +goose Up
-- What somebody has asked, for themself: newest first, page by page.
create index enquiries_by_asker on relmgr.enquiries (practitioner_id, at, enquiry_id) where reads is null and peer is null;

-- Joint acts, which wait for somebody else's word, in the order in which they wait.
create index acts_that_are_joint on relmgr.acts (at, act_id) where mode = 'joint' and kind in ('correlate', 'publish');

-- Reading what waits is recorded, as other reads are.
alter table relmgr.enquiries
  drop constraint enquiry_reads_what_is_known,
  add constraint enquiry_reads_what_is_known check (reads in ('acts', 'act', 'contact-requests', 'reviews', 'as-of', 'notices', 'cases'));

-- +goose Down
alter table relmgr.enquiries
  drop constraint enquiry_reads_what_is_known,
  add constraint enquiry_reads_what_is_known check (reads in ('acts', 'act', 'contact-requests', 'reviews', 'as-of', 'notices'));
drop index relmgr.acts_that_are_joint;
drop index relmgr.enquiries_by_asker;
