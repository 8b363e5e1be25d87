-- name: ListMine :many
-- The handles of somebody who has signed in, as ReadAnchored finds a stranger's: of
-- these columns, without those that they are not told of. There is a line with the
-- newest epoch of anchors (reading) where none is.
select e.epoch::int as reading, h.handle_id, coalesce(h.column_id, '')::text as column_id
  from relmgr.anchor_epochs e
  left join lateral (
    select distinct x.handle_id, x.column_id::text as column_id
      from relmgr.anchors a join relmgr.handles x on x.handle_id = a.handle_id
     where a.value = any(sqlc.arg(anchor_values)::bytea[])
       and exists (select from relmgr.attachments t where t.anchor_id = a.anchor_id and t.live)
       and x.column_id = any(sqlc.arg(columns)::text[])
       and (sqlc.arg(from_start)::boolean or x.handle_id > sqlc.arg(after_handle)::uuid)
       and not exists (select from relmgr.concealed c where c.handle_id = x.handle_id)
     order by 1
     limit @page_size
  ) h on true
 order by 2;
