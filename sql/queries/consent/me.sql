-- What the person of some handles has said, over or not. Whoever acts for them is told
-- nothing of what they decided themselves (SUB-12). Somebody else's part in it is told once
-- a person of the agency has said so.
-- name: ListMyConsents :many
select c.consent_id, c.handle_id, c.column_id, c.agency_id, c.explicit, c.audience_kind, c.audience, c.purposes, c.aspects,
       c.starts_at, c.ends_at, c.evidence, c.wording, coalesce(c.understanding, '')::text as understanding, w.at as withdrawn_at, a.practitioner_id,
       case when r.act_id is not null then p.authority else '' end::text as proxy_authority,
       case when p.consent_id is null or r.act_id is not null then '' when h.act_id is null then 'waiting' else 'withheld' end::text as held,
       coalesce(h.reason, '')::text as held_for
  from consent.consents c
  join consent.acts a on a.act_id = c.act_id
  left join consent.withdrawals w on w.consent_id = c.consent_id
  left join consent.proxies p on p.consent_id = c.consent_id
  left join consent.reviews r on r.consent_id = c.consent_id and r.outcome = 'release'
  left join consent.reviews h on h.consent_id = c.consent_id and h.outcome = 'withhold'
  left join consent.competences k on k.consent_id = c.consent_id
 where c.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) and c.evidence <> 'erased'
   and (not sqlc.arg(by_others)::boolean or a.practitioner_id <> 'the-person' and coalesce(k.assessed, k.presumed, '') <> 'competent')
 order by c.starts_at, c.consent_id;

-- name: ListMyExclusions :many
select e.exclusion_id, e.handle_id, e.excluded, e.starts_at, i.at as ended_at
  from consent.exclusions e
  left join consent.inclusions i on i.exclusion_id = e.exclusion_id
 where e.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) and e.evidence <> 'erased'
 order by e.starts_at, e.exclusion_id;

-- name: ListMyBlocks :many
select b.block_id, b.handle_id, b.reach, b.warning, b.starts_at, u.at as ended_at
  from consent.blocks b
  left join consent.unblocks u on u.block_id = b.block_id
 where b.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) and b.evidence <> 'erased'
 order by b.starts_at, b.block_id;

-- name: FindMyConsent :one
select c.handle_id, c.agency_id
  from consent.consents c
  join consent.acts a on a.act_id = c.act_id
  left join consent.competences k on k.consent_id = c.consent_id
 where c.consent_id = sqlc.arg(consent_id) and c.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) and c.evidence <> 'erased'
   and (not sqlc.arg(by_others)::boolean or a.practitioner_id <> 'the-person' and coalesce(k.assessed, k.presumed, '') <> 'competent');

-- name: FindMyExclusion :one
select handle_id, agency_id, excluded from consent.exclusions where evidence <> 'erased' and exclusion_id = sqlc.arg(exclusion_id) and handle_id = any(sqlc.arg(handles)::text[]::uuid[]);

-- name: FindMyBlock :one
select handle_id, agency_id, reach, warning from consent.blocks where evidence <> 'erased' and block_id = sqlc.arg(block_id) and handle_id = any(sqlc.arg(handles)::text[]::uuid[]);

-- name: ListMyErased :many
-- What a person has said of which the contents were erased: that it was said, from when to
-- when, and when the contents went.
select v.what, v.handle_id, v.starts_at, v.ended_at::timestamptz as ended_at, z.at as erased_at
  from (select 'consent'::text as what, c.handle_id, c.act_id, c.starts_at, coalesce(w.at, c.ends_at) as ended_at
          from consent.consents c left join consent.withdrawals w on w.consent_id = c.consent_id
         where c.evidence = 'erased' and c.handle_id = any(sqlc.arg(handles)::text[]::uuid[])
        union all
        select 'exclusion', x.handle_id, x.act_id, x.starts_at, i.at
          from consent.exclusions x join consent.inclusions i on i.exclusion_id = x.exclusion_id
         where x.evidence = 'erased' and x.handle_id = any(sqlc.arg(handles)::text[]::uuid[])
        union all
        select 'block', b.handle_id, b.act_id, b.starts_at, u.at
          from consent.blocks b join consent.unblocks u on u.block_id = b.block_id
         where b.evidence = 'erased' and b.handle_id = any(sqlc.arg(handles)::text[]::uuid[])) v
  join consent.acts a on a.act_id = v.act_id
  join consent.erased e on e.commitment = a.commitment
  join consent.acts z on z.act_id = e.act_id
 order by v.starts_at, v.act_id;
