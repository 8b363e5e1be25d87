-- name: ListRelied :many
-- One agency's own decisions that something in the index rests on, in the order
-- of their ids, after the one of the cursor. A pairing's stands for the
-- correlation that used its code. Whether the index holds what came of an act is
-- left out: another party's state decides it.
select d.decision_id, r.reference_id, e.act_id, e.kind, d.practitioner_id, a.at, a.role, h.column_id, d.agreement, d.power,
       d.ground, d.purposes, d.aspects, d.audience_kind, d.audience, d.until, d.mode, d.review_at, d.terms_version, d.profile,
       coalesce(d.ordinary, '')::text as ordinary, coalesce(d.sensitive, '')::text as sensitive,
       coalesce(d.risk, '')::text as risk, coalesce(d.telling, '')::text as telling, coalesce(o.outcome, '')::text as outcome,
       not exists (
         select from relmgr.decision_consents dc
           left join consent.published_consents pc on pc.consent_id = dc.consent_id
          where dc.decision_id = d.decision_id
            and (pc.consent_id is null or pc.withdrawn_at is not null
                 or sqlc.arg(at)::timestamptz < pc.starts_at or sqlc.arg(at)::timestamptz >= pc.ends_at)
       ) as consented
  from relmgr.decisions d
  join relmgr.acts a on a.act_id = d.act_id
  left join relmgr.pairings p on p.decision_id = d.decision_id
  left join relmgr.pairings_used u on u.pairing_id = p.pairing_id and not u.own
  join relmgr.acts e on e.act_id = coalesce(u.act_id, d.act_id)
  join relmgr.act_references r on r.act_id = e.act_id and r.agency_id = d.agency_id
  join relmgr.handles h on h.handle_id = d.handle_id
  left join relmgr.override_outcomes o on o.decision_id = d.decision_id
 where d.agency_id = @agency_id and d.outcome = 'permitted' and e.kind not in ('pair', 'keep-apart') and h.wrapped_by <> ''
   and (sqlc.arg(rests_on)::text = '' or sqlc.arg(rests_on)::text in (d.agreement, d.power, d.ordinary, d.sensitive, d.order_kind, d.profile))
   and (not sqlc.arg(overrides)::boolean or d.risk is not null and o.outcome is null)
   and (sqlc.arg(from_start)::boolean or d.decision_id > sqlc.arg(after_decision)::uuid)
 order by d.decision_id
 limit @page_size;

-- name: FindOverrides :many
-- The overrides of an act that one agency knows by a reference.
select d.decision_id, d.practitioner_id
  from relmgr.act_references r
  left join relmgr.pairings_used u on u.act_id = r.act_id and not u.own
  left join relmgr.pairings p on p.pairing_id = u.pairing_id
  join relmgr.decisions d on d.act_id = r.act_id or d.decision_id = p.decision_id
 where r.reference_id = @reference_id and r.agency_id = @agency_id and d.agency_id = @agency_id and d.risk is not null
 order by d.decision_id;

-- name: RecordOverrideOutcome :exec
-- Succeeds once: the second reviewer breaks the primary key.
insert into relmgr.override_outcomes (decision_id, act_id, outcome) values (@decision_id, @act_id, @outcome);
