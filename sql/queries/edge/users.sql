-- name: FindUser :one
-- The newest version of the terms, and with it the person whom a verified token names as the register of users has them
-- at that instant: no practitioner where nobody is registered. One row always, for one query answers every request.
select
  coalesce((select max(t.version) from governance.published_terms t), 0)::bigint as version,
  coalesce(u.practitioner_id::text, '')::text as practitioner,
  coalesce(u.agency_id::text, '')::text as agency,
  coalesce((
    select array_agg(distinct r.role::text order by r.role::text) from governance.published_roles r
    where r.practitioner_id = u.practitioner_id
      and r.starts_at <= sqlc.arg(at)::timestamptz and (r.ends_at is null or sqlc.arg(at)::timestamptz < r.ends_at)
  ), '{}')::text[] as roles,
  coalesce((
    select array_agg(distinct m.provider_id::text order by m.provider_id::text) from governance.published_memberships m
    where m.practitioner_id = u.practitioner_id
      and m.starts_at <= sqlc.arg(at)::timestamptz and (m.ends_at is null or sqlc.arg(at)::timestamptz < m.ends_at)
  ), '{}')::text[] as providers
from (select 1) as always
left join governance.published_users u
  on u.issuer = sqlc.arg(issuer)::text and u.subject_hash = sqlc.arg(subject_hash)::bytea
  and u.starts_at <= sqlc.arg(at)::timestamptz and (u.ends_at is null or sqlc.arg(at)::timestamptz < u.ends_at);
