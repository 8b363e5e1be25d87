-- +goose Up
-- Look-up tags of what is published become due by the statement: a part of a file places a
-- thousand cells, and took the lock and looked for the column a thousand times.
drop trigger tags_are_due on relmgr.cells;
-- +goose StatementBegin
create or replace function relmgr.tags_are_due() returns trigger language plpgsql as $$
begin
  -- Whoever gives a column a scheme, or begins an epoch, waits for those who publish.
  perform pg_advisory_xact_lock_shared(1717660097, 0);
  insert into relmgr.look_up_due (handle_id)
  select p.handle_id from placed p join relmgr.look_up_columns c on c.column_id = p.column_id
  on conflict do nothing;
  return null;
end $$;
-- +goose StatementEnd
create trigger tags_are_due after insert on relmgr.cells
  referencing new table as placed for each statement execute function relmgr.tags_are_due();

-- +goose Down
drop trigger tags_are_due on relmgr.cells;
-- +goose StatementBegin
create or replace function relmgr.tags_are_due() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(1717660097, 0);
  if exists (select from relmgr.look_up_columns c where c.column_id = new.column_id) then
    insert into relmgr.look_up_due (handle_id) values (new.handle_id) on conflict do nothing;
  end if;
  return null;
end $$;
-- +goose StatementEnd
create trigger tags_are_due after insert on relmgr.cells for each row execute function relmgr.tags_are_due();
