-- +goose Up
-- What managers do on a person's handles is shown to the person, whatever became of it: save
-- what rests on an order, or on a power without their word. Whoever acts for them is
-- shown what rests on parental responsibility or on a service's policy (IDM-20, SUB-12).
create index effects_of_handle on idmgr.effects (handle_id);
create view idmgr.effects_told as
  select e.*, r.authority,
         r.authority = 'parental-responsibility' or r.authority = 'policy' and e.kind = 'withhold' as told_to_others
    from idmgr.effects e
    join idmgr.rules r on r.manager = e.manager and r.version = e.version and r.rule = e.rule
   where r.authority <> 'order' and (e.kind = 'withhold' or e.mode = 'supplier-with-consent' or e.evidence is not null);

-- relmgr carries out every ruling of which it is the source, from when nobody can appeal
-- any more: on a dispute, on a joint act that the other side refused, on an emergency
-- that nobody reviewed.
drop view idmgr.published_rulings;
create view idmgr.published_rulings as
  select d.case_id, d.source, d.source_id, d.outcome, d.due_at as binds_at
    from idmgr.docket d
   where d.kind = 'rule' and d.source in ('dispute', 'joint-refused', 'emergency-unreviewed');

-- +goose Down
drop view idmgr.published_rulings;
create view idmgr.published_rulings as
  select d.case_id, d.source_id as dispute_id, d.outcome, d.due_at as binds_at
    from idmgr.docket d
   where d.kind = 'rule' and d.source = 'dispute';
drop view idmgr.effects_told;
drop index idmgr.effects_of_handle;
