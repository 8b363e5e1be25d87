-- name: AppendDispute :exec
insert into federation.disputes (dispute_id, act_id, hub, filed, about, message_hash, reason, filed_at, due_at)
values (sqlc.arg(dispute_id), sqlc.arg(act_id), sqlc.arg(hub), sqlc.arg(filed), sqlc.arg(about), sqlc.narg(message_hash), sqlc.arg(reason), sqlc.arg(filed_at), sqlc.arg(due_at));

-- name: EndDispute :exec
insert into federation.dispute_ends (dispute_id, act_id, outcome, reason) values (sqlc.arg(dispute_id), sqlc.arg(act_id), sqlc.arg(outcome), nullif(sqlc.arg(reason)::text, ''));

-- name: WriteDisputeLetter :exec
insert into federation.dispute_letters (dispute_id) values (sqlc.arg(dispute_id));

-- name: DropDisputeLetter :exec
delete from federation.dispute_letters where dispute_id = sqlc.arg(dispute_id);

-- name: FindDispute :one
select d.dispute_id, d.hub, d.filed, d.about, coalesce(d.message_hash, '')::bytea as message_hash, d.reason::text as reason, d.filed_at, d.due_at,
       (l.dispute_id is not null)::boolean as untold, l.refused_at,
       coalesce(e.outcome, '')::text as outcome, coalesce(e.reason, '')::text as outcome_reason, coalesce(a.at, d.filed_at)::timestamptz as ended_at
  from federation.disputes d
  left join federation.dispute_letters l on l.dispute_id = d.dispute_id
  left join federation.dispute_ends e on e.dispute_id = d.dispute_id
  left join federation.acts a on a.act_id = e.act_id
 where d.dispute_id = sqlc.arg(dispute_id);

-- name: ListDisputes :many
select d.dispute_id, d.hub, d.filed, d.about, coalesce(d.message_hash, '')::bytea as message_hash, d.reason::text as reason, d.filed_at, d.due_at,
       (l.dispute_id is not null)::boolean as untold, l.refused_at,
       coalesce(e.outcome, '')::text as outcome, coalesce(e.reason, '')::text as outcome_reason, coalesce(a.at, d.filed_at)::timestamptz as ended_at
  from federation.disputes d
  left join federation.dispute_letters l on l.dispute_id = d.dispute_id
  left join federation.dispute_ends e on e.dispute_id = d.dispute_id
  left join federation.acts a on a.act_id = e.act_id
 order by d.filed_at desc limit @page_size;

-- Those that nobody has answered in time.
-- name: ListOverdueDisputes :many
select d.dispute_id, d.filed from federation.disputes d
 where d.due_at <= sqlc.arg(now)::timestamptz and not exists (select from federation.dispute_ends e where e.dispute_id = d.dispute_id)
 order by d.due_at;

-- name: ListDisputeLetters :many
select l.dispute_id from federation.dispute_letters l where l.next_at <= sqlc.arg(now)::timestamptz order by l.next_at, l.dispute_id;

-- It is told again tomorrow, as long as it has not been refused for longer than it is worth.
-- name: NoteRefusal :one
update federation.dispute_letters l
   set refused_at = coalesce(l.refused_at, sqlc.arg(now)::timestamptz),
       next_at = case when l.refused_at <= sqlc.arg(worth)::timestamptz then 'infinity' else sqlc.arg(again)::timestamptz end
 where l.dispute_id = sqlc.arg(dispute_id)
returning l.refused_at = sqlc.arg(now)::timestamptz as first;

-- name: CountOpenDisputes :one
select count(*) from federation.disputes d
 where d.hub = sqlc.arg(hub) and d.filed = sqlc.arg(filed) and not exists (select from federation.dispute_ends e where e.dispute_id = d.dispute_id);

-- name: FindExchangeWith :one
select message_hash from federation.exchanges where exchange_id = sqlc.arg(exchange_id)::uuid and hub = sqlc.arg(hub)::text;
