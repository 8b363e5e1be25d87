-- name: ListBindingRulings :many
-- Rulings on disputes that are in force, which nobody can appeal against any more.
select r.case_id, r.dispute_id, r.outcome::text as outcome, d.handle_id
  from idmgr.published_rulings r
  join relmgr.disputes d on d.act_id = r.dispute_id
 where r.binds_at <= sqlc.arg(at)::timestamptz
 order by r.case_id;

-- name: FindDispute :one
-- Whose a dispute that is in force is.
select a.agency_id from relmgr.disputes d join relmgr.acts a on a.act_id = d.act_id where d.act_id = @act_id;
