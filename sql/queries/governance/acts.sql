-- The act, the key of its content and its commitment for the ledger: all of
-- them or none. In clear stand ids, codes and times alone. Nothing comes back
-- from ledger.pending: what a duty puts in, only the sequencer takes out.
-- name: AppendAct :exec
with content_key as (
  insert into governance.content_keys (record_id, wrapped)
  values (sqlc.arg(act_id)::uuid, sqlc.arg(wrapped_key)::bytea)
), inbox as (
  insert into ledger.pending (commitment)
  values (sqlc.arg(commitment)::bytea)
)
insert into governance.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
values (sqlc.arg(act_id), sqlc.arg(kind), sqlc.arg(at), sqlc.arg(practitioner_id), sqlc.arg(agency_id), sqlc.arg(role),
        sqlc.arg(terms_version), sqlc.arg(commitment), sqlc.arg(sealed));

-- Where a page begins: the time of the act that ended the page before.
-- name: FindActTime :one
select at from governance.acts where act_id = @act_id;

-- Newest first, from an act on where one is given; the order of acts of one
-- instant is that of their random ids, so that paging misses none.
-- name: ListActs :many
select a.act_id, a.kind, a.at, a.practitioner_id, a.agency_id, a.role, a.terms_version, a.commitment, a.sealed, k.wrapped
  from governance.acts a left join governance.content_keys k on k.record_id = a.act_id
 where sqlc.narg(before)::timestamptz is null
    or (a.at, a.act_id) < (sqlc.narg(before)::timestamptz, sqlc.arg(after_act)::uuid)
 order by a.at desc, a.act_id desc
 limit sqlc.arg(count)::int;
