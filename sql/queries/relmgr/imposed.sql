-- name: RecordTelling :exec
insert into relmgr.tellings (act_id, tells_of, handle_id, agency_id, at, told, risk, review_by)
values (@act_id, @tells_of, @handle_id, @agency_id, @at, @told, nullif(sqlc.arg(risk)::text, ''), @review_by);

-- name: ListTellings :many
-- The imposed acts of an agency of which the subject is not to be told, those
-- first that wait longest for somebody to look again.
select r.reference_id, a.kind, a.at, t.practitioner_id, t.role, n.at as said_at, n.risk, n.review_by
  from relmgr.tellings n
  join relmgr.acts a on a.act_id = n.tells_of
  join relmgr.acts t on t.act_id = n.act_id
  join relmgr.act_references r on r.act_id = n.tells_of and r.agency_id = @agency_id
 where n.agency_id = @agency_id and not n.told
   and exists (select from relmgr.handles h where h.handle_id = n.handle_id and h.wrapped_by <> '')
   and not exists (select from relmgr.tellings l where l.tells_of = n.tells_of and (l.at, l.act_id) > (n.at, n.act_id))
 order by n.review_by, r.reference_id
 limit @page_size;

-- name: FindTelling :one
-- What holds of an imposed act now, and who said so.
select n.tells_of, n.handle_id, n.told, t.practitioner_id
  from relmgr.act_references r
  join relmgr.tellings n on n.tells_of = r.act_id
  join relmgr.acts t on t.act_id = n.act_id
 where r.reference_id = @reference_id and r.agency_id = @agency_id and n.agency_id = @agency_id
 order by n.at desc, n.act_id desc
 limit 1;

-- name: FindImposed :one
-- An imposed act, as one agency may name it.
select a.act_id, a.agency_id, a.practitioner_id, coalesce(a.agreement, '')::text as agreement
  from relmgr.act_references r join relmgr.acts a on a.act_id = r.act_id
 where r.reference_id = @reference_id and r.agency_id = @agency_id and a.mode = 'imposed' and a.kind in ('publish', 'correlate');

-- name: RecordObjection :exec
insert into relmgr.objections (act_id, objects_to, agency_id, at, due_at)
values (@act_id, @objects_to, @agency_id, @at, @due_at);

-- name: ListObjections :many
-- What subjects object to and nobody has ruled on yet, oldest first.
select o.act_id, r.reference_id, i.reference_id as imposed, a.kind, a.agreement::text as agreement, o.at, o.due_at
  from relmgr.objections o
  join relmgr.acts a on a.act_id = o.objects_to
  join relmgr.act_references r on r.act_id = o.act_id and r.agency_id = @agency_id
  join relmgr.act_references i on i.act_id = o.objects_to and i.agency_id = @agency_id
 where o.agency_id = @agency_id and not exists (select from relmgr.rulings v where v.objection_id = o.act_id)
 order by o.at, r.reference_id
 limit @page_size;

-- name: FindObjection :one
select o.act_id, o.objects_to, a.practitioner_id, coalesce(a.agreement, '')::text as agreement
  from relmgr.act_references r
  join relmgr.objections o on o.act_id = r.act_id
  join relmgr.acts a on a.act_id = o.objects_to
 where r.reference_id = @reference_id and r.agency_id = @agency_id and o.agency_id = @agency_id;

-- name: RecordRuling :exec
-- Succeeds once: the second ruling breaks the primary key.
insert into relmgr.rulings (objection_id, act_id, outcome) values (@objection_id, @act_id, @outcome);
