-- name: ListRecent :many
-- What one practitioner has asked from a column, newest first, after the enquiry of the
-- cursor, which is one of theirs. There is no identifier where it is erased, or has left
-- the column.
select e.enquiry_id, e.at, e.purpose, e.reason, e.concerning, coalesce(e.transaction, '')::text as transaction,
       e.emergency, coalesce(e.stopped_at, 0)::int as stopped_at,
       h.handle_id, coalesce(h.sealed, ''::bytea)::bytea as sealed,
       coalesce(h.wrapped_key, ''::bytea)::bytea as wrapped_key, coalesce(h.wrapped_by, '')::text as wrapped_by
  from relmgr.enquiries e
  left join relmgr.handles h on h.handle_id = e.handle_id and h.column_id = e.column_id and h.wrapped_by <> ''
 where e.practitioner_id = @practitioner_id and e.agency_id = @agency_id and e.column_id = @column_id and e.reads is null and e.peer is null
   and (sqlc.arg(from_start)::boolean
        or (e.at, e.enquiry_id) < (select f.at, f.enquiry_id from relmgr.enquiries f
                                    where f.enquiry_id = sqlc.arg(after_enquiry)::uuid and f.practitioner_id = @practitioner_id and f.agency_id = @agency_id
                                      and f.reads is null and f.peer is null))
 order by e.at desc, e.enquiry_id desc
 limit @page_size;

-- name: ListCases :many
-- What waits for somebody in a column of one agency, oldest first: identifiers that
-- are disputed, and joint acts that nobody has confirmed. An act that was undone waits for
-- nobody (one whose undoing was undone may), and neither does one whose handle is erased.
select c.what, c.act_id, r.reference_id, c.at, c.handle_id, c.sealed, c.wrapped_key, c.wrapped_by
  from (
    select 'disputed'::text as what, d.act_id, a.at, h.handle_id, h.sealed, h.wrapped_key, h.wrapped_by
      from relmgr.disputes d
      join relmgr.acts a on a.act_id = d.act_id
      join relmgr.handles h on h.handle_id = d.handle_id
     where h.column_id = @column_id and h.wrapped_by <> ''
    union all
    select case when a.kind = 'publish' then 'published' when a.agency_id = sqlc.arg(agency_id)::text then 'proposed' else 'to-confirm' end, a.act_id, a.at, h.handle_id, h.sealed, h.wrapped_key, h.wrapped_by
      from relmgr.acts a
      join relmgr.act_handles x on x.act_id = a.act_id
      join relmgr.handles h on h.handle_id = x.handle_id
     where a.mode = 'joint' and a.kind in ('correlate', 'publish') and a.at > sqlc.arg(since)::timestamptz
       and h.column_id = @column_id and h.wrapped_by <> ''
       and not exists (select from relmgr.confirmations k where k.confirms = a.act_id)
       and not exists (select from relmgr.undoings u where u.undoes = a.act_id
                         and not exists (select from relmgr.undoings v where v.undoes = u.act_id))
  ) c
  join relmgr.act_references r on r.act_id = c.act_id and r.agency_id = sqlc.arg(agency_id)::text
 order by c.at, r.reference_id
 limit @page_size;

-- name: ListDuplicates :many
-- Handles of a column that share a row with another of it, row by row, after one of them;
-- who is erased is nobody's duplicate.
select d.row_id, d.handle_id, h.token, h.token_b, h.sealed, h.wrapped_key, h.wrapped_by
  from relmgr.duplicates d
  join relmgr.handles h on h.handle_id = d.handle_id
 where d.column_id = @column_id and h.wrapped_by <> ''
   and (sqlc.arg(from_start)::boolean or (d.row_id, d.handle_id) > (sqlc.arg(after_row)::uuid, sqlc.arg(after_handle)::uuid))
 order by d.row_id, d.handle_id
 limit @page_size;

-- name: ListJoins :many
-- Acts as one agency is shown them: its reference, when, and whether it is its own.
select a.act_id, r.reference_id, a.at, a.agency_id
  from relmgr.acts a
  join relmgr.act_references r on r.act_id = a.act_id and r.agency_id = @agency_id
 where a.act_id = any(sqlc.arg(act_ids)::text[]::uuid[]);
