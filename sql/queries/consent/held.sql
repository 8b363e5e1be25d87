-- name: ListHeld :many
-- What of the consents of a column is somebody else's, and has not been told.
select c.consent_id, c.handle_id, c.starts_at, p.authority, coalesce(v.reason, '')::text as withheld
  from consent.consents c
  join consent.proxies p on p.consent_id = c.consent_id
  left join consent.reviews v on v.consent_id = c.consent_id and v.outcome = 'withhold'
 where c.column_id = @column_id
   and not exists (select from consent.reviews r where r.consent_id = c.consent_id and r.outcome = 'release')
 order by v.act_id is not null, c.starts_at, c.consent_id
 limit 200;

-- name: FindHeld :one
-- A consent of an agency's in which somebody else has a part.
select c.handle_id, c.agency_id
  from consent.consents c
  join consent.proxies p on p.consent_id = c.consent_id
 where c.consent_id = @consent_id and c.agency_id = @agency_id;

-- name: InsertReview :execrows
-- Each outcome once, and nothing once it has been told.
insert into consent.reviews (act_id, consent_id, at, outcome, reason)
select @act_id, sqlc.arg(consent_id)::uuid, @at, @outcome, @reason
 where not exists (select from consent.reviews r where r.consent_id = sqlc.arg(consent_id)::uuid and r.outcome = 'release')
on conflict (consent_id, outcome) do nothing;
