-- name: ListReviews :many
-- One agency's emergencies that nobody has judged yet, oldest first.
select v.enquiry_id, v.opened_at, v.due_at, e.practitioner_id, e.role, e.column_id, e.purpose, e.reason, e.concerning,
       (select count(*) from relmgr.disclosures x where x.enquiry_id = v.enquiry_id)::bigint as told
  from relmgr.reviews v
  join relmgr.enquiries e on e.enquiry_id = v.enquiry_id
 where v.agency_id = @agency_id
   and not exists (select from relmgr.review_outcomes o where o.enquiry_id = v.enquiry_id)
 order by v.opened_at, v.enquiry_id
 limit @page_size;

-- name: FindReview :one
select v.agency_id, e.practitioner_id
  from relmgr.reviews v join relmgr.enquiries e on e.enquiry_id = v.enquiry_id
 where v.enquiry_id = @enquiry_id and v.agency_id = @agency_id;

-- name: RecordReviewOutcome :exec
-- Succeeds once: the second reviewer breaks the primary key.
insert into relmgr.review_outcomes (enquiry_id, act_id, outcome) values (@enquiry_id, @act_id, @outcome);
