-- +goose Up
-- What relmgr carries out: rulings on disputes, from when nobody can appeal any more.
-- A ruling on a joint act changes nothing, since nobody is made to join; one on an
-- emergency is the judgement that was missing.
create view idmgr.published_rulings as
  select d.case_id, d.source_id as dispute_id, d.outcome, d.due_at as binds_at
    from idmgr.docket d
   where d.kind = 'rule' and d.source = 'dispute';

-- +goose Down
drop view idmgr.published_rulings;
