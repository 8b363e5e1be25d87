-- +goose Up
-- Handles that share a row with another of their own column: one person under two
-- identifiers, perhaps. They follow from handles alone, and change where a row or a column
-- of one does. A new handle has a row to itself, so that making one costs nothing.
create table relmgr.duplicates (
  row_id    uuid not null,
  handle_id uuid not null references relmgr.handles on delete cascade,
  column_id governance.code not null,
  primary key (row_id, handle_id)
);
create index duplicates_by_column on relmgr.duplicates (column_id, row_id, handle_id);
create index duplicates_by_handle on relmgr.duplicates (handle_id);

-- +goose StatementBegin
create function relmgr.note_duplicates() returns trigger language plpgsql as $$
begin
  delete from relmgr.duplicates where row_id in (old.row_id, new.row_id);
  insert into relmgr.duplicates (row_id, handle_id, column_id)
  select h.row_id, h.handle_id, h.column_id from relmgr.handles h
   where h.row_id in (old.row_id, new.row_id)
     and exists (select from relmgr.handles o where o.row_id = h.row_id and o.column_id = h.column_id and o.handle_id <> h.handle_id);
  return null;
end $$;
-- +goose StatementEnd
create trigger note_duplicates after update of row_id, column_id on relmgr.handles
  for each row when (old.row_id <> new.row_id or old.column_id <> new.column_id) execute function relmgr.note_duplicates();

insert into relmgr.duplicates (row_id, handle_id, column_id)
select h.row_id, h.handle_id, h.column_id
  from (select *, count(*) over (partition by row_id, column_id) as n from relmgr.handles) h
 where h.n > 1;

-- +goose Down
drop trigger note_duplicates on relmgr.handles;
drop function relmgr.note_duplicates();
drop table relmgr.duplicates;
