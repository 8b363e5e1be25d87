-- name: InsertCover :exec
insert into registrar.covers (act_id, register_id, stand_in, ends_at)
values (sqlc.arg(act_id), sqlc.arg(register_id), sqlc.arg(stand_in), sqlc.arg(ends_at));

-- The registers that a registrar stands in for now.
-- name: ListCovered :many
select distinct c.register_id from registrar.covers c where c.stand_in = sqlc.arg(stand_in) and c.ends_at > sqlc.arg(at);
