-- +goose Up
-- What a person is shown of themself, and what they do there (SUB-01, SUB-02,
-- SUB-08, SUB-09, ACT-10).

-- Whether an act, or what it is about at any remove, is lawfully kept from the person:
-- the newest word on it says so for a recorded risk, telling of its override would raise
-- the risk, it is about a handle that is concealed, or it is a silence in force.
-- +goose StatementBegin
create function relmgr.act_is_concealed(act uuid, now timestamptz) returns boolean language sql stable as $$
  with recursive about (act_id) as (
    select act
    union
    select r.of from about b cross join lateral (
      select u.undoes from relmgr.undoings u where u.act_id = b.act_id
      union all select t.tells_of from relmgr.tellings t where t.act_id = b.act_id
      union all select o.objects_to from relmgr.objections o where o.act_id = b.act_id
      union all select v.objection_id from relmgr.rulings v where v.act_id = b.act_id
      union all select c.confirms from relmgr.confirmations c where c.act_id = b.act_id
      union all select pu.act_id from relmgr.pairings p join relmgr.pairings_used pu on pu.pairing_id = p.pairing_id where p.act_id = b.act_id
      union all select d.act_id from relmgr.replies y join relmgr.deliveries d on d.delivery_id = y.delivery_id where y.act_id = b.act_id
    ) r (of)
  )
  select exists (
    select from about b
     where exists (select from relmgr.act_handles h join relmgr.concealed c on c.handle_id = h.handle_id where h.act_id = b.act_id)
        or exists (select from relmgr.tellings t where t.tells_of = b.act_id and not t.told
                     and not exists (select from relmgr.tellings n where n.tells_of = t.tells_of and (n.at, n.act_id) > (t.at, t.act_id)))
        or exists (select from relmgr.decisions d where d.act_id = b.act_id and d.telling = 'raises-risk' and d.outcome = 'permitted'
                     and not exists (select from relmgr.tellings n where n.tells_of = d.act_id and n.act_id <> d.act_id))
        or exists (select from relmgr.silences s where s.act_id = b.act_id and s.review_by > now
                     and not exists (select from relmgr.undoings u where u.undoes = s.act_id)))
$$;
-- +goose StatementEnd
create index pairings_by_act on relmgr.pairings (act_id);
create index rulings_by_act on relmgr.rulings (act_id);
create index replies_by_act on relmgr.replies (act_id);

-- What a person complains of, to whom the partnership's governance officers answer:
-- acknowledged within 30 days, and then answered (DPA 2018 s.164A).
create table relmgr.complaints (
  complaint_id   uuid primary key,
  act_id         uuid not null unique references relmgr.acts,
  agency_id      governance.code not null, -- that is complained of
  handle_id      uuid not null references relmgr.handles,
  about          uuid references relmgr.acts,
  topic          text not null,
  at             timestamptz not null,
  acknowledge_by timestamptz not null,
  constraint complaint_topic_is_known check (topic in ('rectification', 'sharing', 'refusal', 'access', 'conduct', 'other'))
);
create index complaints_by_handle on relmgr.complaints (handle_id);
create index complaints_by_time on relmgr.complaints (at, complaint_id);

-- What became of it, once each.
create table relmgr.complaint_steps (
  complaint_id uuid not null references relmgr.complaints,
  step         text not null,
  act_id       uuid not null unique references relmgr.acts,
  at           timestamptz not null,
  outcome      text,
  reason       governance.code not null,
  primary key (complaint_id, step),
  constraint complaint_step_is_known check (step in ('acknowledged', 'answered')),
  constraint complaint_outcome_is_known check (outcome in ('upheld', 'partly-upheld', 'not-upheld')),
  constraint only_an_answer_has_an_outcome check ((step = 'answered') = (outcome is not null))
);

-- +goose StatementBegin
do $$
begin
  execute (select format('alter table relmgr.acts drop constraint act_kind_is_known, add constraint act_kind_is_known %s',
                         replace(pg_get_constraintdef(oid), 'ARRAY[', 'ARRAY[''complain''::text, ''acknowledge''::text, ''answer''::text, '))
             from pg_constraint where conrelid = 'relmgr.acts'::regclass and conname = 'act_kind_is_known');
end $$;
-- +goose StatementEnd

-- +goose Down
drop table relmgr.complaint_steps, relmgr.complaints;
drop index relmgr.replies_by_act, relmgr.rulings_by_act, relmgr.pairings_by_act;
drop function relmgr.act_is_concealed;
