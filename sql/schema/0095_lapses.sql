-- +goose Up
-- What ends by its date is a change as well as what ends by an act: who wants to be
-- informed, and who was told of it, hears of it on the next beat (QRY-13, SUB-06,
-- docs/decisions/0067).

-- Up to when lapses have been looked for, and from when the last look went: one row.
-- Whoever looks moves it in the statement that notes what it found.
create table relmgr.lapses (
  id       boolean primary key default true,
  looked   timestamptz not null,
  previous timestamptz not null,
  constraint lapses_has_one_row check (id)
);
insert into relmgr.lapses (looked, previous) values ('-infinity', '-infinity');

create index decisions_by_end on relmgr.decisions (least(until, review_at)) where outcome = 'permitted';
create index silences_by_end on relmgr.silences (review_by);
create index consents_by_end on consent.consents (ends_at);
create index effects_by_end on idmgr.effects (until) where live;

-- What managers do about a handle, and rulings on it, change what may be told as what
-- consent records does.
create index acts_by_time on idmgr.acts (at);
create index case_steps_by_act on idmgr.case_steps (act_id);
create view idmgr.published_changes as
  select a.act_id, m.handle_id, a.at
    from idmgr.acts a
    join lateral (
      select e.handle_id from idmgr.effects e where e.act_id = a.act_id
      union all select e.handle_id from idmgr.withdrawals w join idmgr.effects e on e.effect_id = w.effect_id where w.act_id = a.act_id
      union all select e.handle_id from idmgr.case_steps s join idmgr.cases c on c.case_id = s.case_id
                  join idmgr.effects e on e.effect_id in (c.source_id, c.against)
                 where s.act_id = a.act_id and s.kind in ('rule', 'appeal') and c.source = 'clash'
    ) m on true;

-- +goose Down
drop view idmgr.published_changes;
drop index idmgr.case_steps_by_act, idmgr.acts_by_time, idmgr.effects_by_end, consent.consents_by_end, relmgr.silences_by_end,
  relmgr.decisions_by_end;
drop table relmgr.lapses;
