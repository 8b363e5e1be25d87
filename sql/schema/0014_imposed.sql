-- +goose Up
-- Imposed acts: whether the subject is to be told, what they object to and what
-- came of it. And columns that are closed: their data returned and destroyed.
-- The kinds are those known so far and more, whatever came before.
-- +goose StatementBegin
do $$
declare known text;
begin
  select pg_get_expr(conbin, conrelid) into known
    from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known';
  execute 'alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known check ('
    || replace(known, ']', ', ''tell''::text, ''object''::text, ''rule''::text, ''export''::text, ''destroy''::text]') || ')';
end $$;
-- +goose StatementEnd

-- Whether the subject is to be told of an imposed act. The newest of an act holds;
-- not to tell needs a risk and a date by which somebody else looks again.
create table relmgr.tellings (
  act_id      uuid primary key references relmgr.acts, -- that says so: the imposed act itself, or a later one
  tells_of    uuid not null references relmgr.acts,
  handle_id   uuid not null references relmgr.handles,
  agency_id   governance.code not null,
  at          timestamptz not null,
  told        boolean not null,
  risk        text,
  review_by   timestamptz,
  constraint telling_risk_is_known check (risk in ('risk-to-the-subject', 'risk-to-somebody-else', 'prejudice-to-an-inquiry')),
  constraint not_telling_names_its_risk check (told = (risk is null)),
  constraint not_telling_is_reviewed check (told = (review_by is null)),
  constraint not_telling_ends check (review_by > at)
);
create index tellings_by_act on relmgr.tellings (tells_of, at);
create index tellings_by_agency on relmgr.tellings (agency_id);

-- What a later duty of notices reads: whom to tell of which act.
create view relmgr.to_tell as
  select t.tells_of as act_id, t.handle_id, t.agency_id, t.at
    from relmgr.tellings t
   where t.told and not exists (select from relmgr.tellings n where n.tells_of = t.tells_of and (n.at, n.act_id) > (t.at, t.act_id));

-- What a subject said against an imposed act, and what the higher role made of it.
create table relmgr.objections (
  act_id     uuid primary key references relmgr.acts,
  objects_to uuid not null references relmgr.acts,
  agency_id  governance.code not null, -- that imposed it, and rules
  at         timestamptz not null,
  due_at     timestamptz not null
);
create index objections_by_agency on relmgr.objections (agency_id, at);

create table relmgr.rulings (
  objection_id uuid primary key references relmgr.objections (act_id),
  act_id       uuid not null references relmgr.acts,
  outcome      text not null,
  constraint ruling_outcome_is_known check (outcome in ('upheld', 'dismissed'))
);

-- What was returned to the agency that controls a closed column, page by page,
-- and what was destroyed then. Neither names a person.
create table relmgr.exports (
  act_id    uuid primary key references relmgr.acts,
  column_id governance.code not null,
  agency_id governance.code not null,
  at        timestamptz not null,
  handles   integer not null,
  whole     boolean not null -- it was the last page
);
create index exports_by_column on relmgr.exports (column_id, at);

create table relmgr.destructions (
  act_id        uuid primary key references relmgr.acts,
  column_id     governance.code not null,
  agency_id     governance.code not null,
  at            timestamptz not null,
  returned_at   timestamptz not null,
  handles       integer not null,
  relationships integer not null
);
create index destructions_by_column on relmgr.destructions (column_id, at);

-- What consent is to ask a person for: proposals that lacked nothing but a
-- consent. The decision that was refused names the handle only then.
create view relmgr.consent_wanted as
  select d.decision_id as request_id, d.handle_id, h.column_id, d.agency_id, d.practitioner_id, a.role, a.at,
         d.ground = 'explicit-consent' as explicit, d.audience_kind, d.audience, d.purposes, d.aspects, d.until
    from relmgr.decisions d
    join relmgr.acts a on a.act_id = d.act_id
    join relmgr.handles h on h.handle_id = d.handle_id
   where d.outcome = 'refused' and d.stopped_at = 3 and d.ground in ('explicit-consent', 'implied-consent');
create index decisions_that_want_consent on relmgr.decisions (handle_id) where outcome = 'refused' and handle_id is not null;

-- +goose Down
drop view relmgr.consent_wanted;
drop table relmgr.destructions, relmgr.exports, relmgr.rulings, relmgr.objections;
drop view relmgr.to_tell;
drop table relmgr.tellings;
drop index relmgr.decisions_that_want_consent;
