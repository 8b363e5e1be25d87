-- name: KeepExchange :exec
insert into federation.exchanges (exchange_id, at, hub, outgoing, kind, request, message_hash, outcome, commitment)
values (sqlc.arg(exchange_id)::uuid, @at, @hub, @outgoing, @kind, nullif(sqlc.arg(request)::text, ''), sqlc.arg(message_hash)::bytea, @outcome, sqlc.narg(commitment)::bytea);

-- name: KeepUnknown :exec
insert into federation.unknown_messages (record_id, at, hub, kind, version, message_hash, became, sent_to, case_id, origin, sender, hops, due_at)
values (sqlc.arg(record_id)::uuid, @at, @hub, @kind, @version, sqlc.arg(message_hash)::bytea, @became, nullif(sqlc.arg(sent_to)::text, ''), nullif(sqlc.arg(case_id)::text, ''),
        nullif(sqlc.arg(origin)::text, ''), nullif(sqlc.arg(sender)::text, ''), @hops, @due_at);

-- name: ListEscalations :many
select record_id, at, hub, kind, version, coalesce(case_id, '')::text as case_id, coalesce(origin, '')::text as origin, coalesce(sender, '')::text as sender, hops, due_at
  from federation.unknown_messages where became = 'owned' order by at desc limit @page_size;
