-- name: KeepExchanges :exec
-- What went between this hub and others at once, one statement and one commit.
insert into federation.exchanges (exchange_id, at, hub, outgoing, kind, request, message_hash, outcome, commitment)
select e.exchange_id, @at, e.hub, @outgoing, e.kind, nullif(e.request, ''), e.message_hash, e.outcome, nullif(e.commitment, '')
  from (select unnest(sqlc.arg(exchange_ids)::text[])::uuid as exchange_id, unnest(sqlc.arg(hubs)::text[]) as hub, unnest(sqlc.arg(kinds)::text[]) as kind,
               unnest(sqlc.arg(requests)::text[]) as request, unnest(sqlc.arg(message_hashes)::bytea[]) as message_hash,
               unnest(sqlc.arg(outcomes)::text[]) as outcome, unnest(sqlc.arg(commitments)::bytea[]) as commitment) e;

-- name: KeepUnknown :exec
insert into federation.unknown_messages (record_id, at, hub, kind, version, message_hash, became, sent_to, case_id, origin, sender, hops, due_at)
values (sqlc.arg(record_id)::uuid, @at, @hub, @kind, @version, sqlc.arg(message_hash)::bytea, @became, nullif(sqlc.arg(sent_to)::text, ''), nullif(sqlc.arg(case_id)::text, ''),
        nullif(sqlc.arg(origin)::text, ''), nullif(sqlc.arg(sender)::text, ''), @hops, @due_at);

-- name: ListEscalations :many
select record_id, at, hub, kind, version, coalesce(case_id, '')::text as case_id, coalesce(origin, '')::text as origin, coalesce(sender, '')::text as sender, hops, due_at
  from federation.unknown_messages where became = 'owned' order by at desc limit @page_size;

-- name: FindLookUpKey :one
-- What relmgr publishes of its private look-ups.
select epoch, public_key from relmgr.look_up_key;
