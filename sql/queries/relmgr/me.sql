-- name: ListMyRelationships :many
-- What each column holds of a person: its handle, and what it publishes of it. unseen
-- are the columns that the person did not ask to be shown.
select h.handle_id, h.column_id, (c.act_id is not null)::boolean as published, c.act_id, coalesce(c.role, '')::text as role, a.at, a.since,
       coalesce(a.mode, '')::text as mode, coalesce(d.agreement, '')::text as agreement, coalesce(d.power, '')::text as power, coalesce(d.ground, '')::text as ground,
       coalesce(d.purposes, '{}')::text[] as purposes, coalesce(d.aspects, '{}')::text[] as aspects, coalesce(d.audience_kind, '')::text as audience_kind,
       coalesce(d.audience, '{}')::text[] as audience, d.until, d.review_at,
       array(select o.kind from relmgr.offers o where o.act_id = c.act_id order by o.ordinal)::text[] as offers
  from relmgr.handles h
  left join relmgr.cells c on c.handle_id = h.handle_id
  left join relmgr.acts a on a.act_id = c.act_id
  left join relmgr.decisions d on d.decision_id = c.decision_id
 where h.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) and h.wrapped_by <> ''
   and not exists (select from relmgr.concealed k where k.handle_id = h.handle_id)
 order by h.column_id, h.handle_id;

-- name: ListMyEnquiries :many
-- Who asked about a person, by any of their handles, or was told of one; newest first,
-- after the enquiry of the cursor. Nothing of whoever is concealed from them.
select e.enquiry_id, e.at, e.practitioner_id, e.agency_id, e.role, coalesce(e.column_id, '')::text as column_id, e.purpose, e.reason, e.concerning,
       coalesce(e.transaction, '')::text as transaction, e.emergency, coalesce(e.reads, '')::text as reads, coalesce(e.peer, '')::text as peer, e.commitment,
       array(select h.column_id::text from relmgr.disclosures d join relmgr.handles h on h.handle_id = d.handle_id
              where d.enquiry_id = e.enquiry_id and d.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) order by 1)::text[] as told_of
  from relmgr.enquiries e
 where e.enquiry_id in (select q.enquiry_id from relmgr.enquiries q where q.handle_id = any(sqlc.arg(handles)::text[]::uuid[])
                        union select d.enquiry_id from relmgr.disclosures d where d.handle_id = any(sqlc.arg(handles)::text[]::uuid[]))
   and not exists (select from relmgr.concealed k where k.handle_id = e.handle_id)
   and (e.column_id is null or not e.column_id = any(sqlc.arg(unseen)::text[]))
   and (sqlc.arg(from_start)::boolean or (e.at, e.enquiry_id) < (select c.at, c.enquiry_id from relmgr.enquiries c where c.enquiry_id = sqlc.arg(after_enquiry)::uuid))
 order by e.at desc, e.enquiry_id desc
 limit @page_size;

-- name: ListMyActs :many
-- The acts on a person's handles that they may know of, newest first.
select a.act_id, a.kind, a.at, a.practitioner_id, a.agency_id, a.role, coalesce(a.mode, '')::text as mode, coalesce(a.reason, '')::text as reason,
       coalesce(a.agreement, '')::text as agreement, coalesce(a.ground, '')::text as ground, coalesce(a.evidence, '')::text as evidence, a.commitment,
       array(select h.column_id::text from relmgr.act_handles ah join relmgr.handles h on h.handle_id = ah.handle_id
              where ah.act_id = a.act_id and ah.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) order by 1)::text[] as columns,
       array(select u.undoes::text from relmgr.undoings u where u.act_id = a.act_id order by 1)::text[] as undoes
  from relmgr.acts a
 where a.act_id in (select ah.act_id from relmgr.act_handles ah where ah.handle_id = any(sqlc.arg(handles)::text[]::uuid[]))
   and not relmgr.act_is_concealed(a.act_id, sqlc.arg(at)::timestamptz)
   and not exists (select from relmgr.act_handles ah join relmgr.handles h on h.handle_id = ah.handle_id
                    where ah.act_id = a.act_id and h.column_id = any(sqlc.arg(unseen)::text[]))
   and (sqlc.arg(from_start)::boolean or (a.at, a.act_id) < (select c.at, c.act_id from relmgr.acts c where c.act_id = sqlc.arg(after_act)::uuid))
 order by a.at desc, a.act_id desc
 limit @page_size;

-- name: ListMyDecisions :many
-- What was decided about a person, refusals too, in the order of random ids.
select d.decision_id, d.act_id, a.at, d.practitioner_id, d.agency_id, h.column_id, d.outcome, coalesce(d.stopped_at, 0)::int as stopped_at, d.steps,
       d.agreement, d.power, d.ground, d.purposes, d.aspects, d.audience_kind, d.audience, d.until, d.review_at, d.terms_version, d.profile
  from relmgr.decisions d
  join relmgr.acts a on a.act_id = d.act_id
  join relmgr.handles h on h.handle_id = d.handle_id
 where d.handle_id = any(sqlc.arg(handles)::text[]::uuid[])
   and not relmgr.act_is_concealed(d.act_id, sqlc.arg(at)::timestamptz)
   and not exists (select from relmgr.pairings p join relmgr.pairings_used u on u.pairing_id = p.pairing_id
                    where p.decision_id = d.decision_id and relmgr.act_is_concealed(u.act_id, sqlc.arg(at)::timestamptz))
   and not exists (select from relmgr.act_handles ah join relmgr.handles f on f.handle_id = ah.handle_id
                    where ah.act_id = a.act_id and f.column_id = any(sqlc.arg(unseen)::text[]))
   and (sqlc.arg(from_start)::boolean or d.decision_id > sqlc.arg(after_decision)::uuid)
 order by d.decision_id
 limit @page_size;

-- name: FindMyAct :one
-- An act about one of a person's handles that they may know of.
select a.act_id, a.kind, coalesce(a.mode, '')::text as mode, a.agency_id, ah.handle_id
  from relmgr.acts a join relmgr.act_handles ah on ah.act_id = a.act_id
 where a.act_id = @act_id and ah.handle_id = any(sqlc.arg(handles)::text[]::uuid[]) and not relmgr.act_is_concealed(a.act_id, sqlc.arg(at)::timestamptz)
 order by ah.handle_id
 limit 1;

-- name: FindMyObjection :one
select o.act_id, a.commitment from relmgr.objections o join relmgr.acts a on a.act_id = o.act_id
 where o.objects_to = @objects_to and a.practitioner_id = @practitioner_id
   and not exists (select from relmgr.rulings v where v.objection_id = o.act_id)
 limit 1;

-- name: FindMyConfirmation :one
select f.act_id, a.commitment from relmgr.confirmations f join relmgr.acts a on a.act_id = f.act_id
 where f.confirms = @confirms
 limit 1;

-- name: RecordComplaint :exec
insert into relmgr.complaints (complaint_id, act_id, agency_id, handle_id, about, topic, at, acknowledge_by)
values (@complaint_id, @act_id, @agency_id, @handle_id, nullif(sqlc.arg(about)::uuid, '00000000-0000-0000-0000-000000000000'), @topic, @at, @acknowledge_by);

-- name: ListMyComplaints :many
select c.complaint_id, c.agency_id, h.column_id, c.topic, c.about, c.at, c.acknowledge_by, k.at as acknowledged_at, r.at as answered_at, coalesce(r.outcome, '')::text as outcome,
       coalesce(r.reason, '')::text as reason
  from relmgr.complaints c
  join relmgr.handles h on h.handle_id = c.handle_id
  left join relmgr.complaint_steps k on k.complaint_id = c.complaint_id and k.step = 'acknowledged'
  left join relmgr.complaint_steps r on r.complaint_id = c.complaint_id and r.step = 'answered'
 where c.handle_id = any(sqlc.arg(handles)::text[]::uuid[])
 order by c.at, c.complaint_id;

-- name: ListComplaints :many
-- Those that nobody has answered, oldest first.
select c.complaint_id, c.agency_id, c.topic, c.at, c.acknowledge_by, k.at as acknowledged_at
  from relmgr.complaints c
  left join relmgr.complaint_steps k on k.complaint_id = c.complaint_id and k.step = 'acknowledged'
 where not exists (select from relmgr.complaint_steps r where r.complaint_id = c.complaint_id and r.step = 'answered')
   and (sqlc.arg(from_start)::boolean or (c.at, c.complaint_id) > (select f.at, f.complaint_id from relmgr.complaints f where f.complaint_id = sqlc.arg(after_complaint)::uuid))
 order by c.at, c.complaint_id
 limit @page_size;

-- name: FindComplaint :one
select c.complaint_id, c.handle_id, c.agency_id from relmgr.complaints c where c.complaint_id = @complaint_id;

-- name: RecordComplaintStep :exec
-- Succeeds once for each step: the second breaks the primary key.
insert into relmgr.complaint_steps (complaint_id, step, act_id, at, outcome, reason)
values (@complaint_id, @step, @act_id, @at, nullif(sqlc.arg(outcome)::text, ''), @reason);

-- name: FindOverdueComplaint :one
select exists (select from relmgr.complaints c
                where c.acknowledge_by <= sqlc.arg(at)::timestamptz
                  and not exists (select from relmgr.complaint_steps k where k.complaint_id = c.complaint_id))::boolean as overdue;
