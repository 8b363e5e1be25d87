-- +goose Up
-- Caseloads that move between two columns of one agency, acts that say since when
-- something is so, and acts of the subject that a practitioner records.
-- The kinds are those known so far and one more, whatever came before.
-- +goose StatementBegin
do $$
declare known text;
begin
  select pg_get_expr(conbin, conrelid) into known
    from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known';
  execute 'alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known check ('
    || replace(known, ']', ', ''move''::text]') || ')';
end $$;
-- +goose StatementEnd
alter table relmgr.acts
  add column since timestamptz,
  add column evidence text,
  add constraint act_evidence_is_known check (evidence in ('signed-form', 'recorded-call', 'spoken-and-noted', 'electronic', 'interpreter-present')),
  add constraint act_of_the_subject_has_evidence check (evidence is null or mode = 'subject'),
  -- A fact of the future is nobody's to record; a clock may be fast.
  add constraint act_is_not_since_the_future check (since <= at + interval '5 minutes');

-- A handle that moved from one column to another of the same agency. The act and
-- the two columns are the record; which column a handle is in now stands with
-- the handle. swapped is the handle that the identifier of the new column had
-- before, with no history: it takes the place in the old column.
create table relmgr.moves (
  act_id      uuid primary key references relmgr.acts,
  handle_id   uuid not null references relmgr.handles,
  from_column governance.code not null,
  to_column   governance.code not null,
  swapped     uuid references relmgr.handles,
  constraint move_leaves_its_column check (from_column <> to_column)
);
create index moves_by_column on relmgr.moves (to_column, from_column);
create index deliveries_by_handle on relmgr.deliveries (handle_id);

-- +goose Down
drop table relmgr.moves;
drop index relmgr.deliveries_by_handle;
alter table relmgr.acts
  drop constraint act_is_not_since_the_future, drop constraint act_of_the_subject_has_evidence, drop constraint act_evidence_is_known,
  drop column evidence, drop column since;
