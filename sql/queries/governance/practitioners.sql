-- Who is or was registered, with the roles and the memberships that have not
-- ended at an instant, and the kind of the act that last changed each. Whoever
-- an end-practitioner act ended stays ended until a person registers them anew.
-- Each condition that is null is none.
-- name: ListUsers :many
select p.practitioner_id, p.agency_id, p.issuer, p.subject_hash, p.source, p.starts_at, p.ends_at, a.kind as last_act,
       array(select r.role::text from governance.roles_held r
              where r.practitioner_id = p.practitioner_id and (r.ends_at is null or r.ends_at > sqlc.arg(at)::timestamptz)
              order by r.role)::text[] as roles,
       array(select m.provider_id::text from governance.memberships m
              where m.practitioner_id = p.practitioner_id and (m.ends_at is null or m.ends_at > sqlc.arg(at)::timestamptz)
              order by m.provider_id)::text[] as providers
  from governance.practitioners p
  join governance.acts a on a.act_id = p.act_id
 where (sqlc.narg(practitioner)::text is null or p.practitioner_id = sqlc.narg(practitioner)::text)
   and (sqlc.narg(agency)::text is null or p.agency_id = sqlc.narg(agency)::text)
   and (sqlc.narg(issuer)::text is null or p.issuer = sqlc.narg(issuer)::text)
   and (sqlc.narg(subject_hash)::bytea is null or p.subject_hash = sqlc.narg(subject_hash)::bytea)
 order by p.practitioner_id;

-- name: AddPractitioner :exec
insert into governance.practitioners (practitioner_id, agency_id, issuer, subject_hash, source, starts_at, ends_at, act_id)
values (@practitioner_id, @agency_id, @issuer, @subject_hash, @source, @starts_at, @ends_at, @act_id);

-- Someone registered is registered otherwise. Where they came from stays.
-- name: ChangePractitioner :exec
update governance.practitioners
   set agency_id = @agency_id, issuer = @issuer, subject_hash = @subject_hash,
       starts_at = @starts_at, ends_at = @ends_at, act_id = @act_id
 where practitioner_id = @practitioner_id;

-- From that instant on no duty accepts them. An end that came before stays.
-- name: EndPractitioner :exec
update governance.practitioners
   set ends_at = least(ends_at, sqlc.arg(at)::timestamptz), act_id = @act_id
 where practitioner_id = @practitioner_id;

-- A sign-in goes over to another registration of the same person. The hash that
-- stays behind can be found again by whoever knows the subject, and matches no
-- token. What last ended the row still says so.
-- name: ReleaseSignIn :exec
update governance.practitioners
   set subject_hash = @subject_hash
 where practitioner_id = @practitioner_id;
