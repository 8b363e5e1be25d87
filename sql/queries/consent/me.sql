-- What the person of some handles has said, over or not.
-- name: ListMyConsents :many
select c.consent_id, c.handle_id, c.column_id, c.agency_id, c.explicit, c.audience_kind, c.audience, c.purposes, c.aspects,
       c.starts_at, c.ends_at, c.evidence, c.wording, coalesce(c.understanding, '')::text as understanding, w.at as withdrawn_at, coalesce(p.authority, '')::text as proxy_authority, a.practitioner_id
  from consent.consents c
  join consent.acts a on a.act_id = c.act_id
  left join consent.withdrawals w on w.consent_id = c.consent_id
  left join consent.proxies p on p.consent_id = c.consent_id
 where c.handle_id = any(sqlc.arg(handles)::text[]::uuid[])
 order by c.starts_at, c.consent_id;

-- name: ListMyExclusions :many
select e.exclusion_id, e.handle_id, e.excluded, e.starts_at, i.at as ended_at
  from consent.exclusions e
  left join consent.inclusions i on i.exclusion_id = e.exclusion_id
 where e.handle_id = any(sqlc.arg(handles)::text[]::uuid[])
 order by e.starts_at, e.exclusion_id;

-- name: ListMyBlocks :many
select b.block_id, b.handle_id, b.reach, b.warning, b.starts_at, u.at as ended_at
  from consent.blocks b
  left join consent.unblocks u on u.block_id = b.block_id
 where b.handle_id = any(sqlc.arg(handles)::text[]::uuid[])
 order by b.starts_at, b.block_id;

-- name: FindMyConsent :one
select handle_id, agency_id from consent.consents where consent_id = sqlc.arg(consent_id) and handle_id = any(sqlc.arg(handles)::text[]::uuid[]);

-- name: FindMyExclusion :one
select handle_id, agency_id, excluded from consent.exclusions where exclusion_id = sqlc.arg(exclusion_id) and handle_id = any(sqlc.arg(handles)::text[]::uuid[]);

-- name: FindMyBlock :one
select handle_id, agency_id, reach, warning from consent.blocks where block_id = sqlc.arg(block_id) and handle_id = any(sqlc.arg(handles)::text[]::uuid[]);
