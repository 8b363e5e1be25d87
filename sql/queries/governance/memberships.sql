-- A membership begins. One that ended at this very instant goes on.
-- name: AddMembership :exec
insert into governance.memberships (practitioner_id, provider_id, starts_at, ends_at, act_id)
values (@practitioner_id, @provider_id, @starts_at, @ends_at, @act_id)
on conflict (practitioner_id, provider_id, starts_at) do update set ends_at = excluded.ends_at, act_id = excluded.act_id;

-- A membership that has not ended ends: now, or later for one that a sign-in
-- renews.
-- name: EndMembership :exec
update governance.memberships
   set ends_at = sqlc.narg(ends_at)::timestamptz, act_id = @act_id
 where practitioner_id = @practitioner_id
   and provider_id = @provider_id
   and (ends_at is null or ends_at > sqlc.arg(at)::timestamptz);
