-- name: FindOwnEnquiry :one
-- An enquiry of one practitioner that was answered, with what finds its row.
select e.enquiry_id, e.column_id, h.token, h.token_b, e.handle_id, e.purpose, e.reason, e.concerning, coalesce(e.transaction, '')::text as transaction
  from relmgr.enquiries e join relmgr.handles h on h.handle_id = e.handle_id
 where e.enquiry_id = @enquiry_id and e.practitioner_id = @practitioner_id and e.agency_id = @agency_id
   and e.reads is null and e.at > sqlc.arg(since)::timestamptz and h.wrapped_by <> '';

-- name: FindContactRequest :one
-- The request that followed an enquiry, as its maker was told of it.
select r.reference_id, a.commitment
  from relmgr.contact_requests c
  join relmgr.acts a on a.act_id = c.act_id
  join relmgr.act_references r on r.act_id = a.act_id and r.agency_id = a.agency_id
 where c.enquiry_id = @enquiry_id;

-- name: RecordContactRequest :exec
-- The request and its deliveries, in one statement whether there are many or
-- none.
with request as (
  insert into relmgr.contact_requests (act_id, enquiry_id, contact, agreements)
  values (@act_id, @enquiry_id, @contact, sqlc.arg(agreements)::text[])
  returning act_id
)
insert into relmgr.deliveries (delivery_id, act_id, handle_id, column_id, agency_id, deliver_at, due_at)
select d.delivery_id, request.act_id, d.handle_id, d.column_id, d.agency_id, d.deliver_at, d.due_at
  from request,
       (select unnest(sqlc.arg(delivery_ids)::text[])::uuid as delivery_id,
               unnest(sqlc.arg(handle_ids)::text[])::uuid as handle_id,
               unnest(sqlc.arg(column_ids)::text[]) as column_id,
               unnest(sqlc.arg(agency_ids)::text[]) as agency_id,
               unnest(sqlc.arg(deliver_ats)::text[])::timestamptz as deliver_at,
               unnest(sqlc.arg(due_ats)::text[])::timestamptz as due_at) d;

-- name: ListDeliveries :many
-- What has reached a column by now, newest first, after the delivery of the
-- cursor; overdue ones only where asked. A request whose two ends are no longer
-- on one row, or one of whose agencies the person has left out since, is not
-- there. What was delivered for a handle follows it to the column that it moved to.
select d.delivery_id, d.handle_id, h.sealed, h.wrapped_key, h.wrapped_by, e.column_id as asker, c.contact, e.purpose,
       e.concerning, coalesce(e.transaction, '')::text as transaction, d.deliver_at, d.due_at,
       (p.delivery_id is not null)::boolean as replied
  from relmgr.deliveries d
  join relmgr.contact_requests c on c.act_id = d.act_id
  join relmgr.enquiries e on e.enquiry_id = c.enquiry_id
  join relmgr.handles h on h.handle_id = d.handle_id
  join relmgr.handles a on a.handle_id = e.handle_id and a.row_id = h.row_id
  left join relmgr.replies p on p.delivery_id = d.delivery_id
 where d.column_id = any(array(select @column_id::text union
                               select l.from_column::text from relmgr.moves v join relmgr.moves l on l.handle_id = v.handle_id
                                where v.to_column = @column_id))
   and h.column_id = @column_id and h.wrapped_by <> '' and d.deliver_at <= sqlc.arg(at)::timestamptz
   and not exists (select from relmgr.handles m
                     join consent.published_exclusions x on x.handle_id = m.handle_id
                    where m.row_id = h.row_id and x.ended_at is null and x.excluded in (d.agency_id, e.agency_id))
   and not exists (select from relmgr.disputes x where x.handle_id in (d.handle_id, e.handle_id))
   and not exists (select from relmgr.keep_aparts k
                     join relmgr.handles ka on ka.handle_id = k.handle_a and ka.row_id = h.row_id
                     join relmgr.handles kb on kb.handle_id = k.handle_b and kb.row_id = h.row_id)
   and (not sqlc.arg(overdue)::boolean or d.due_at <= sqlc.arg(at)::timestamptz and p.delivery_id is null)
   and (sqlc.arg(from_start)::boolean
        or (d.deliver_at, d.delivery_id) < (select f.deliver_at, f.delivery_id from relmgr.deliveries f
                                             where f.delivery_id = sqlc.arg(after_delivery)::uuid
                                               and exists (select from relmgr.handles fh where fh.handle_id = f.handle_id and fh.column_id = @column_id)))
 order by d.deliver_at desc, d.delivery_id desc
 limit @page_size;

-- name: FindDelivery :one
-- One of those that ListDeliveries lists.
select d.delivery_id, d.act_id, d.handle_id, h.column_id, e.column_id as asker, e.purpose, e.concerning, c.agreements, d.due_at,
       exists (select from relmgr.replies p where p.delivery_id = d.delivery_id) as replied
  from relmgr.deliveries d
  join relmgr.contact_requests c on c.act_id = d.act_id
  join relmgr.enquiries e on e.enquiry_id = c.enquiry_id
  join relmgr.handles h on h.handle_id = d.handle_id
  join relmgr.handles a on a.handle_id = e.handle_id and a.row_id = h.row_id
 where d.delivery_id = @delivery_id and d.deliver_at <= sqlc.arg(at)::timestamptz and h.wrapped_by <> ''
   and not exists (select from relmgr.handles m
                     join consent.published_exclusions x on x.handle_id = m.handle_id
                    where m.row_id = h.row_id and x.ended_at is null and x.excluded in (d.agency_id, e.agency_id))
   and not exists (select from relmgr.disputes x where x.handle_id in (d.handle_id, e.handle_id))
   and not exists (select from relmgr.keep_aparts k
                     join relmgr.handles ka on ka.handle_id = k.handle_a and ka.row_id = h.row_id
                     join relmgr.handles kb on kb.handle_id = k.handle_b and kb.row_id = h.row_id);

-- name: RecordReply :exec
-- Succeeds once: the second reply breaks the primary key.
insert into relmgr.replies (delivery_id, act_id, reply, reason, detriment, contact, decision_id)
values (@delivery_id, @act_id, @reply, @reason, @detriment, nullif(sqlc.arg(contact)::text, ''), @decision_id);

-- name: ListReplies :many
-- The replies to a request that tell the asker something, with the decision
-- that each rests on.
select p.act_id, p.reply, coalesce(p.contact, '')::text as contact, d.handle_id, h.column_id,
       s.agreement, s.power, s.ground, s.purposes, s.audience_kind, s.audience, s.until, s.mode, s.aspects,
       coalesce(s.ordinary, '')::text as ordinary, coalesce(s.sensitive, '')::text as sensitive, s.review_at,
       coalesce(s.risk, '')::text as risk,
       not exists (
         select from relmgr.decision_consents dc
           left join consent.published_consents pc on pc.consent_id = dc.consent_id
          where dc.decision_id = s.decision_id
            and (pc.consent_id is null or pc.withdrawn_at is not null
                 or sqlc.arg(at)::timestamptz < pc.starts_at or sqlc.arg(at)::timestamptz >= pc.ends_at)
       ) as consented
  from relmgr.contact_requests c
  join relmgr.deliveries d on d.act_id = c.act_id
  join relmgr.handles h on h.handle_id = d.handle_id
  join relmgr.replies p on p.delivery_id = d.delivery_id
  join relmgr.decisions s on s.decision_id = p.decision_id
 where c.enquiry_id = @enquiry_id
 order by p.act_id;
