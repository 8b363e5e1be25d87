-- +goose Up
-- What has ended is erased when the partnership's rules say so, by an act that
-- names its leaves (LEG-29).

-- +goose StatementBegin
do $$
begin
  execute (select format('alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''expire''::text, '))
             from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

-- +goose Down
select 1;
