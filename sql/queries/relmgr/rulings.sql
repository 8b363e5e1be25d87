-- name: ListBindingRulings :many
-- Rulings on disputes that are in force, which nobody can appeal against any more.
select r.case_id, r.source_id as dispute_id, r.outcome::text as outcome, d.handle_id
  from idmgr.published_rulings r
  join relmgr.disputes d on d.act_id = r.source_id
 where r.source = 'dispute' and r.binds_at <= sqlc.arg(at)::timestamptz
 order by r.case_id;

-- name: FindDispute :one
-- Whose a dispute that is in force is.
select a.agency_id from relmgr.disputes d join relmgr.acts a on a.act_id = d.act_id where d.act_id = @act_id;

-- name: ListRefusalsOverruled :many
-- Refusals of joint acts that a ruling which nobody can appeal against any more has found
-- wrong: not the person's own, and once for a case, whatever was made of it since.
select r.case_id, r.source_id as act_id, w.act_id as refusal_id, a.agency_id
  from idmgr.published_rulings r
  join relmgr.acts a on a.act_id = r.source_id
  join relmgr.undoings u on u.undoes = a.act_id
  join relmgr.acts w on w.act_id = u.act_id and w.agency_id <> a.agency_id and w.mode is distinct from 'subject'
 where r.source = 'joint-refused' and r.outcome = 'upheld' and r.binds_at <= sqlc.arg(at)::timestamptz
   and not exists (select from relmgr.confirmations f where f.confirms = a.act_id)
   and not exists (select from relmgr.undoings o join relmgr.undoings x on x.undoes = o.act_id join relmgr.acts s on s.act_id = x.act_id
                    where o.undoes = a.act_id and s.role = 'ruling')
 order by r.case_id, w.act_id;

-- name: ListRefusalsOf :many
-- The refusals of a joint act that stand, once its rows are held.
select w.act_id as refusal_id
  from relmgr.undoings u
  join relmgr.acts a on a.act_id = u.undoes
  join relmgr.acts w on w.act_id = u.act_id and w.agency_id <> a.agency_id and w.mode is distinct from 'subject'
 where u.undoes = @act_id and not exists (select from relmgr.undoings x where x.undoes = w.act_id)
 order by w.act_id;

-- name: ListJudgedByRuling :many
-- Emergencies that nobody reviewed and that a ruling has judged.
select r.case_id, r.outcome::text as outcome, v.review_id, v.enquiry_id, v.agency_id, v.cause
  from idmgr.published_rulings r
  join relmgr.reviews v on v.review_id = r.source_id
 where r.source = 'emergency-unreviewed' and r.binds_at <= sqlc.arg(at)::timestamptz
   and not exists (select from relmgr.review_outcomes o where o.review_id = v.review_id)
 order by r.case_id;
