-- name: FindAnchorEpoch :one
select epoch from relmgr.anchor_epochs;

-- name: ListAnchors :many
-- The anchors that have one of these values, and those of a registrar that a
-- handle has, with whether an act in effect attaches them.
select a.anchor_id, a.handle_id, a.value, exists (select from relmgr.attachments t where t.anchor_id = a.anchor_id and t.live) as live
  from relmgr.anchors a
 where a.value = any(sqlc.arg(anchor_values)::bytea[]) or a.handle_id = @handle_id and a.registrar = @registrar;

-- name: KeepAnchor :execrows
-- Stores an anchor, unless its value was taken meanwhile or its key is no longer
-- the newest: then nothing is stored, and a new look tells which.
insert into relmgr.anchors (anchor_id, handle_id, registrar, epoch, value)
select sqlc.arg(anchor_id)::uuid, sqlc.arg(handle_id)::uuid, sqlc.arg(registrar)::text, e.epoch, sqlc.arg(value)::bytea
  from (select n.epoch from relmgr.anchor_epochs n where n.epoch = sqlc.arg(epoch)::int for share) e
on conflict (value) do nothing;

-- name: AttachAnchor :exec
insert into relmgr.attachments (act_id, anchor_id, live) values (@act_id, sqlc.arg(anchor_id)::uuid, true);

-- name: UseRecognition :exec
-- Succeeds once: the second user breaks the primary key.
insert into relmgr.recognitions_used (recognition_hash, record_id) values (@recognition_hash, sqlc.arg(record_id)::uuid);

-- name: BeginAnchorEpoch :execrows
-- From now on anchors are stored by the next key alone. Only when none is left of
-- the key before the present one.
update relmgr.anchor_epochs n set epoch = n.epoch + 1
 where n.epoch = sqlc.arg(epoch)::int and not exists (select from relmgr.anchors a where a.epoch < n.epoch);

-- name: ListAnchorsToAdvance :many
select anchor_id, value from relmgr.anchors
 where epoch = @epoch and (sqlc.arg(from_start)::boolean or anchor_id > sqlc.arg(after_anchor)::uuid)
 order by anchor_id
 limit @page_size
   for update skip locked;

-- name: AdvanceAnchors :exec
update relmgr.anchors a set value = f.value, epoch = a.epoch + 1
  from (select unnest(sqlc.arg(anchor_ids)::text[])::uuid as anchor_id, unnest(sqlc.arg(anchor_values)::bytea[]) as value) f
 where a.anchor_id = f.anchor_id;

-- name: CountAnchorsBefore :one
select count(*) from relmgr.anchors where epoch < @epoch;

-- name: ReadAnchored :many
-- The one read of an enquiry about somebody whom a registrar recognised: ReadRows
-- for every row on which one of the values is an anchor in effect. There is an own
-- line for each handle that was found so, and one without where none was; reading is
-- the newest epoch of anchors.
with own as (
  select sqlc.arg(at)::timestamptz as at, sqlc.arg(column_id)::text as column_id, e.epoch, h.handle_id, h.row_id
    from relmgr.anchor_epochs e
    left join lateral (
      select x.handle_id, x.row_id
        from relmgr.anchors a join relmgr.handles x on x.handle_id = a.handle_id
       where a.value = any(sqlc.arg(anchor_values)::bytea[])
         and exists (select from relmgr.attachments t where t.anchor_id = a.anchor_id and t.live)
    ) h on true
), members as (
  select r.at, r.asker, h.handle_id, h.column_id
    from (select distinct own.at, own.column_id as asker, own.row_id from own) r join relmgr.handles h on h.row_id = r.row_id
), resting as not materialized (
  select m.at, m.asker, 'cell'::text as part, c.handle_id, null::uuid as far_handle, c.column_id::text as column_id, c.decision_id,
         c.role::text as role, c.act_id, o.kind, o.contact::text as contact, o.transactions, true as undisputed
    from members m
    join relmgr.cells c on c.handle_id = m.handle_id
    left join relmgr.offers o on o.act_id = c.act_id
  union all
  select a.at, a.asker, 'side', v.handle_id, v.far_handle, v.column_id, v.decision_id, '', e.act_id, '', '', null,
         not exists (select from relmgr.disputes x where x.handle_id in (e.handle_a, e.handle_b))
    from members a
    join relmgr.correlations e on e.handle_a = a.handle_id
    join relmgr.handles b on b.handle_id = e.handle_b
    cross join lateral (values (e.handle_a, e.handle_b, a.column_id::text, e.decision_a),
                               (e.handle_b, e.handle_a, b.column_id::text, e.decision_b)) v (handle_id, far_handle, column_id, decision_id)
)
select 0::int as number, 'own'::text as part, own.handle_id, null::uuid as far_handle, own.column_id::text as column_id,
       null::uuid as decision_id, ''::text as role,
       ''::text as agreement, ''::text as power, ''::text as ground,
       '{}'::text[] as purposes, ''::text as audience_kind, '{}'::text[] as audience, own.at::timestamptz as until, false as consented,
       null::uuid as act_id, ''::text as kind, ''::text as contact, '{}'::text[] as transactions, ''::text as excluded,
       ''::text as mode, '{}'::text[] as aspects, ''::text as ordinary, ''::text as sensitive,
       own.at::timestamptz as review_at, ''::text as risk, ''::text as override, own.epoch::int as reading
  from own
union all
select 0, r.part, r.handle_id, r.far_handle, r.column_id, r.decision_id, r.role, d.agreement::text, d.power::text,
       d.ground, d.purposes, d.audience_kind, d.audience, d.until,
       r.undisputed and not exists (
         select from relmgr.decision_consents dc
           left join consent.published_consents pc on pc.consent_id = dc.consent_id
          where dc.decision_id = d.decision_id
            and (pc.consent_id is null or pc.withdrawn_at is not null or r.at < pc.starts_at or r.at >= pc.ends_at)
       ), r.act_id,
       coalesce(r.kind, ''), coalesce(r.contact, ''), coalesce(r.transactions, '{}'), '',
       d.mode, d.aspects, coalesce(d.ordinary, ''), coalesce(d.sensitive, ''), d.review_at, coalesce(d.risk, ''),
       case when d.risk is null then ''
            when exists (select from relmgr.override_outcomes o where o.decision_id = d.decision_id and o.outcome = 'not-justified') then 'rejected'
            when exists (select from relmgr.override_uses s where s.decision_id = d.decision_id and s.column_id = r.asker
                                                              and s.first_at <= r.at - interval '1 hour') then 'spent'
            else '' end, 0
  from resting r
  join relmgr.decisions d on d.decision_id = r.decision_id
union all
select 0, 'excluded', m.handle_id, null, '', null, '', '', '', '', '{}', '', '{}',
       m.at, false, null, '', '', '{}', x.excluded::text, '', '{}', '', '', m.at, '', '', 0
  from members m
  join consent.published_exclusions x on x.handle_id = m.handle_id and x.ended_at is null
union all
select 0, 'blocked', m.handle_id, null, '', null, '', '', '', '', '{}', '', '{}',
       m.at, false, null, b.reach, '', '{}', '', '', '{}', '', '', m.at, '', '', 0
  from members m
  join consent.published_blocks b on b.handle_id = m.handle_id and b.ended_at is null
union all
select 0, 'apart', k.handle_a, k.handle_b, '', null, '', '', '', '', '{}', '', '{}',
       m.at, false, k.act_id, '', '', '{}', '', '', '{}', '', '', m.at, '', '', 0
  from members m
  join relmgr.keep_aparts k on k.handle_a = m.handle_id
union all
select 0, 'effect', m.handle_id, f.effect_id, m.column_id::text, null, '', f.agreement, f.power, f.ground, f.purposes, f.audience_kind, f.audience,
       f.until, true, null, f.kind, f.manager::text, f.reasons, '', f.mode, f.aspects, f.ordinary, coalesce(f.sensitive, ''), f.review_at,
       array_to_string(f.yields_to, ' '), '', 0
  from members m
  join idmgr.published_effects f on f.handle_id = m.handle_id;

-- name: RecordRecognised :exec
-- An enquiry about somebody whom a registrar recognised, as RecordEnquiries records
-- others: in one statement, the same whatever was found, with the recognition, which
-- is used up. Of one that was used before nothing is stored: the primary key breaks.
with key as (
  insert into relmgr.content_keys (record_id, wrapped) values (sqlc.arg(enquiry_id)::uuid, sqlc.arg(wrapped_key))
), leaf as (
  insert into ledger.pending (commitment) values (sqlc.arg(commitment)::bytea)
), recognition as (
  insert into relmgr.recognitions_used (recognition_hash, record_id) values (sqlc.arg(recognition_hash)::bytea, sqlc.arg(enquiry_id)::uuid)
), review as (
  insert into relmgr.reviews (enquiry_id, agency_id, opened_at, due_at)
  select sqlc.arg(enquiry_id)::uuid, sqlc.arg(agency_id), sqlc.arg(at)::timestamptz, sqlc.arg(review_due)::timestamptz where sqlc.arg(emergency)::boolean
), used as (
  insert into relmgr.override_uses (decision_id, column_id, first_at)
  select unnest(sqlc.arg(used_decisions)::text[])::uuid, sqlc.arg(column_id), sqlc.arg(at)::timestamptz
  on conflict do nothing
), told as (
  insert into relmgr.disclosures (enquiry_id, handle_id, decision_id)
  select sqlc.arg(enquiry_id)::uuid, unnest(sqlc.arg(told_handles)::text[])::uuid, unnest(sqlc.arg(told_decisions)::text[])::uuid
), clash as (
  insert into relmgr.clashes (grant_id, withholding_id, at)
  select unnest(sqlc.arg(clash_grants)::text[])::uuid, unnest(sqlc.arg(clash_withholdings)::text[])::uuid, sqlc.arg(at)::timestamptz
  on conflict do nothing
)
insert into relmgr.enquiries (enquiry_id, at, practitioner_id, agency_id, role, column_id, purpose, reason, concerning, transaction,
                              emergency, recognition, terms_version, commitment, sealed)
values (@enquiry_id, @at, @practitioner_id, @agency_id, @role, @column_id, @purpose, @reason, @concerning,
        nullif(sqlc.arg(transaction)::text, ''), sqlc.arg(emergency)::boolean, 'used', @terms_version, @commitment, @sealed);

-- name: IsSuspended :one
-- What federation publishes of the register of registrars.
select exists (select from federation.suspended_registrars r where r.registrar = sqlc.arg(registrar)::text);
