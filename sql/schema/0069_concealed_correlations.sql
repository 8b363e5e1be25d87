-- +goose Up
-- A correlation is about the pairing whose code it used, too: where that side's decision
-- is kept from the person, so is what came of it.
-- +goose StatementBegin
create or replace function relmgr.act_is_concealed(act uuid, now timestamptz) returns boolean language sql stable as $$
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
      union all select p.act_id from relmgr.pairings_used pu join relmgr.pairings p on p.pairing_id = pu.pairing_id where pu.act_id = b.act_id
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
create index pairings_used_by_act on relmgr.pairings_used (act_id);

-- +goose Down
drop index relmgr.pairings_used_by_act;
