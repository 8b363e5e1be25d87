-- The act, the key of its content and its commitment for the ledger: all of
-- them or none. In clear stand ids, codes and times alone. Nothing may come
-- back from ledger.pending, which this duty cannot read.
-- name: AppendAct :exec
with content_key as (
  insert into consent.content_keys (record_id, wrapped)
  values (sqlc.arg(act_id)::uuid, sqlc.arg(wrapped_key)::bytea)
), inbox as (
  insert into ledger.pending (commitment)
  values (sqlc.arg(commitment)::bytea)
)
insert into consent.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
values (sqlc.arg(act_id), sqlc.arg(kind), sqlc.arg(at), sqlc.arg(practitioner_id), sqlc.arg(agency_id), sqlc.arg(role),
        sqlc.arg(terms_version), sqlc.arg(commitment), sqlc.arg(sealed));
