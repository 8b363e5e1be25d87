-- name: InsertCheck :exec
insert into registrar.checks (check_id, act_id, item_id, against, outcome, rested_on)
values (sqlc.arg(check_id), sqlc.arg(act_id), sqlc.arg(item_id), sqlc.arg(against), sqlc.arg(outcome), sqlc.narg(rested_on));

-- The checks of the items that an entry has now.
-- name: ListChecks :many
select c.check_id, c.item_id, c.against, c.outcome, a.at, (f.check_id is not null)::bool as wrong
  from registrar.checks c
  join registrar.items i on i.item_id = c.item_id
  join registrar.acts a on a.act_id = c.act_id
  left join registrar.failed_checks f on f.check_id = c.check_id
 where i.subject_id = any(sqlc.arg(subjects)::uuid[])
 order by a.at, c.check_id;

-- A check of that register, with what else rested on the same entry.
-- name: ListSameChecks :many
select o.check_id, i.subject_id
  from registrar.checks c
  join registrar.items ci on ci.item_id = c.item_id
  join registrar.subjects cs on cs.subject_id = ci.subject_id
  join registrar.checks o on o.check_id = c.check_id or (o.against = c.against and o.rested_on = c.rested_on)
  join registrar.items i on i.item_id = o.item_id
  join registrar.subjects s on s.subject_id = i.subject_id and s.register_id = cs.register_id
 where c.check_id = sqlc.arg(check_id) and cs.register_id = sqlc.arg(register_id)
 order by o.check_id;

-- No row is inserted for a check that is known to be wrong.
-- name: FailCheck :execrows
insert into registrar.failed_checks (check_id, act_id) values (sqlc.arg(check_id), sqlc.arg(act_id)) on conflict do nothing;

-- Whether something that an entry has now was confirmed by what turned out to be wrong,
-- and by nothing else since.
-- name: IsFlagged :one
select exists (
  select from registrar.items i
    join registrar.checks c on c.item_id = i.item_id
    join registrar.failed_checks f on f.check_id = c.check_id
   where i.subject_id = sqlc.arg(subject_id)
     and not exists (select from registrar.superseded u where u.item_id = i.item_id)
     and not exists (select from registrar.checks o where o.item_id = i.item_id and o.outcome = 'confirmed'
                        and not exists (select from registrar.failed_checks g where g.check_id = o.check_id)));
