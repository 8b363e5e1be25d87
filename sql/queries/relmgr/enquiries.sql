-- name: ReadRows :many
-- The one read of enquiries: each asker's handle, everything on its row, and
-- what that rests on, as one snapshot. Which part of it answers is decided in
-- memory, so the work does not depend on what may be shown. number says whose
-- enquiry a line belongs to.
--   own       the asker's handle, none where the identifier has none, with the
--             epoch of the tokens by which it was looked up (reading)
--   cell      a published handle of the row, with its standing decision and an
--             offer; once for each offer, once without where there is none
--   side      one side of a correlation of the row (handle) and its far end;
--             not consented while either end is disputed
--   excluded  an agency left out by a subject's exclusion on a handle of the row
--   blocked   a handle that the person hides, and how far (kind)
--   apart     a keep-apart of a handle of the row (handle) from its far end
--   effect    what an identity manager (contact) has in force on a handle: the effect
--             (far_handle), its reasons (transactions), what it gives way to (risk)
-- What rests on a decision is gathered first, so that decisions and consents
-- stand in the plan once: setting up a plan costs as much as running it, which
-- is why those who ask at once share it. Both ends of a correlation are on its
-- row, so it is found by one of them.
with asked as (
  select unnest(sqlc.arg(numbers)::int[]) as n, unnest(sqlc.arg(column_ids)::text[]) as column_id,
         unnest(sqlc.arg(tokens)::bytea[]) as token, unnest(sqlc.arg(tokens_b)::bytea[]) as token_b,
         unnest(sqlc.arg(ats)::timestamptz[]) as at
), own as (
  select a.n, a.at, a.column_id, coalesce(t.reading, 1) as reading, h.handle_id, h.row_id
    from asked a
    left join relmgr.token_epochs t on t.column_id = a.column_id
    left join lateral (
      select o.handle_id, o.row_id from relmgr.handles o
       where o.column_id = a.column_id and o.token = a.token and coalesce(t.reading, 1) % 2 = 1
      union all
      select e.handle_id, e.row_id from relmgr.handles e
       where e.column_id = a.column_id and e.token_b = a.token_b and coalesce(t.reading, 1) % 2 = 0
    ) h on true
), members as (
  select own.n, own.at, own.column_id as asker, h.handle_id, h.column_id from own join relmgr.handles h on h.row_id = own.row_id
), resting as not materialized (
  select m.n, m.at, m.asker, 'cell'::text as part, c.handle_id, null::uuid as far_handle, c.column_id::text as column_id, c.decision_id,
         c.role::text as role, c.act_id, o.kind, o.contact::text as contact, o.transactions, true as undisputed
    from members m
    join relmgr.cells c on c.handle_id = m.handle_id
    left join relmgr.offers o on o.act_id = c.act_id
  union all
  select a.n, a.at, a.asker, 'side', v.handle_id, v.far_handle, v.column_id, v.decision_id, '', e.act_id, '', '', null,
         not exists (select from relmgr.disputes x where x.handle_id in (e.handle_a, e.handle_b))
    from members a
    join relmgr.correlations e on e.handle_a = a.handle_id
    join relmgr.handles b on b.handle_id = e.handle_b
    cross join lateral (values (e.handle_a, e.handle_b, a.column_id::text, e.decision_a),
                               (e.handle_b, e.handle_a, b.column_id::text, e.decision_b)) v (handle_id, far_handle, column_id, decision_id)
)
select own.n::int as number, 'own'::text as part, own.handle_id, null::uuid as far_handle, own.column_id::text as column_id,
       null::uuid as decision_id, ''::text as role,
       ''::text as agreement, ''::text as power, ''::text as ground,
       '{}'::text[] as purposes, ''::text as audience_kind, '{}'::text[] as audience, own.at::timestamptz as until, false as consented,
       null::uuid as act_id, ''::text as kind, ''::text as contact, '{}'::text[] as transactions, ''::text as excluded,
       ''::text as mode, '{}'::text[] as aspects, ''::text as ordinary, ''::text as sensitive,
       own.at::timestamptz as review_at, ''::text as risk, ''::text as override, own.reading::int as reading
  from own
union all
select r.n, r.part, r.handle_id, r.far_handle, r.column_id, r.decision_id, r.role, d.agreement::text, d.power::text,
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
select m.n, 'excluded', m.handle_id, null, '', null, '', '', '', '', '{}', '', '{}',
       m.at, false, null, '', '', '{}', x.excluded::text, '', '{}', '', '', m.at, '', '', 0
  from members m
  join consent.published_exclusions x on x.handle_id = m.handle_id and x.ended_at is null
union all
select m.n, 'blocked', m.handle_id, null, '', null, '', '', '', '', '{}', '', '{}',
       m.at, false, null, b.reach, '', '{}', '', '', '{}', '', '', m.at, '', '', 0
  from members m
  join consent.published_blocks b on b.handle_id = m.handle_id and b.ended_at is null
union all
select m.n, 'apart', k.handle_a, k.handle_b, '', null, '', '', '', '', '{}', '', '{}',
       m.at, false, k.act_id, '', '', '{}', '', '', '{}', '', '', m.at, '', '', 0
  from members m
  join relmgr.keep_aparts k on k.handle_a = m.handle_id
union all
select m.n, 'effect', m.handle_id, f.effect_id, m.column_id::text, null, '', f.agreement, f.power, f.ground, f.purposes, f.audience_kind, f.audience,
       f.until, true, null, f.kind, f.manager::text, f.reasons, '', f.mode, f.aspects, f.ordinary, coalesce(f.sensitive, ''), f.review_at,
       array_to_string(f.yields_to, ' '), '', 0
  from members m
  join idmgr.published_effects f on f.handle_id = m.handle_id;

-- name: RecordEnquiries :many
-- Enquiries with, each, the handle where the identifier had none, the content
-- key, the commitment, the review that an emergency opens and what was
-- disclosed, in one statement. The text is the same whatever was found and
-- however many there are. It returns those that it stored, each whole; of one
-- whose handle another enquiry made, or somebody erased, in the meantime it stores
-- nothing: read again. That an enquiry's handle is stored is this statement's to see to, for
-- no reference does (docs/decisions/0023). An override is used from the first
-- time that it tells a column; ReadRows lets it tell the column again for an
-- hour, in which an answer that was lost can be asked for (docs/decisions/0012).
with entry as (
  select unnest(sqlc.arg(enquiry_ids)::text[])::uuid as enquiry_id, unnest(sqlc.arg(ats)::timestamptz[]) as at,
         unnest(sqlc.arg(practitioner_ids)::text[]) as practitioner_id, unnest(sqlc.arg(agency_ids)::text[]) as agency_id,
         unnest(sqlc.arg(roles)::text[]) as role, unnest(sqlc.arg(column_ids)::text[]) as column_id,
         unnest(sqlc.arg(handle_ids)::text[])::uuid as handle_id, unnest(sqlc.arg(purposes)::text[]) as purpose,
         unnest(sqlc.arg(reasons)::text[]) as reason, unnest(sqlc.arg(concernings)::text[]) as concerning,
         unnest(sqlc.arg(transactions)::text[]) as transaction, unnest(sqlc.arg(emergencies)::boolean[]) as emergency,
         unnest(sqlc.arg(review_dues)::timestamptz[]) as review_due, unnest(sqlc.arg(terms_versions)::bigint[]) as terms_version,
         unnest(sqlc.arg(commitments)::bytea[]) as commitment, unnest(sqlc.arg(contents)::bytea[]) as sealed,
         unnest(sqlc.arg(wrapped_keys)::bytea[]) as wrapped_key, unnest(sqlc.arg(tokens)::bytea[]) as token,
         unnest(sqlc.arg(tokens_b)::bytea[]) as token_b, unnest(sqlc.arg(token_epochs)::int[]) as token_epoch,
         unnest(sqlc.arg(handle_contents)::bytea[]) as handle_sealed, unnest(sqlc.arg(handle_wrapped_keys)::bytea[]) as handle_wrapped_key,
         unnest(sqlc.arg(handle_wrapped_by)::text[]) as handle_wrapped_by, unnest(sqlc.arg(row_ids)::text[])::uuid as row_id
), handle as (
  insert into relmgr.handles (handle_id, column_id, token, token_b, token_epoch, sealed, wrapped_key, wrapped_by, row_id)
  select e.handle_id, e.column_id, nullif(e.token, ''), nullif(e.token_b, ''), e.token_epoch, e.handle_sealed, e.handle_wrapped_key, e.handle_wrapped_by, e.row_id from entry e
  on conflict do nothing
  returning handle_id
), held as (
  select e.* from entry e
   where (select h.handle_id from relmgr.handles h where h.handle_id = e.handle_id and h.wrapped_by <> '') is not null -- not exists(): that may be planned as a scan
      or e.handle_id in (select handle_id from handle)
), key as (
  insert into relmgr.content_keys (record_id, wrapped) select e.enquiry_id, e.wrapped_key from held e
), leaf as (
  insert into ledger.pending (commitment) select e.commitment from held e
), review as (
  insert into relmgr.reviews (enquiry_id, agency_id, opened_at, due_at)
  select e.enquiry_id, e.agency_id, e.at, e.review_due from held e where e.emergency
), used as (
  insert into relmgr.override_uses (decision_id, column_id, first_at)
  select u.decision_id, e.column_id, e.at
    from (select unnest(sqlc.arg(used_enquiries)::text[])::uuid as enquiry_id, unnest(sqlc.arg(used_decisions)::text[])::uuid as decision_id) u
    join held e using (enquiry_id)
  on conflict do nothing
), told as (
  insert into relmgr.disclosures (enquiry_id, handle_id, decision_id)
  select t.enquiry_id, t.handle_id, t.decision_id
    from (select unnest(sqlc.arg(told_enquiries)::text[])::uuid as enquiry_id, unnest(sqlc.arg(told_handles)::text[])::uuid as handle_id,
                 unnest(sqlc.arg(told_decisions)::text[])::uuid as decision_id) t
    join held using (enquiry_id)
), clash as (
  insert into relmgr.clashes (grant_id, withholding_id, at)
  select c.grant_id, c.withholding_id, min(e.at)
    from (select unnest(sqlc.arg(clash_enquiries)::text[])::uuid as enquiry_id, unnest(sqlc.arg(clash_grants)::text[])::uuid as grant_id,
                 unnest(sqlc.arg(clash_withholdings)::text[])::uuid as withholding_id) c
    join held e using (enquiry_id)
   group by 1, 2
  on conflict do nothing
)
insert into relmgr.enquiries (enquiry_id, at, practitioner_id, agency_id, role, column_id, handle_id, purpose, reason,
                              concerning, transaction, emergency, terms_version, commitment, sealed)
select e.enquiry_id, e.at, e.practitioner_id, e.agency_id, e.role, e.column_id, e.handle_id, e.purpose, e.reason,
       e.concerning, nullif(e.transaction, ''), e.emergency, e.terms_version, e.commitment, e.sealed
  from held e
returning enquiry_id;

-- name: RecordRefusedEnquiry :exec
-- An enquiry that the asker's own side stopped, or whose recognition was not theirs
-- to use: nothing was told.
with key as (
  insert into relmgr.content_keys (record_id, wrapped) values (sqlc.arg(enquiry_id)::uuid, sqlc.arg(wrapped_key))
), leaf as (
  insert into ledger.pending (commitment) values (sqlc.arg(commitment)::bytea)
)
insert into relmgr.enquiries (enquiry_id, at, practitioner_id, agency_id, role, column_id, purpose, reason, concerning,
                              transaction, emergency, stopped_at, recognition, terms_version, commitment, sealed)
values (@enquiry_id, @at, @practitioner_id, @agency_id, @role, @column_id, @purpose, @reason, @concerning,
        nullif(sqlc.arg(transaction)::text, ''), @emergency, sqlc.arg(stopped_at), nullif(sqlc.arg(recognition)::text, ''), @terms_version, @commitment, @sealed);

-- name: RecordRead :exec
-- A read of what is recorded, as an enquiry, with what it disclosed if it answers
-- a question.
with key as (
  insert into relmgr.content_keys (record_id, wrapped) values (sqlc.arg(enquiry_id)::uuid, sqlc.arg(wrapped_key))
), leaf as (
  insert into ledger.pending (commitment) values (sqlc.arg(commitment)::bytea)
), told as (
  insert into relmgr.disclosures (enquiry_id, handle_id, decision_id)
  select sqlc.arg(enquiry_id)::uuid, unnest(sqlc.arg(told_handles)::text[])::uuid, unnest(sqlc.arg(told_decisions)::text[])::uuid
), taken_back as (
  insert into relmgr.retractions (enquiry_id, handle_id, decision_id)
  select sqlc.arg(enquiry_id)::uuid, unnest(sqlc.arg(gone_handles)::text[])::uuid, unnest(sqlc.arg(gone_decisions)::text[])::uuid
)
insert into relmgr.enquiries (enquiry_id, at, practitioner_id, agency_id, role, column_id, handle_id, purpose, reason, concerning,
                              transaction, reads, terms_version, commitment, sealed)
values (@enquiry_id, @at, @practitioner_id, @agency_id, @role, nullif(sqlc.arg(column_id)::text, ''), sqlc.arg(handle_id)::uuid,
        @purpose, @reason, coalesce(nullif(sqlc.arg(concerning)::text, ''), 'not-known'), nullif(sqlc.arg(transaction)::text, ''),
        sqlc.arg(reads)::text, @terms_version, @commitment, @sealed);

-- name: FindGrant :one
-- The grant that a token carries.
select effect_id, audience_kind, audience, until, live from idmgr.published_grants where token_hash = sqlc.arg(token_hash);
