-- +goose Up
-- Handles that their person is not told of now (ACT-06, LEG-15): the newest word on
-- an imposed publication says so, or it was an override of which telling would raise
-- the risk, and nobody has said otherwise since.
create view relmgr.concealed as
  select t.handle_id
    from relmgr.tellings t join relmgr.acts a on a.act_id = t.tells_of
   where a.kind = 'publish' and not t.told
     and not exists (select from relmgr.tellings n where n.tells_of = t.tells_of and (n.at, n.act_id) > (t.at, t.act_id))
  union all
  select d.handle_id
    from relmgr.decisions d join relmgr.acts a on a.act_id = d.act_id
   where a.kind = 'publish' and d.telling = 'raises-risk' and d.outcome = 'permitted'
     and not exists (select from relmgr.tellings n where n.tells_of = d.act_id and n.act_id <> d.act_id);
create index untold_by_handle on relmgr.tellings (handle_id) where not told;
create index raising_risk_by_handle on relmgr.decisions (handle_id) where telling = 'raises-risk';

-- +goose Down
drop index relmgr.raising_risk_by_handle, relmgr.untold_by_handle;
drop view relmgr.concealed;
