-- A role begins. One that ended at this very instant goes on.
-- name: AddRole :exec
insert into governance.roles_held (practitioner_id, role, starts_at, ends_at, act_id)
values (@practitioner_id, @role, @starts_at, @ends_at, @act_id)
on conflict (practitioner_id, role, starts_at) do update set ends_at = excluded.ends_at, act_id = excluded.act_id;

-- A role that has not ended ends: now, or later for one that a sign-in renews.
-- name: EndRole :exec
update governance.roles_held
   set ends_at = sqlc.narg(ends_at)::timestamptz, act_id = @act_id
 where practitioner_id = @practitioner_id
   and role = @role
   and (ends_at is null or ends_at > sqlc.arg(at)::timestamptz);
