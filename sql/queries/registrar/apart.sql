-- name: InsertSetApart :exec
insert into registrar.set_apart (act_id, register_id, sealed, wrapped)
values (sqlc.arg(act_id), sqlc.arg(register_id), sqlc.arg(sealed), sqlc.arg(wrapped));

-- A record of this register, which nobody else decides on until the transaction ends.
-- name: LockSetApart :one
select p.act_id, p.sealed, p.wrapped, a.practitioner_id as proposed_by, coalesce(c.practitioner_id, '')::text as confirmed_by
  from registrar.set_apart p
  join registrar.acts a on a.act_id = p.act_id
  left join registrar.apart_confirmed f on f.set_apart_id = p.act_id
  left join registrar.acts c on c.act_id = f.act_id
 where p.act_id = sqlc.arg(act_id) and p.register_id = sqlc.arg(register_id)
   for update of p;

-- name: ConfirmApart :exec
insert into registrar.apart_confirmed (set_apart_id, act_id) values (sqlc.arg(set_apart_id), sqlc.arg(act_id));

-- name: PutApart :exec
insert into registrar.apart (pair, act_id) select unnest(sqlc.arg(pairs)::bytea[]), sqlc.arg(act_id)::uuid
on conflict do nothing;

-- name: OpenApart :exec
insert into registrar.apart_opened (act_id, set_apart_id) values (sqlc.arg(act_id), sqlc.arg(set_apart_id));

-- Whether somebody else asked to open a record since then.
-- name: AskedToOpen :one
select exists (
  select from registrar.apart_opened o
    join registrar.acts a on a.act_id = o.act_id
   where o.set_apart_id = sqlc.arg(set_apart_id) and a.practitioner_id <> sqlc.arg(practitioner)::text and a.at > sqlc.arg(since));

-- name: IsSubject :one
select exists (select from registrar.subjects where subject_id = sqlc.arg(subject_id));

-- Those who may be the same person as each of these; nobody where nothing is apart.
-- name: ListKin :many
select s.id::uuid as subject_id, registrar.kin(s.id)::uuid[] as kin
  from (select unnest(sqlc.arg(subjects)::uuid[]) as id) s
 where exists (select from registrar.apart);

-- name: AreApart :one
select exists (select from registrar.apart where pair = any(sqlc.arg(pairs)::bytea[]));

-- name: HasRested :one
select exists (select from registrar.checks where against = sqlc.arg(against) and rested_on = sqlc.arg(rested_on))::bool as has;

-- Of whom an item was confirmed by the same entry of a register of somebody else's.
-- name: RestingOn :many
select distinct i.subject_id
  from registrar.checks c
  join registrar.items i on i.item_id = c.item_id
 where c.against = sqlc.arg(against)::text and c.rested_on = sqlc.arg(rested_on) and i.subject_id <> sqlc.arg(subject_id)
   and exists (select from registrar.apart)
 limit 100;
