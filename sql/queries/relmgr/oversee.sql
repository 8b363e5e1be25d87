-- name: CountDisclosures :many
-- How many people were told of in a period, by what was asked for and the ground of
-- the decision that told: rows of the index, so that somebody whom many know is one.
-- Rounded down, and fewer than that many are no line.
select e.purpose, d.ground, (count(distinct h.row_id) / sqlc.arg(least)::bigint * sqlc.arg(least)::bigint)::bigint as people
  from relmgr.enquiries e
  join relmgr.disclosures x on x.enquiry_id = e.enquiry_id
  join relmgr.handles h on h.handle_id = x.handle_id
  join relmgr.decisions d on d.decision_id = x.decision_id
 where e.at >= sqlc.arg(starts)::timestamptz and e.at < sqlc.arg(ends)::timestamptz
 group by e.purpose, d.ground
having count(distinct h.row_id) >= sqlc.arg(least)::bigint
 order by people desc, e.purpose, d.ground;

-- name: CountWaiting :many
-- What waits for each agency's reviewers, and what of it is overdue.
with waiting as (
  select v.agency_id, v.due_at as due, false as override
    from relmgr.reviews v
   where not exists (select from relmgr.review_outcomes o where o.review_id = v.review_id)
  union all
  select d.agency_id, d.review_at, true
    from relmgr.decisions d
   where d.risk is not null and d.outcome = 'permitted'
     and not exists (select from relmgr.override_outcomes o where o.decision_id = d.decision_id)
)
select w.agency_id, (count(*) filter (where not w.override))::bigint as enquiries, (count(*) filter (where not w.override and w.due <= sqlc.arg(at)::timestamptz))::bigint as enquiries_overdue,
       (count(*) filter (where w.override))::bigint as overrides, (count(*) filter (where w.override and w.due <= sqlc.arg(at)::timestamptz))::bigint as overrides_overdue
  from waiting w
 group by w.agency_id
 order by w.agency_id;
