-- +goose Up
-- Trust marks (OpenID Federation 1.1, section 7): the hub's word that another meets what
-- a kind of mark stands for, given by an officer's act and taken back by another. What is
-- signed is made of it when somebody asks, and lives no longer than a day.
-- +goose StatementBegin
do $$
begin
  execute (select format('alter table federation.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''issue-mark''::text, ''revoke-mark''::text, '))
             from pg_constraint where conrelid = 'federation.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

create table federation.marks (
  act_id     uuid primary key references federation.acts,
  mark_id    uuid not null,
  step       text not null,
  kind       governance.code,
  subject    text,
  expires_at timestamptz,
  constraint mark_step_is_known check (step in ('issue-mark', 'revoke-mark')),
  constraint mark_is_issued_whole check ((step = 'issue-mark') = (kind is not null) and (kind is null) = (subject is null) and (kind is null) = (expires_at is null)),
  constraint mark_subject_is_an_address check (subject ~ '^https?://[!-~]+$' and length(subject) <= 255),
  constraint mark_is_issued_and_revoked_once unique (mark_id, step)
);
create index marks_by_kind on federation.marks (kind, subject, expires_at) where step = 'issue-mark';

-- +goose Down
drop table federation.marks;
delete from federation.content_keys k using federation.acts a where k.record_id = a.act_id and a.kind in ('issue-mark', 'revoke-mark');
delete from federation.acts where kind in ('issue-mark', 'revoke-mark');
