-- +goose Up
-- Private look-ups (docs/decisions/0096): another hub finds out whether somebody is here to
-- be told of, and this one does not learn whom it means. A tag is the function's value of
-- what a column of a shared scheme calls somebody whom it publishes.

-- The columns that have a scheme, as the duty last heard from the terms.
create table relmgr.look_up_columns (
  column_id governance.code primary key,
  scheme    governance.code not null
);

-- The secrets of the epochs are in the duty's key file. One is published when all tags of
-- it are there, and answered until a while after the next one is.
create table relmgr.look_up_epochs (
  epoch      int primary key,
  public_key bytea not null,
  bits       int not null, -- of a prefix
  begun_at   timestamptz not null,
  published  timestamptz,
  constraint look_up_key_has_its_size check (octet_length(public_key) = 32),
  constraint prefix_is_short check (bits between 1 and 16)
);

-- A tag as it is stored: its place is a keyed hash of its column, its epoch and its prefix,
-- and the value is sealed. Two columns' tags of one person have nothing in common.
create table relmgr.look_up_tags (
  handle_id uuid not null references relmgr.handles,
  epoch     int not null references relmgr.look_up_epochs,
  place     bytea not null,
  sealed    bytea not null,
  wrapped   bytea not null,
  primary key (handle_id, epoch),
  constraint place_is_sha256 check (octet_length(place) = 32)
);
create index look_up_tags_by_place on relmgr.look_up_tags (place);
create index look_up_tags_by_epoch on relmgr.look_up_tags (epoch);

-- Whose tags have still to be made.
create table relmgr.look_up_due (
  handle_id uuid primary key references relmgr.handles
);

-- How many questions of a hub for a purpose, or look-ups of a practitioner, there were on a
-- day: what quotas are held to.
create table relmgr.asked_on (
  day     date not null,
  asker   text not null,
  purpose governance.code not null,
  private boolean not null,
  used    int not null,
  primary key (day, asker, purpose, private)
);

-- +goose StatementBegin
create function relmgr.tags_are_due() returns trigger language plpgsql as $$
begin
  -- Whoever gives a column a scheme, or begins an epoch, waits for those who publish.
  perform pg_advisory_xact_lock_shared(1717660097, 0);
  if exists (select from relmgr.look_up_columns c where c.column_id = new.column_id) then
    insert into relmgr.look_up_due (handle_id) values (new.handle_id) on conflict do nothing;
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger tags_are_due after insert on relmgr.cells for each row execute function relmgr.tags_are_due();

-- What has been erased has no tag, and what has moved has another.
-- +goose StatementBegin
create function relmgr.tags_are_over() returns trigger language plpgsql as $$
begin
  delete from relmgr.look_up_tags t where t.handle_id = new.handle_id;
  if new.wrapped_by <> '' and exists (select from relmgr.look_up_columns c where c.column_id = new.column_id) then
    insert into relmgr.look_up_due (handle_id) values (new.handle_id) on conflict do nothing;
  else
    delete from relmgr.look_up_due d where d.handle_id = new.handle_id;
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger tags_are_over after update of column_id, wrapped_by on relmgr.handles for each row
  when (old.column_id <> new.column_id or old.wrapped_by <> '' and new.wrapped_by = '') execute function relmgr.tags_are_over();

-- What the federation duty publishes: the key of the newest epoch that can be asked in.
create view relmgr.look_up_key as
  select epoch, public_key, bits from relmgr.look_up_epochs where published is not null order by epoch desc limit 1;

-- What came of another hub's question.
alter table relmgr.enquiries
  drop constraint peer_outcome_is_known,
  add constraint peer_outcome_is_known check (peer_outcome in ('answered', 'stopped', 'used-before', 'evaluated', 'looked-up', 'over-quota'));
alter table federation.exchanges
  drop constraint exchange_kind_is_known,
  add constraint exchange_kind_is_known check (kind in ('enquiry', 'look-up', 'escalation', 'unknown')),
  drop constraint exchange_outcome_is_known,
  add constraint exchange_outcome_is_known check (outcome in ('answered', 'stopped', 'used-before', 'evaluated', 'looked-up', 'over-quota', 'returned', 'discarded', 'escalated', 'no-answer'));

-- +goose Down
delete from federation.exchanges where kind = 'look-up' or outcome = 'over-quota';
alter table federation.exchanges
  drop constraint exchange_outcome_is_known,
  add constraint exchange_outcome_is_known check (outcome in ('answered', 'stopped', 'used-before', 'returned', 'discarded', 'escalated', 'no-answer')),
  drop constraint exchange_kind_is_known,
  add constraint exchange_kind_is_known check (kind in ('enquiry', 'escalation', 'unknown'));
delete from relmgr.review_outcomes o using relmgr.reviews v, relmgr.enquiries e
 where v.review_id = o.review_id and e.enquiry_id = v.enquiry_id and e.peer_outcome in ('evaluated', 'looked-up', 'over-quota');
delete from relmgr.reviews v using relmgr.enquiries e where e.enquiry_id = v.enquiry_id and e.peer_outcome in ('evaluated', 'looked-up', 'over-quota');
delete from relmgr.content_keys k using relmgr.enquiries e where k.record_id = e.enquiry_id and e.peer_outcome in ('evaluated', 'looked-up', 'over-quota');
delete from relmgr.peer_requests p using relmgr.enquiries e where p.enquiry_id = e.enquiry_id and e.peer_outcome in ('evaluated', 'looked-up', 'over-quota');
delete from relmgr.enquiries where peer_outcome in ('evaluated', 'looked-up', 'over-quota');
alter table relmgr.enquiries
  drop constraint peer_outcome_is_known,
  add constraint peer_outcome_is_known check (peer_outcome in ('answered', 'stopped', 'used-before'));
drop view relmgr.look_up_key;
drop trigger tags_are_over on relmgr.handles;
drop function relmgr.tags_are_over;
drop trigger tags_are_due on relmgr.cells;
drop function relmgr.tags_are_due;
drop table relmgr.asked_on, relmgr.look_up_due, relmgr.look_up_tags, relmgr.look_up_epochs, relmgr.look_up_columns;
