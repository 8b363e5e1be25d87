-- name: FindUsers :many
-- The newest version of the terms, and with it the persons whom verified tokens name as the register of users has them
-- at each one's instant: no practitioner where nobody is registered. One row for each that is asked for, numbered as asked.
with asked as (
  select unnest(sqlc.arg(numbers)::int[]) as n, unnest(sqlc.arg(ats)::timestamptz[]) as at,
         unnest(sqlc.arg(issuers)::text[]) as issuer, unnest(sqlc.arg(subject_hashes)::bytea[]) as subject_hash
)
select
  a.n::int as n,
  coalesce((select max(t.version) from governance.published_terms t), 0)::bigint as version,
  coalesce(u.practitioner_id::text, '')::text as practitioner,
  coalesce(u.agency_id::text, '')::text as agency,
  array(
    select distinct r.role::text from governance.published_roles r
    where r.practitioner_id = u.practitioner_id and r.starts_at <= a.at and (r.ends_at is null or a.at < r.ends_at)
    order by 1
  )::text[] as roles,
  array(
    select distinct m.provider_id::text from governance.published_memberships m
    where m.practitioner_id = u.practitioner_id and m.starts_at <= a.at and (m.ends_at is null or a.at < m.ends_at)
    order by 1
  )::text[] as providers
from asked a
left join governance.published_users u
  on u.issuer = a.issuer and u.subject_hash = a.subject_hash
  and u.starts_at <= a.at and (u.ends_at is null or a.at < u.ends_at);
