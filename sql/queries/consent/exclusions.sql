-- One agency left out by one person (PUB-07). An exclusion is never changed:
-- its end is a row of its own.
-- name: InsertExclusion :exec
insert into consent.exclusions (exclusion_id, act_id, handle_id, agency_id, excluded, starts_at, evidence)
values (sqlc.arg(exclusion_id), sqlc.arg(act_id), sqlc.arg(handle_id), sqlc.arg(agency_id), sqlc.arg(excluded),
        sqlc.arg(starts_at), sqlc.arg(evidence));

-- An exclusion, for those who may know of it: the same people as for a consent.
-- name: FindExclusion :one
select e.exclusion_id, e.handle_id, e.agency_id, e.excluded
  from consent.exclusions e
  join consent.acts a on a.act_id = e.act_id
 where e.exclusion_id = sqlc.arg(exclusion_id) and e.evidence <> 'erased'
   and (e.agency_id = sqlc.arg(caller_agency)
        or (a.agency_id = sqlc.arg(caller_agency) and a.practitioner_id = sqlc.arg(caller)));

-- The receipt of the one inclusion that an exclusion can have.
-- name: FindInclusion :one
select i.act_id, a.commitment
  from consent.inclusions i
  join consent.acts a on a.act_id = i.act_id
 where i.exclusion_id = sqlc.arg(exclusion_id);

-- No row is inserted when another inclusion came first; one under way is
-- waited for.
-- name: InsertInclusion :execrows
insert into consent.inclusions (exclusion_id, act_id, at, evidence)
values (sqlc.arg(exclusion_id), sqlc.arg(act_id), sqlc.arg(at), sqlc.arg(evidence))
on conflict (exclusion_id) do nothing;
