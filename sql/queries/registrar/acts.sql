-- The act, the key of its content and its commitment for the ledger: all of them or
-- none. A subject's own act names no practitioner in clear.
-- name: AppendAct :exec
with content_key as (
  insert into registrar.content_keys (record_id, wrapped)
  values (sqlc.arg(act_id)::uuid, sqlc.arg(wrapped_key)::bytea)
), inbox as (
  insert into ledger.pending (commitment)
  values (sqlc.arg(commitment)::bytea)
)
insert into registrar.acts (act_id, kind, by_subject, at, registrar, practitioner_id, agency_id, role, terms_version, commitment, sealed)
values (sqlc.arg(act_id), sqlc.arg(kind), sqlc.arg(practitioner)::text = '', sqlc.arg(at), sqlc.arg(registrar),
        nullif(sqlc.arg(practitioner)::text, ''), nullif(sqlc.arg(agency)::text, ''), nullif(sqlc.arg(role)::text, ''),
        sqlc.arg(terms_version), sqlc.arg(commitment), sqlc.arg(sealed));
