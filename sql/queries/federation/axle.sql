-- name: KeepExchanges :exec
-- What went between this hub and others at once, with its record: one statement and one
-- commit.
with content_key as (
  insert into federation.content_keys (record_id, wrapped) values (sqlc.arg(record_id)::uuid, sqlc.arg(wrapped_key)::bytea)
), inbox as (
  insert into ledger.pending (commitment) values (sqlc.arg(commitment)::bytea)
), record as (
  insert into federation.book (record_id, at, outgoing, commitment, sealed)
  values (sqlc.arg(record_id)::uuid, sqlc.arg(at)::timestamptz, sqlc.arg(outgoing)::boolean, sqlc.arg(commitment)::bytea, sqlc.arg(sealed)::bytea)
)
insert into federation.exchanges (exchange_id, record_id, at, hub, outgoing, kind, request, message_hash, outcome, commitment)
select e.exchange_id, sqlc.arg(record_id)::uuid, sqlc.arg(at)::timestamptz, e.hub, sqlc.arg(outgoing)::boolean, e.kind, nullif(e.request, ''), e.message_hash, e.outcome, nullif(e.commitment, '')
  from (select unnest(sqlc.arg(exchange_ids)::text[])::uuid as exchange_id, unnest(sqlc.arg(hubs)::text[]) as hub, unnest(sqlc.arg(kinds)::text[]) as kind,
               unnest(sqlc.arg(requests)::text[]) as request, unnest(sqlc.arg(message_hashes)::bytea[]) as message_hash,
               unnest(sqlc.arg(outcomes)::text[]) as outcome, unnest(sqlc.arg(commitments)::bytea[]) as commitment) e;

-- name: KeepUnknown :exec
with content_key as (
  insert into federation.content_keys (record_id, wrapped) values (sqlc.arg(record_id)::uuid, sqlc.arg(wrapped_key)::bytea)
), inbox as (
  insert into ledger.pending (commitment) values (sqlc.arg(commitment)::bytea)
)
insert into federation.unknown_messages (record_id, at, hub, kind, version, message_hash, became, sent_to, case_id, origin, sender, hops, due_at, commitment, sealed)
values (sqlc.arg(record_id)::uuid, @at, @hub, @kind, @version, sqlc.arg(message_hash)::bytea, @became, nullif(sqlc.arg(sent_to)::text, ''), nullif(sqlc.arg(case_id)::text, ''),
        nullif(sqlc.arg(origin)::text, ''), nullif(sqlc.arg(sender)::text, ''), @hops, @due_at, sqlc.arg(commitment)::bytea, sqlc.arg(sealed)::bytea);

-- name: ListEscalations :many
select record_id, at, hub, kind, version, coalesce(case_id, '')::text as case_id, coalesce(origin, '')::text as origin, coalesce(sender, '')::text as sender, hops, due_at
  from federation.unknown_messages where became = 'owned' order by at desc limit @page_size;

-- name: FindLookUpKey :one
-- What relmgr publishes of its private look-ups.
select epoch, public_key from relmgr.look_up_key;
