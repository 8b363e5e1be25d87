-- +goose Up
-- Cases: what people or rules cannot settle between them, until an adjudicator does
-- (TRU-03 to 05). A case is opened once, whatever it came from however often; what
-- became of it is its steps, each an act, in an order that two who are at it at once
-- cannot both write.
alter table idmgr.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in (
    'draft', 'activate', 'grant', 'withhold', 'withdraw', 'refuse', 'open', 'move-up', 'rule', 'appeal', 'settle'));

create table idmgr.cases (
  case_id   uuid primary key,
  source    text not null,
  source_id uuid not null, -- clash: the grant; else what relmgr hands over
  against   uuid,          -- clash: the withholding
  at        timestamptz not null,
  agencies  text[] not null, -- parties, none of whom adjudicates
  constraint one_case_however_often unique nulls not distinct (source, source_id, against),
  constraint case_source_is_known check (source in ('clash', 'dispute', 'joint-refused', 'emergency-unreviewed', 'not-understood')),
  constraint clash_names_both check ((source = 'clash') = (against is not null))
);

create table idmgr.case_steps (
  case_id uuid not null references idmgr.cases,
  ordinal int not null,
  act_id  uuid not null unique references idmgr.acts,
  kind    text not null,
  level   int not null,
  at      timestamptz not null,
  due_at  timestamptz not null, -- for a ruling, or an appeal against one
  outcome text,
  reason  governance.code,
  primary key (case_id, ordinal),
  constraint step_kind_is_known check (kind in ('open', 'move-up', 'rule', 'appeal', 'settle')),
  constraint ruling_has_an_outcome check ((kind = 'rule') = (outcome is not null)),
  constraint outcome_is_known check (outcome in ('grant', 'withhold', 'upheld', 'dismissed')),
  constraint case_opens_first check ((ordinal = 0) = (kind = 'open'))
);

-- What each agency is shown in place of a case.
create table idmgr.case_references (
  reference_id uuid primary key,
  case_id      uuid not null references idmgr.cases,
  agency_id    governance.code not null,
  unique (case_id, agency_id)
);

-- How every case stands: its last step.
create view idmgr.docket as
  select distinct on (s.case_id) s.case_id, c.source, c.source_id, c.against, c.at as opened_at, c.agencies,
         s.ordinal, s.kind, s.level, s.at, s.due_at, s.outcome
    from idmgr.case_steps s
    join idmgr.cases c on c.case_id = s.case_id
   order by s.case_id, s.ordinal desc;

-- What relmgr hands over to become cases: two effects that met, a dispute that nobody
-- has settled for two weeks, a joint correlation that the other side took back before it
-- was confirmed, an emergency that nobody has reviewed in time. One that has been seen
-- to since is not listed any more. No identifier, no handle and nobody's name.
create view relmgr.escalations as
  select 'clash'::text as source, c.grant_id as source_id, c.withholding_id as against, c.at as due_at, '{}'::text[] as agencies
    from relmgr.clashes c
  union all
  select 'dispute', d.act_id, null, a.at + interval '14 days',
         (select array_agg(distinct r.agency_id::text) from relmgr.act_references r where r.act_id = d.act_id)
    from (select distinct act_id from relmgr.disputes) d
    join relmgr.acts a on a.act_id = d.act_id
  union all
  select 'joint-refused', a.act_id, null, w.at,
         (select array_agg(distinct r.agency_id::text) from relmgr.act_references r where r.act_id = a.act_id)
    from relmgr.acts a
    join relmgr.undoings u on u.undoes = a.act_id
    join relmgr.acts w on w.act_id = u.act_id and w.agency_id <> a.agency_id
   where a.kind = 'correlate' and a.mode = 'joint'
     and not exists (select from relmgr.confirmations f where f.confirms = a.act_id)
  union all
  select 'emergency-unreviewed', v.review_id, null, v.due_at, array[v.agency_id::text]
    from relmgr.reviews v
   where v.cause = 'emergency' and not exists (select from relmgr.review_outcomes o where o.review_id = v.review_id);

-- +goose Down
drop view relmgr.escalations;
drop view idmgr.docket;
drop table idmgr.case_references, idmgr.case_steps, idmgr.cases;
delete from idmgr.acts where kind in ('open', 'move-up', 'rule', 'appeal', 'settle');
alter table idmgr.acts
  drop constraint act_kind_is_known,
  add constraint act_kind_is_known check (kind in ('draft', 'activate', 'grant', 'withhold', 'withdraw', 'refuse'));
