-- name: ListReviews :many
-- One agency's enquiries that wait for review, oldest first, after the review of
-- the cursor, without those that the reader made.
select v.review_id, v.cause, v.enquiry_id, v.opened_at, v.due_at, e.at, e.practitioner_id, e.role, coalesce(e.column_id, '')::text as column_id, coalesce(e.peer, '')::text as peer, e.handle_id,
       e.purpose, e.reason, e.concerning, coalesce(e.reads, '')::text as reads, e.commitment, e.sealed, coalesce(k.wrapped, ''::bytea)::bytea as wrapped_key,
       (select count(*) from relmgr.disclosures x where x.enquiry_id = v.enquiry_id)::bigint as told
  from relmgr.reviews v
  join relmgr.enquiries e on e.enquiry_id = v.enquiry_id
  left join relmgr.content_keys k on k.record_id = v.enquiry_id
 where v.agency_id = @agency_id and e.practitioner_id <> sqlc.arg(reader)::text
   and not exists (select from relmgr.review_outcomes o where o.review_id = v.review_id)
   and (sqlc.arg(from_start)::boolean
        or (v.opened_at, v.review_id) > (select c.opened_at, c.review_id from relmgr.reviews c where c.review_id = sqlc.arg(after_review)::uuid))
 order by v.opened_at, v.review_id
 limit @page_size;

-- name: FindReview :one
-- A review of one agency, for anybody but who made the enquiry.
select v.enquiry_id, v.cause
  from relmgr.reviews v join relmgr.enquiries e on e.enquiry_id = v.enquiry_id
 where v.review_id = @review_id and v.agency_id = @agency_id and e.practitioner_id <> sqlc.arg(reader)::text;

-- name: RecordReviewOutcome :exec
-- Succeeds once: the second reviewer breaks the primary key.
insert into relmgr.review_outcomes (review_id, act_id, outcome) values (@review_id, @act_id, @outcome);

-- name: RecordDeclaration :exec
with key as (
  insert into relmgr.content_keys (record_id, wrapped) values (sqlc.arg(declaration_id)::uuid, sqlc.arg(wrapped_key))
), leaf as (
  insert into ledger.pending (commitment) values (sqlc.arg(commitment)::bytea)
)
insert into relmgr.declarations (declaration_id, at, practitioner_id, agency_id, role, ends, terms_version, commitment, sealed)
values (@declaration_id, @at, @practitioner_id, @agency_id, @role, sqlc.arg(ends)::uuid, @terms_version, @commitment, @sealed);

-- name: ListDeclarations :many
-- What has been declared in one agency, with when it was ended.
select d.declaration_id, d.commitment, d.sealed, k.wrapped as wrapped_key, e.at as ended_at
  from relmgr.declarations d
  join relmgr.content_keys k on k.record_id = d.declaration_id
  left join relmgr.declarations e on e.ends = d.declaration_id
 where d.agency_id = @agency_id and d.ends is null
 order by d.declaration_id;

-- name: IsColleague :one
-- Whether somebody is, or was, registered for an agency.
select exists (select from governance.published_users u
                where u.practitioner_id = @practitioner_id and u.agency_id = @agency_id)::boolean as registered;

-- name: OpenFlagged :exec
-- Opens a review of each enquiry that somebody made about a handle of a
-- declaration of theirs. One that is open, or judged, stays.
insert into relmgr.reviews (enquiry_id, cause, agency_id, opened_at, due_at)
select e.enquiry_id, 'flag', e.agency_id, e.at, e.at + make_interval(secs => sqlc.arg(review_seconds)::double precision)
  from (select unnest(sqlc.arg(practitioner_ids)::text[]) as practitioner_id, unnest(sqlc.arg(handle_ids)::text[])::uuid as handle_id,
               unnest(sqlc.arg(untils)::timestamptz[]) as until) d
  join relmgr.enquiries e on e.handle_id = d.handle_id and e.practitioner_id = d.practitioner_id and e.at < d.until
 where e.agency_id = @agency_id
on conflict (enquiry_id, cause) do nothing;

-- name: NextSampleWeek :one
-- The first week of an agency that has no sample; no row where it has asked
-- nothing yet.
select w.week::date as week
  from (select coalesce((select max(s.week) + 7 from relmgr.samples s where s.agency_id = sqlc.arg(agency_id)),
                        (select date_trunc('week', min(e.at), 'UTC')::date from relmgr.enquiries e where e.agency_id = sqlc.arg(agency_id))) as week) w
 where w.week is not null;

-- name: DrawSample :exec
-- Draws the sample of a week, once: of two who draw at the same time the second
-- waits for the first and draws nothing. Which enquiries are in it follows from
-- the seed and their ids alone.
with drawn as (
  insert into relmgr.samples (agency_id, week, seed, percent)
  values (@agency_id, @week, @seed, @percent)
  on conflict (agency_id, week) do nothing
  returning seed, percent
), asked as (
  select e.enquiry_id, drawn.percent, count(*) over () as many,
         row_number() over (order by sha256(drawn.seed || uuid_send(e.enquiry_id))) as place
    from drawn, relmgr.enquiries e
   where e.agency_id = sqlc.arg(agency_id)::text and (e.handle_id is not null or e.recognition is not null)
     and e.at >= sqlc.arg(starts)::timestamptz and e.at < sqlc.arg(ends)::timestamptz
)
insert into relmgr.reviews (enquiry_id, cause, agency_id, opened_at, due_at)
select a.enquiry_id, 'sample', sqlc.arg(agency_id)::text, sqlc.arg(ends)::timestamptz, sqlc.arg(due_at)
  from asked a
 where a.place <= ceil(a.many * a.percent / 100.0);
