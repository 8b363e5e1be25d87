-- name: HoldStill :many
-- Locks handles so that nobody may even refer to them, and waits for nobody:
-- who refers to one may be waiting for another that this writer holds.
select handle_id, column_id, token, token_b from relmgr.handles
 where handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[])
 order by handle_id
   for update nowait;

-- name: ListMovable :many
-- The newest publication of each handle, in the index or suspended, with a
-- contact that it offers; once for each.
select p.handle_id, o.contact
  from (select distinct on (ah.handle_id) ah.handle_id, a.act_id
          from relmgr.act_handles ah join relmgr.acts a on a.act_id = ah.act_id and a.kind = 'publish'
         where ah.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[])
         order by ah.handle_id, a.at desc, a.act_id desc) p
  join relmgr.offers o on o.act_id = p.act_id
 order by p.handle_id, o.contact;

-- name: ListUsed :many
-- Which handles have a history of their own: an act, or something of the
-- person's that names them.
select h.handle_id from relmgr.handles h
 where h.handle_id = any(sqlc.arg(handle_ids)::text[]::uuid[])
   and (exists (select from relmgr.act_handles ah where ah.handle_id = h.handle_id)
        or exists (select from consent.published_consents c where c.handle_id = h.handle_id)
        or exists (select from consent.published_refusals r where r.handle_id = h.handle_id)
        or exists (select from consent.published_exclusions x where x.handle_id = h.handle_id)
        or exists (select from consent.published_erased x where x.handle_id = h.handle_id)
        or exists (select from consent.published_blocks b where b.handle_id = h.handle_id))
 order by h.handle_id;

-- name: MoveHandle :exec
-- Gives a handle another place: a column and what the person is called there.
update relmgr.handles
   set column_id = @column_id, token = @token, token_b = @token_b, token_epoch = @token_epoch, sealed = @sealed, wrapped_key = @wrapped_key, wrapped_by = @wrapped_by
 where handle_id = @handle_id;

-- name: MoveCell :exec
update relmgr.cells set column_id = @column_id where handle_id = @handle_id;

-- name: RecordMove :exec
insert into relmgr.moves (act_id, handle_id, from_column, to_column, swapped)
values (@act_id, @handle_id, @from_column, @to_column, @swapped);
