-- +goose Up
-- How a register's subject is found without a number that anybody has in common
-- (design.md section 3). A registrar's recognition carries one secret for the
-- subject and this hub; relmgr derives values of it, for each column others, and
-- forgets it. No two handles share a value, of one person neither (invariant 4).
create table relmgr.anchors (
  anchor_id uuid primary key,
  handle_id uuid not null references relmgr.handles,
  registrar governance.code not null,
  epoch     integer not null, -- of the key; the value of the next one follows from it
  value     bytea not null,
  constraint anchor_value_is_sha256 check (octet_length(value) = 32),
  constraint no_two_handles_share_an_anchor unique (value)
);
create index anchors_by_handle on relmgr.anchors (handle_id);
create index anchors_by_epoch on relmgr.anchors (epoch, anchor_id);

-- Which acts attach an anchor, and whether each is in effect: a projection. An
-- anchor finds its handle while one of them is. Erasing a handle deletes its
-- anchors, and these with them.
create table relmgr.attachments (
  act_id    uuid primary key references relmgr.acts,
  anchor_id uuid not null references relmgr.anchors on delete cascade,
  live      boolean not null
);
create index attachments_by_anchor on relmgr.attachments (anchor_id);

-- The newest key of anchors. A statement that stores one holds this row until the
-- commit, so that none is stored by a key of before when the next begins.
create table relmgr.anchor_epochs (
  one   boolean primary key default true,
  epoch integer not null,
  constraint there_is_one_row check (one),
  constraint anchor_epoch_is_positive check (epoch >= 1)
);
insert into relmgr.anchor_epochs (epoch) values (1);

-- Recognitions that were used, each once: a keyed hash of the registrar and the
-- recognition's id, so that nothing here is found in a registrar's records.
create table relmgr.recognitions_used (
  recognition_hash bytea primary key,
  record_id        uuid not null unique, -- the act, or the enquiry
  constraint recognition_hash_is_sha256 check (octet_length(recognition_hash) = 32)
);

-- An enquiry about somebody whom a registrar has recognised names no handle: who
-- asks has none. One with a recognition that was made for somebody else, or had
-- been used, looks nothing up.
alter table relmgr.enquiries
  add column recognition text,
  drop constraint refused_enquiry_looks_nothing_up,
  add constraint enquiry_recognition_is_known check (recognition in ('used', 'of-another', 'used-before')),
  add constraint refused_enquiry_looks_nothing_up check (
    case when reads is not null then stopped_at is null and recognition is null
         when recognition is not null then stopped_at is null and handle_id is null
         else (stopped_at is null) = (handle_id is not null) end);

-- +goose StatementBegin
do $$
begin
  execute (select format('alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''attach-anchor''::text, '))
             from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

-- +goose Down
delete from relmgr.review_outcomes o using relmgr.reviews v, relmgr.enquiries e
 where v.review_id = o.review_id and e.enquiry_id = v.enquiry_id and e.recognition is not null;
delete from relmgr.reviews v using relmgr.enquiries e where e.enquiry_id = v.enquiry_id and e.recognition is not null;
delete from relmgr.disclosures d using relmgr.enquiries e where e.enquiry_id = d.enquiry_id and e.recognition is not null;
delete from relmgr.content_keys k using relmgr.enquiries e where k.record_id = e.enquiry_id and e.recognition is not null;
delete from relmgr.enquiries where recognition is not null;
alter table relmgr.enquiries
  drop constraint refused_enquiry_looks_nothing_up,
  add constraint refused_enquiry_looks_nothing_up check (
    case when reads is null then (stopped_at is null) = (handle_id is not null) else stopped_at is null end),
  drop constraint enquiry_recognition_is_known,
  drop column recognition;
drop table relmgr.recognitions_used, relmgr.anchor_epochs, relmgr.attachments, relmgr.anchors;
