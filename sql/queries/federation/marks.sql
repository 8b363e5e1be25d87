-- name: AppendMark :exec
insert into federation.marks (act_id, mark_id, step, kind, subject, expires_at)
values (sqlc.arg(act_id), sqlc.arg(mark_id), sqlc.arg(step), sqlc.narg(kind)::text, sqlc.narg(subject)::text, sqlc.narg(expires_at)::timestamptz);

-- name: FindMark :one
select i.mark_id, i.kind::text as kind, i.subject::text as subject, i.expires_at::timestamptz as expires_at,
       exists (select from federation.marks r where r.mark_id = i.mark_id and r.step = 'revoke-mark') as revoked
  from federation.marks i where i.mark_id = sqlc.arg(mark_id) and i.step = 'issue-mark';

-- Marks that hold of a kind, of one subject or of all, the one that holds longest of each.
-- name: ListMarks :many
select distinct on (i.subject) i.mark_id, i.subject::text as subject, i.expires_at::timestamptz as expires_at
  from federation.marks i
 where i.step = 'issue-mark' and i.kind = sqlc.arg(kind)::text and (sqlc.arg(subject)::text = '' or i.subject = sqlc.arg(subject)::text) and i.expires_at > sqlc.arg(now)::timestamptz
   and not exists (select from federation.marks r where r.mark_id = i.mark_id and r.step = 'revoke-mark')
 order by i.subject, i.expires_at desc, i.mark_id
 limit 1000;

-- The kinds of which some were issued: one step through the index for each.
-- name: ListMarkKinds :many
with recursive kinds as (
  (select m.kind::text as kind from federation.marks m where m.step = 'issue-mark' order by m.kind limit 1)
  union all
  select (select m.kind::text from federation.marks m where m.step = 'issue-mark' and m.kind::text > k.kind order by m.kind limit 1) from kinds k where k.kind is not null
)
select kind::text as kind from kinds where kind is not null limit 100;
