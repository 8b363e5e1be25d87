-- +goose Up
-- What the index would have answered on an earlier date: one person asks, another
-- of the agency approves, each by an act (design.md section 11).

-- +goose StatementBegin
do $$
begin
  execute (select format('alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''ask-as-of''::text, ''approve-as-of''::text, '))
             from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

-- The second person's approval, once for each.
create table relmgr.as_of_approvals (
  approves uuid primary key references relmgr.acts, -- the act that asked
  act_id   uuid not null unique references relmgr.acts
);
create index acts_that_ask_as_of on relmgr.acts (agency_id, at) where kind = 'ask-as-of';

-- Reading the answer is an enquiry.
alter table relmgr.enquiries
  drop constraint enquiry_reads_what_is_known,
  add constraint enquiry_reads_what_is_known check (reads in ('acts', 'act', 'contact-requests', 'reviews', 'as-of'));

-- Which terms were in force when.
create or replace view governance.published_terms as
  select version, document, applied_at from governance.terms;

-- +goose Down
drop view governance.published_terms;
create view governance.published_terms as
  select version, document from governance.terms;
delete from relmgr.review_outcomes o using relmgr.reviews v, relmgr.enquiries e
 where v.review_id = o.review_id and e.enquiry_id = v.enquiry_id and e.reads = 'as-of';
delete from relmgr.reviews v using relmgr.enquiries e where e.enquiry_id = v.enquiry_id and e.reads = 'as-of';
delete from relmgr.disclosures d using relmgr.enquiries e where e.enquiry_id = d.enquiry_id and e.reads = 'as-of';
delete from relmgr.content_keys k using relmgr.enquiries e where k.record_id = e.enquiry_id and e.reads = 'as-of';
delete from relmgr.enquiries where reads = 'as-of';
alter table relmgr.enquiries
  drop constraint enquiry_reads_what_is_known,
  add constraint enquiry_reads_what_is_known check (reads in ('acts', 'act', 'contact-requests', 'reviews'));
drop index relmgr.acts_that_ask_as_of;
drop table relmgr.as_of_approvals;
