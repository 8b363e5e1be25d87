-- Whoever changes a peer waits for whoever is changing one. The numbers are "fame"
-- and the federation's own.
-- name: WaitForTurn :exec
select pg_advisory_xact_lock(1717660005, 80);

-- The act, the key of its content and its commitment for the ledger: all of them or none.
-- name: AppendAct :exec
with content_key as (
  insert into federation.content_keys (record_id, wrapped)
  values (sqlc.arg(act_id)::uuid, sqlc.arg(wrapped_key)::bytea)
), inbox as (
  insert into ledger.pending (commitment)
  values (sqlc.arg(commitment)::bytea)
)
insert into federation.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
values (sqlc.arg(act_id), sqlc.arg(kind), sqlc.arg(at), sqlc.arg(practitioner_id), sqlc.arg(agency_id), sqlc.arg(role),
        sqlc.arg(terms_version), sqlc.arg(commitment), sqlc.arg(sealed));
