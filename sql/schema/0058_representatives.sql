-- +goose Up
-- Who can decide for themself, and who may act for somebody that cannot (LEG-21,
-- SUB-12). Presumed by age, as the law profile says; an assessment outweighs that.
insert into registrar.act_kinds values ('assess-competence', false), ('record-representative', false), ('end-representative', false);

create table registrar.assessments (
  act_id     uuid primary key references registrar.acts,
  subject_id uuid not null references registrar.subjects,
  competent  boolean not null,
  ends_at    timestamptz not null
);
create index assessments_by_subject on registrar.assessments (subject_id);

create table registrar.representatives (
  act_id            uuid primary key references registrar.acts,
  subject_id        uuid not null references registrar.subjects,
  representative_id uuid not null references registrar.subjects,
  authority         text not null,
  evidence          text not null,
  scope             text[] not null,
  ends_at           timestamptz not null,
  constraint authority_is_known check (authority in ('parental-responsibility', 'special-guardian', 'local-authority-care', 'lasting-power-of-attorney', 'court-appointed-deputy')),
  constraint authority_evidence_is_known check (evidence in ('document-seen', 'register-checked', 'own-records', 'stated-and-noted')),
  constraint scope_is_known check (scope <@ array['see', 'decide'] and cardinality(scope) > 0),
  constraint nobody_represents_themself check (subject_id <> representative_id)
);
create index representatives_by_representative on registrar.representatives (representative_id);

create table registrar.representatives_ended (
  represents uuid primary key references registrar.representatives,
  act_id     uuid not null references registrar.acts
);

-- +goose Down
drop table registrar.representatives_ended, registrar.representatives, registrar.assessments;
delete from registrar.act_kinds where kind in ('assess-competence', 'record-representative', 'end-representative');
