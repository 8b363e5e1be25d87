-- +goose Up
-- What a registrar found to be wrong suspends what rested on it, by an act of the hub,
-- until a person has looked (AUT-04). A record is taken up once.
-- +goose StatementBegin
do $$
begin
  execute (select format('alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''repair''::text, '))
             from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

create table relmgr.repairs (
  record_id uuid primary key,                -- the act or the enquiry that relied on it
  act_id    uuid unique references relmgr.acts -- which suspends the act; none of an enquiry, which is reviewed
);

alter table relmgr.reviews drop constraint review_cause_is_known,
  add constraint review_cause_is_known check (cause in ('emergency', 'flag', 'sample', 'repair'));

-- +goose Down
delete from relmgr.review_outcomes o using relmgr.reviews v where v.review_id = o.review_id and v.cause = 'repair';
delete from relmgr.reviews where cause = 'repair';
alter table relmgr.reviews drop constraint review_cause_is_known,
  add constraint review_cause_is_known check (cause in ('emergency', 'flag', 'sample'));
drop table relmgr.repairs;
