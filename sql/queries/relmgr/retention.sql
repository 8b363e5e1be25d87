-- name: FindRetention :one
-- For how many days contents are kept after they have ended: the newest terms. Zero
-- where they do not say: for good.
select t.version, coalesce((t.document->'settings'->>'keep_ended_days')::int, 0)::int as ended,
       coalesce((t.document->'settings'->>'keep_enquiries_days')::int, 0)::int as enquiries,
       coalesce((t.document->'settings'->>'keep_refusals_days')::int, 0)::int as refusals,
       coalesce((t.document->'settings'->>'keep_idempotency_days')::int, 0)::int as idempotency
  from governance.published_terms t
 order by t.version desc
 limit 1;

-- name: ListEnded :many
-- A page of handles, and of each whether nothing is in force for it and nothing has
-- happened since an instant: no act or enquiry, no decision that runs for what is in
-- the index, no consent that runs, nothing that a person hides, keeps apart or
-- disputes, and nothing under review. One that was only ever looked up has no time,
-- and stays.
with page as (
  select p.handle_id, p.column_id, p.wrapped_by from relmgr.handles p
   where (sqlc.arg(from_start)::boolean or p.handle_id > sqlc.arg(after_handle)::uuid)
     and (sqlc.arg(one)::uuid is null or p.handle_id = sqlc.arg(one)::uuid)
   order by p.handle_id
   limit @page_size
)
select h.handle_id, h.column_id, split_part(h.wrapped_by, '/', 2)::text as agency_id, (h.wrapped_by <> ''
   and (exists (select from relmgr.act_handles ah where ah.handle_id = h.handle_id)
        or exists (select from relmgr.enquiries e where e.handle_id = h.handle_id))
   and not exists (select from relmgr.act_handles ah join relmgr.acts a on a.act_id = ah.act_id
                    where ah.handle_id = h.handle_id and a.at >= sqlc.arg(before)::timestamptz)
   and not exists (select from relmgr.enquiries e where e.handle_id = h.handle_id and e.at >= sqlc.arg(before)::timestamptz)
   and not exists (select from relmgr.cells c join relmgr.decisions d on d.decision_id = c.decision_id
                    where c.handle_id = h.handle_id and d.until >= sqlc.arg(before)::timestamptz)
   and not exists (select from relmgr.correlations k join relmgr.decisions d on d.decision_id = k.decision_a
                    where k.handle_a = h.handle_id and d.until >= sqlc.arg(before)::timestamptz)
   and not exists (select from relmgr.correlations k join relmgr.decisions d on d.decision_id = k.decision_b
                    where k.handle_b = h.handle_id and d.until >= sqlc.arg(before)::timestamptz)
   and not exists (select from relmgr.keep_aparts k where k.handle_a = h.handle_id)
   and not exists (select from relmgr.keep_aparts k where k.handle_b = h.handle_id)
   and not exists (select from relmgr.disputes x where x.handle_id = h.handle_id)
   and not exists (select from consent.published_consents c where c.handle_id = h.handle_id and c.withdrawn_at is null and c.ends_at >= sqlc.arg(before)::timestamptz)
   and not exists (select from consent.published_exclusions x where x.handle_id = h.handle_id and x.ended_at is null)
   and not exists (select from consent.published_blocks b where b.handle_id = h.handle_id and b.ended_at is null)
   and not exists (select from relmgr.enquiries e join relmgr.reviews v on v.enquiry_id = e.enquiry_id
                    where e.handle_id = h.handle_id and not exists (select from relmgr.review_outcomes o where o.review_id = v.review_id))
   and not exists (select from relmgr.act_handles ah join relmgr.objections o on o.act_id = ah.act_id
                    where ah.handle_id = h.handle_id and not exists (select from relmgr.rulings v where v.objection_id = o.act_id))
   and not exists (select from relmgr.erasures z where z.handle_id = h.handle_id and z.keeps = 'everything'))::boolean as ended
  from page h
 order by h.handle_id;

-- name: TakeTime :exec
-- Lets this transaction's statements run longer than those that somebody waits for.
select set_config('statement_timeout', '10min', true);

-- name: ListExpired :many
-- Records of which the contents have been kept long enough: enquiries that nobody
-- has still to review; refusals; what a law had kept of an erased handle; and what
-- was being recorded of a handle while it was erased.
select r.record_id
  from (select e.enquiry_id::uuid as record_id from relmgr.enquiries e
         where e.at < sqlc.arg(enquiries_before)::timestamptz
           and not exists (select from relmgr.reviews v where v.enquiry_id = e.enquiry_id
                              and not exists (select from relmgr.review_outcomes o where o.review_id = v.review_id))
        union
        select a.act_id from relmgr.acts a where a.kind = 'refuse' and a.at < sqlc.arg(refusals_before)::timestamptz
        union
        select a.act_id from relmgr.erasures z
          join relmgr.acts w on w.act_id = z.act_id
          join relmgr.act_handles ah on ah.handle_id = z.handle_id
          join relmgr.acts a on a.act_id = ah.act_id and a.agency_id = w.agency_id
         where z.keeps = 'records' and w.at < sqlc.arg(ended_before)::timestamptz and a.act_id not in (select x.act_id from relmgr.erasures x)
        union
        select e.enquiry_id from relmgr.erasures z join relmgr.enquiries e on e.handle_id = z.handle_id
         where z.keeps is null) r
  join relmgr.content_keys k on k.record_id = r.record_id
 order by r.record_id
 limit @page_size;

-- name: TakeContents :many
-- Takes the keys of those of these records that still have one, with what the act
-- that does so names. Who comes second takes none of them.
with gone as (
  delete from relmgr.content_keys where record_id = any(sqlc.arg(record_ids)::text[]::uuid[]) returning record_id
)
select about.record_id, about.commitment, relmgr.rest_of(about.record_id)::bytea as rest
  from (select a.act_id::uuid as record_id, a.commitment from relmgr.acts a join gone on gone.record_id = a.act_id
        union all
        select e.enquiry_id, e.commitment from relmgr.enquiries e join gone on gone.record_id = e.enquiry_id) about
 order by about.commitment;

-- name: DeleteReplays :execrows
-- Idempotency keys of acts of before an instant.
delete from relmgr.replays r
 where r.key_hash in (select o.key_hash from relmgr.replays o join relmgr.acts a on a.act_id = o.act_id
                       where a.at < sqlc.arg(before)::timestamptz limit @page_size);

-- name: CountReplays :one
select count(*) from relmgr.replays r join relmgr.acts a on a.act_id = r.act_id where a.at < sqlc.arg(before)::timestamptz;
