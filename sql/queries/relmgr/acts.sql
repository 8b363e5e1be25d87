-- name: RecordAct :exec
-- An act, the key of its content and its commitment, in one statement: none
-- without the others.
with key as (
  insert into relmgr.content_keys (record_id, wrapped) values (sqlc.arg(act_id)::uuid, sqlc.arg(wrapped_key))
), leaf as (
  insert into ledger.pending (commitment) values (sqlc.arg(commitment)::bytea)
)
insert into relmgr.acts (act_id, kind, at, practitioner_id, agency_id, role, mode, reason, agreement, ground,
                         provider_role, since, evidence, terms_version, commitment, sealed, approval_id)
values (@act_id, @kind, @at, @practitioner_id, @agency_id, @role, nullif(sqlc.arg(mode)::text, ''),
        nullif(sqlc.arg(reason)::text, ''), nullif(sqlc.arg(agreement)::text, ''), nullif(sqlc.arg(ground)::text, ''),
        nullif(sqlc.arg(provider_role)::text, ''), @since, nullif(sqlc.arg(evidence)::text, ''), @terms_version, @commitment, @sealed,
        nullif(sqlc.arg(approval_id)::uuid, '00000000-0000-0000-0000-000000000000'));

-- name: RecordActHandle :exec
insert into relmgr.act_handles (act_id, handle_id) values (@act_id, @handle_id) on conflict do nothing;

-- name: RecordReference :exec
-- What one agency is shown in place of the act.
insert into relmgr.act_references (reference_id, act_id, agency_id) values (@reference_id, @act_id, @agency_id)
on conflict (act_id, agency_id) do nothing;

-- name: RecordUndoing :exec
insert into relmgr.undoings (act_id, undoes) values (@act_id, @undoes);

-- name: RecordDecision :exec
insert into relmgr.decisions (decision_id, act_id, handle_id, practitioner_id, agency_id, outcome, stopped_at, steps,
                              agreement, power, ground, purposes, aspects, audience_kind, audience, until,
                              terms_version, profile, mode, aim, review_at, ordinary, sensitive, detriment, order_kind,
                              risk, telling)
values (@decision_id, @act_id, @handle_id, @practitioner_id, @agency_id, @outcome, @stopped_at, @steps, @agreement,
        @power, @ground, sqlc.arg(purposes)::text[], sqlc.arg(aspects)::text[], @audience_kind,
        sqlc.arg(audience)::text[], @until, @terms_version, @profile, @mode, nullif(sqlc.arg(aim)::text, ''), @review_at,
        nullif(sqlc.arg(ordinary)::text, ''), nullif(sqlc.arg(sensitive)::text, ''), nullif(sqlc.arg(detriment)::text, ''),
        nullif(sqlc.arg(order_kind)::text, ''), nullif(sqlc.arg(risk)::text, ''), nullif(sqlc.arg(telling)::text, ''));

-- name: RecordDecisionConsents :exec
insert into relmgr.decision_consents (decision_id, consent_id)
select sqlc.arg(decision_id)::uuid, unnest(sqlc.arg(consent_ids)::text[])::uuid;

-- name: FindActByReference :one
select a.act_id, a.kind, a.agency_id, coalesce(a.mode, '') as mode, coalesce(a.agreement, '')::text as agreement
  from relmgr.act_references r join relmgr.acts a on a.act_id = r.act_id
 where r.reference_id = @reference_id and r.agency_id = @agency_id;

-- name: ShowAct :one
-- An act as one agency is shown it: its own decision only, and references
-- drawn for it alone.
select a.act_id, r.reference_id, a.kind, a.at, a.agency_id, a.practitioner_id, a.role,
       coalesce(a.mode, '') as mode, coalesce(a.reason, '')::text as reason,
       coalesce(a.agreement, '')::text as agreement, coalesce(a.ground, '') as ground,
       coalesce(a.evidence, '') as evidence, a.since, a.commitment, coalesce(st.registrar, '')::text as registrar,
       coalesce(st.level, '')::text as level, coalesce(st.types, '{}')::text[] as types
  from relmgr.act_references r
  join relmgr.acts a on a.act_id = r.act_id
  left join relmgr.statements st on st.act_id = a.act_id
 where r.reference_id = @reference_id and r.agency_id = @agency_id;

-- name: ListActs :many
-- The acts on a handle as one agency is shown them, newest first, after the
-- act of the cursor.
select a.act_id, r.reference_id, a.kind, a.at, a.agency_id, a.practitioner_id, a.role,
       coalesce(a.mode, '') as mode, coalesce(a.reason, '')::text as reason,
       coalesce(a.agreement, '')::text as agreement, coalesce(a.ground, '') as ground,
       coalesce(a.evidence, '') as evidence, a.since, a.commitment, coalesce(st.registrar, '')::text as registrar,
       coalesce(st.level, '')::text as level, coalesce(st.types, '{}')::text[] as types
  from relmgr.act_handles ah
  join relmgr.acts a on a.act_id = ah.act_id
  join relmgr.act_references r on r.act_id = a.act_id and r.agency_id = @agency_id
  left join relmgr.statements st on st.act_id = a.act_id
 where ah.handle_id = @handle_id
   and (sqlc.arg(from_start)::boolean
        or (a.at, a.act_id) < (select c.at, c.act_id
                                 from relmgr.act_references cr join relmgr.acts c on c.act_id = cr.act_id
                                where cr.reference_id = sqlc.arg(after_reference)::uuid and cr.agency_id = @agency_id))
 order by a.at desc, a.act_id desc
 limit @page_size;

-- name: ListUndone :many
-- What an act undoes, in the references of one agency.
select r.reference_id from relmgr.undoings u
  join relmgr.act_references r on r.act_id = u.undoes and r.agency_id = @agency_id
 where u.act_id = @act_id order by r.reference_id;

-- name: ListOwnDecisions :many
-- The decisions that an agency's own people took in an act, or in the pairing
-- that it used.
select d.decision_id, d.steps, d.agreement, d.power, d.ground, d.purposes, d.aspects, d.until, d.terms_version, d.profile,
       coalesce(d.aim, '')::text as aim, d.review_at, coalesce(d.ordinary, '')::text as ordinary, coalesce(d.sensitive, '')::text as sensitive,
       coalesce(d.detriment, '')::text as detriment, coalesce(d.order_kind, '')::text as order_kind,
       coalesce(d.risk, '')::text as risk, coalesce(d.telling, '')::text as telling,
       array(select dc.consent_id::text from relmgr.decision_consents dc where dc.decision_id = d.decision_id order by 1)::text[] as consents
  from relmgr.decisions d
 where (d.act_id = sqlc.arg(act_id)::uuid
        or d.decision_id = (select p.decision_id from relmgr.pairings_used u
                              join relmgr.pairings p on p.pairing_id = u.pairing_id
                             where u.act_id = sqlc.arg(act_id)::uuid and not u.own))
   and d.agency_id = @agency_id
 order by d.decision_id;

-- name: ListUndoings :many
-- Every act that undoes one of these, or undoes such an undoing, to any depth.
with recursive u as (
  select n.act_id, n.undoes from relmgr.undoings n where n.undoes = any(sqlc.arg(act_ids)::text[]::uuid[])
  union
  select n.act_id, n.undoes from relmgr.undoings n join u on n.undoes = u.act_id
)
select u.act_id, u.undoes from u;

-- name: ListActHandles :many
select h.handle_id, h.column_id, (h.wrapped_by = '')::boolean as destroyed from relmgr.act_handles ah join relmgr.handles h on h.handle_id = ah.handle_id
 where ah.act_id = @act_id order by h.handle_id;

-- name: ListUndoneActs :many
select a.act_id, a.kind, coalesce(a.mode, '') as mode, coalesce(a.agreement, '')::text as agreement
  from relmgr.undoings u join relmgr.acts a on a.act_id = u.undoes
 where u.act_id = @act_id order by a.act_id;

-- name: ListActAgencies :many
-- Which agencies an act is shown to.
select agency_id from relmgr.act_references where act_id = @act_id order by agency_id;

-- name: FindProjection :one
-- Whether what an act projects is in the index now, and what keeps it out.
select a.kind, coalesce(a.mode, '') as mode,
       (exists (select from relmgr.act_handles ah join relmgr.cells c on c.handle_id = ah.handle_id and c.act_id = ah.act_id where ah.act_id = a.act_id)
        or exists (select from relmgr.correlations k where k.act_id = a.act_id)
        or exists (select from relmgr.keep_aparts k where k.act_id = a.act_id)
        or exists (select from relmgr.disputes x where x.act_id = a.act_id)
        or exists (select from relmgr.attachments t where t.act_id = a.act_id and t.live)
        or exists (select from relmgr.ties t where t.act_id = a.act_id and t.live))::boolean as placed,
       exists (select from relmgr.barred b where b.act_id = a.act_id) as barred
  from relmgr.acts a where a.act_id = @act_id;

-- name: RecordBarred :exec
-- It runs for every act, barring nothing for most.
insert into relmgr.barred (act_id, barred_in)
select unnest(sqlc.arg(act_ids)::text[])::uuid, sqlc.arg(barred_in)::uuid
on conflict do nothing;

-- name: RecordConfirmation :exec
insert into relmgr.confirmations (act_id, confirms) values (@act_id, @confirms);

-- name: ListConfirmations :many
select act_id from relmgr.confirmations where confirms = @confirms order by act_id;

-- name: RecordReplay :execrows
-- Binds an idempotency key to its act, once. One under way is waited for.
insert into relmgr.replays (key_hash, act_id) values (@key_hash, @act_id) on conflict (key_hash) do nothing;

-- name: FindReplay :one
-- What came of an earlier request with the key, as its maker's agency knows it.
select r.reference_id, a.commitment
  from relmgr.replays p
  join relmgr.acts a on a.act_id = p.act_id
  join relmgr.act_references r on r.act_id = a.act_id and r.agency_id = a.agency_id
 where p.key_hash = @key_hash;
