-- name: FindTermsAt :one
-- The terms that were in force at an instant.
select version, document from governance.published_terms
 where applied_at <= sqlc.arg(at)::timestamptz
 order by version desc
 limit 1;

-- name: ApproveAsOf :exec
-- Succeeds once: the second breaks the primary key.
insert into relmgr.as_of_approvals (approves, act_id) values (@approves, @act_id);

-- name: FindAsOf :one
-- An act that asks what was answered earlier, with when it was approved.
select a.act_id, a.at, a.practitioner_id, a.commitment, a.sealed, coalesce(k.wrapped, ''::bytea)::bytea as wrapped_key, ah.handle_id, h.column_id,
       p.at as approved_at
  from relmgr.act_references r
  join relmgr.acts a on a.act_id = r.act_id and a.kind = 'ask-as-of'
  join relmgr.act_handles ah on ah.act_id = a.act_id
  join relmgr.handles h on h.handle_id = ah.handle_id
  left join relmgr.content_keys k on k.record_id = a.act_id
  left join relmgr.as_of_approvals v on v.approves = a.act_id
  left join relmgr.acts p on p.act_id = v.act_id
 where r.reference_id = @reference_id and r.agency_id = @agency_id;

-- name: ListAsOf :many
-- What one agency's people ask that nobody has approved, oldest first, after the
-- one of the cursor, without what the reader asks.
select a.act_id, r.reference_id, a.at, a.practitioner_id, a.role, a.commitment, a.sealed, coalesce(k.wrapped, ''::bytea)::bytea as wrapped_key
  from relmgr.acts a
  join relmgr.act_references r on r.act_id = a.act_id and r.agency_id = a.agency_id
  left join relmgr.content_keys k on k.record_id = a.act_id
 where a.kind = 'ask-as-of' and a.agency_id = @agency_id and a.at > sqlc.arg(since)::timestamptz and a.practitioner_id <> sqlc.arg(reader)::text
   and not exists (select from relmgr.as_of_approvals v where v.approves = a.act_id)
   and (sqlc.arg(from_start)::boolean
        or (a.at, a.act_id) > (select c.at, c.act_id from relmgr.act_references cr join relmgr.acts c on c.act_id = cr.act_id
                                where cr.reference_id = sqlc.arg(after_reference)::uuid and cr.agency_id = @agency_id))
 order by a.at, a.act_id
 limit @page_size;

-- name: ListEverJoined :many
-- Every handle that correlating acts ever connected with one, itself among them:
-- its column now, the column that it was in then, and whether it is destroyed.
with recursive ever as (
  select sqlc.arg(handle_id)::uuid as handle_id
  union
  select o.handle_id
    from ever e
    join relmgr.act_handles m on m.handle_id = e.handle_id
    join relmgr.acts a on a.act_id = m.act_id and a.kind = 'correlate'
    join relmgr.act_handles o on o.act_id = a.act_id
)
select h.handle_id, h.column_id, (h.wrapped_by = '')::boolean as destroyed,
       coalesce((select m.from_column from relmgr.moves m join relmgr.acts a on a.act_id = m.act_id
                  where m.handle_id = h.handle_id and a.at > sqlc.arg(as_of)::timestamptz
                  order by a.at, a.act_id limit 1), h.column_id)::text as column_then
  from ever e join relmgr.handles h on h.handle_id = e.handle_id
 order by h.handle_id;

-- name: ListMakingActs :many
-- The acts that publish, correlate, keep apart or dispute any of these handles,
-- with what had come of each by then, undoing apart.
select a.act_id, a.kind, coalesce(a.mode, '')::text as mode, coalesce(a.provider_role, '')::text as provider_role,
       (a.at <= sqlc.arg(as_of)::timestamptz)::boolean as earlier,
       exists (select from relmgr.barred b where b.act_id = a.act_id)::boolean as barred,
       exists (select from relmgr.barred b join relmgr.acts c on c.act_id = b.barred_in
                where b.act_id = a.act_id and c.at <= sqlc.arg(as_of)::timestamptz)::boolean as barred_earlier,
       exists (select from relmgr.confirmations f where f.confirms = a.act_id)::boolean as confirmed,
       exists (select from relmgr.confirmations f join relmgr.acts c on c.act_id = f.act_id
                where f.confirms = a.act_id and c.at <= sqlc.arg(as_of)::timestamptz)::boolean as confirmed_earlier,
       array(select m.handle_id::text from relmgr.act_handles m where m.act_id = a.act_id order by 1)::text[] as handles
  from relmgr.acts a
 where a.kind in ('publish', 'correlate', 'keep-apart', 'dispute')
   and a.act_id in (select m.act_id from relmgr.act_handles m where m.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[]))
 order by a.act_id;

-- name: ListUndoingsSince :many
-- Every act that undoes one of these, to any depth, with whether it had by then
-- and whether it says that the undone should not have been: the subject's own
-- word, or a ruling for them, a separation or a settlement of what was never one
-- person, and what was asked in error; and what these undo themselves.
with recursive u as (
  select n.act_id, n.undoes from relmgr.undoings n where n.undoes = any(sqlc.arg(act_ids)::text[]::uuid[])
  union
  select n.act_id, n.undoes from relmgr.undoings n join u on n.undoes = u.act_id
)
select n.act_id, n.undoes, (a.at <= sqlc.arg(as_of)::timestamptz)::boolean as earlier, (coalesce(a.mode = 'subject', false) or a.kind in ('rule', 'separate', 'settle', 'asked-in-error'))::boolean as disowns
  from (select u.act_id, u.undoes from u
        union
        select n.act_id, n.undoes from relmgr.undoings n where n.act_id = any(sqlc.arg(act_ids)::text[]::uuid[])) n
  join relmgr.acts a on a.act_id = n.act_id
 order by n.act_id, n.undoes;

-- name: ListStandings :many
-- What publications and correlations rest on, a line for each side, with whether
-- the consents were in force then and are now.
with resting as (
  select d.act_id, d.decision_id, d.handle_id, null::uuid as far_handle
    from relmgr.decisions d where d.act_id = any(sqlc.arg(publications)::text[]::uuid[])
  union all
  select d.act_id, v.decision_id, v.handle_id, v.far_handle
    from relmgr.decisions d
    join relmgr.pairings_used u on u.act_id = d.act_id and not u.own
    join relmgr.pairings p on p.pairing_id = u.pairing_id
    cross join lateral (values (d.decision_id, d.handle_id, p.handle_id), (p.decision_id, p.handle_id, d.handle_id)) v (decision_id, handle_id, far_handle)
   where d.act_id = any(sqlc.arg(correlations)::text[]::uuid[])
)
select r.act_id, r.handle_id, r.far_handle, d.decision_id, d.agreement, d.power, d.ground, d.purposes, d.aspects, d.audience_kind, d.audience,
       d.until, d.mode, d.review_at, coalesce(d.ordinary, '')::text as ordinary, coalesce(d.sensitive, '')::text as sensitive,
       coalesce(d.risk, '')::text as risk,
       not exists (
         select from relmgr.decision_consents dc left join consent.published_consents c on c.consent_id = dc.consent_id
          where dc.decision_id = d.decision_id
            and (c.consent_id is null or c.withdrawn_at is not null or sqlc.arg(now)::timestamptz < c.starts_at or sqlc.arg(now)::timestamptz >= c.ends_at)
       ) as consented,
       not exists (
         select from relmgr.decision_consents dc left join consent.published_consents c on c.consent_id = dc.consent_id
          where dc.decision_id = d.decision_id
            and (c.consent_id is null or c.withdrawn_at <= sqlc.arg(as_of)::timestamptz
                 or sqlc.arg(as_of)::timestamptz < c.starts_at or sqlc.arg(as_of)::timestamptz >= c.ends_at)
       ) as consented_earlier
  from resting r
  join relmgr.decisions d on d.decision_id = r.decision_id
 order by r.act_id, r.handle_id;

-- name: ListOffersOf :many
select act_id, kind, transactions, contact from relmgr.offers
 where act_id = any(sqlc.arg(act_ids)::text[]::uuid[])
 order by act_id, ordinal;

-- name: ListShields :many
-- Whom a person leaves out on any of these handles, and which are hidden: now, or
-- then.
select x.handle_id, x.excluded::text as excluded
  from consent.published_exclusions x
 where x.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[])
   and (x.ended_at is null or x.starts_at <= sqlc.arg(as_of)::timestamptz and x.ended_at > sqlc.arg(as_of)::timestamptz)
union all
select x.handle_id, '' -- from everybody, where whom it left out is erased
  from consent.published_erased x
 where x.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[])
   and x.starts_at <= sqlc.arg(as_of)::timestamptz and (x.ended_at is null or x.ended_at > sqlc.arg(as_of)::timestamptz)
union all
select b.handle_id, ''
  from consent.published_blocks b
 where b.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[])
   and (b.ended_at is null or b.starts_at <= sqlc.arg(as_of)::timestamptz and b.ended_at > sqlc.arg(as_of)::timestamptz)
union all
select f.handle_id, '' -- from whomever it is withheld: an earlier date tells it nobody
  from idmgr.published_effects f
 where f.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[]) and f.kind = 'withhold' and f.until > sqlc.arg(now)::timestamptz;
