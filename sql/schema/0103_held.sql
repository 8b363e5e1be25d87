-- +goose Up
-- What somebody else's word is in a consent is held until a person of the agency that
-- controls it has looked: the person it is about is told it, or that it is left out and why
-- (SUB-01, SUB-13). One that is left out can be told later; not the other way.
create table consent.reviews (
  act_id     uuid primary key references consent.acts,
  consent_id uuid not null references consent.proxies (consent_id),
  at         timestamptz not null,
  outcome    text not null,
  reason     governance.code not null,
  unique (consent_id, outcome),
  constraint review_outcome_is_known check (outcome in ('release', 'withhold'))
);
create index consents_by_column on consent.consents (column_id, consent_id);

-- +goose StatementBegin
do $$
begin
  execute (select format('alter table consent.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''review''::text, '))
             from pg_constraint where conrelid = 'consent.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

-- +goose Down
drop index consent.consents_by_column;
drop table consent.reviews;
delete from consent.content_keys k using consent.acts a where k.record_id = a.act_id and a.kind = 'review';
delete from consent.acts where kind = 'review';
alter table consent.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in ('capture', 'withdraw', 'exclude', 'include', 'block', 'unblock', 'ask', 'refuse', 'not-asked'));
