-- A consent is never changed: its withdrawal is a row of its own, and
-- published_consents shows both to relmgr at once (PUB-12).
-- name: InsertConsent :exec
insert into consent.consents (consent_id, act_id, handle_id, column_id, agency_id, explicit, audience_kind, audience,
                              purposes, aspects, starts_at, ends_at, evidence, wording, understanding)
values (sqlc.arg(consent_id), sqlc.arg(act_id), sqlc.arg(handle_id), sqlc.arg(column_id), sqlc.arg(agency_id),
        sqlc.arg(explicit), sqlc.arg(audience_kind), sqlc.arg(audience), sqlc.arg(purposes), sqlc.arg(aspects),
        sqlc.arg(starts_at), sqlc.arg(ends_at), sqlc.arg(evidence), sqlc.arg(wording),
        sqlc.narg(understanding));

-- A consent with its withdrawal, for those who may know of it: colleagues at
-- the agency that controls the column, and whoever captured it while they
-- still act for the agency that they acted for then. To all others there is no
-- row, as for an id that names nothing: one statement, so neither does more work.
-- name: FindConsent :one
select c.consent_id, c.handle_id, c.column_id, c.agency_id, c.explicit, c.audience_kind, c.audience, c.purposes, c.aspects,
       c.starts_at, c.ends_at, c.evidence, c.wording, c.understanding, w.at as withdrawn_at, w.evidence as withdrawal_evidence,
       p.authority as proxy_authority, p.evidence as proxy_evidence, p.ends_at as proxy_ends_at,
       k.presumed as presumed_competence, k.assessed as assessed_competence, k.presumed_from,
       a.commitment, wa.commitment as withdrawal_commitment
  from consent.consents c
  join consent.acts a on a.act_id = c.act_id
  left join consent.withdrawals w on w.consent_id = c.consent_id
  left join consent.acts wa on wa.act_id = w.act_id
  left join consent.proxies p on p.consent_id = c.consent_id
  left join consent.competences k on k.consent_id = c.consent_id
 where c.consent_id = sqlc.arg(consent_id) and c.evidence <> 'erased'
   and (c.agency_id = sqlc.arg(caller_agency)
        or (a.agency_id = sqlc.arg(caller_agency) and a.practitioner_id = sqlc.arg(caller)));

-- The receipt of the one withdrawal that a consent can have.
-- name: FindWithdrawal :one
select w.act_id, a.commitment
  from consent.withdrawals w
  join consent.acts a on a.act_id = w.act_id
 where w.consent_id = sqlc.arg(consent_id);

-- No row is inserted when another withdrawal came first. One that is still
-- under way is waited for, since its transaction may yet fail.
-- name: InsertWithdrawal :execrows
insert into consent.withdrawals (consent_id, act_id, at, evidence)
values (sqlc.arg(consent_id), sqlc.arg(act_id), sqlc.arg(at), sqlc.arg(evidence))
on conflict (consent_id) do nothing;

-- Who decided for the person, by what authority.
-- name: InsertProxy :exec
insert into consent.proxies (consent_id, authority, evidence, ends_at)
values (sqlc.arg(consent_id), sqlc.arg(authority), sqlc.arg(evidence), sqlc.arg(ends_at));

-- Whether the person could decide.
-- name: InsertCompetence :exec
insert into consent.competences (consent_id, presumed, assessed, presumed_from)
values (sqlc.arg(consent_id), sqlc.narg(presumed), sqlc.narg(assessed), sqlc.narg(presumed_from));
