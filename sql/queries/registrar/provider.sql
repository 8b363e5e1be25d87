-- name: KeepSignIn :exec
insert into registrar.sign_ins (sign_in, sealed, wrapped_key, ends_at)
values (sqlc.arg(sign_in), sqlc.arg(sealed), sqlc.arg(wrapped_key), sqlc.arg(ends_at))
on conflict (sign_in) do update set sealed = excluded.sealed, wrapped_key = excluded.wrapped_key;

-- name: FindSignIn :one
select sealed, wrapped_key from registrar.sign_ins where sign_in = sqlc.arg(sign_in) and ends_at > sqlc.arg(now);

-- No row where somebody was first: a request has one answer.
-- name: EndSignIn :execrows
delete from registrar.sign_ins where sign_in = sqlc.arg(sign_in);

-- name: InsertGrant :exec
insert into registrar.grants (grant_id, code, account_id, authenticators, sealed, wrapped_key, ends_at)
values (sqlc.arg(grant_id), sqlc.arg(code), sqlc.arg(account_id), sqlc.arg(authenticators)::uuid[], sqlc.arg(sealed), sqlc.arg(wrapped_key), sqlc.arg(ends_at));

-- A grant by its id or its code, whichever is not empty, while all that it rests on is
-- in force.
-- name: FindGrant :one
select g.grant_id, g.account_id, g.sealed, g.wrapped_key, g.redeemed, g.revoked
  from registrar.grants g
 where (g.grant_id = sqlc.arg(grant_id) or g.code = sqlc.arg(code)) and g.ends_at > sqlc.arg(now)
   and not exists (
     select from unnest(g.authenticators) as u (id)
      where not exists (select from registrar.authenticators_in_force f where f.authenticator_id = u.id));

-- Redeems a code: no row where it has been, or has been revoked.
-- name: RedeemGrant :execrows
update registrar.grants set redeemed = true
 where grant_id = sqlc.arg(grant_id) and not redeemed and not revoked;

-- name: RevokeGrant :exec
update registrar.grants set revoked = true where grant_id = sqlc.arg(grant_id);

-- name: InsertAccessToken :exec
insert into registrar.access_tokens (token, grant_id, sealed, wrapped_key, ends_at)
values (sqlc.arg(token), sqlc.arg(grant_id), sqlc.arg(sealed), sqlc.arg(wrapped_key), sqlc.arg(ends_at));

-- name: FindAccessToken :one
select t.sealed, t.wrapped_key
  from registrar.access_tokens t
  join registrar.grants g on g.grant_id = t.grant_id
 where t.token = sqlc.arg(token) and t.ends_at > sqlc.arg(now) and not g.revoked;

-- No row where it has been used.
-- name: UseAssertion :execrows
insert into registrar.assertions_used (assertion, ends_at) values (sqlc.arg(assertion), sqlc.arg(ends_at))
on conflict (assertion) do nothing;

-- name: ForgetGrants :exec
with old_sign_ins as (delete from registrar.sign_ins where ends_at < sqlc.arg(now)::timestamptz),
old_assertions as (delete from registrar.assertions_used where ends_at < sqlc.arg(now)::timestamptz)
delete from registrar.grants where ends_at < sqlc.arg(now)::timestamptz;

-- name: HasEntry :one
select exists (select from registrar.entries where subject_id = sqlc.arg(subject_id) and agency_id = sqlc.arg(agency_id))::boolean as known;

-- Names an entry to an agency. No row where it has been named meanwhile.
-- name: NameEntry :execrows
insert into registrar.entries (entry, subject_id, agency_id, act_id)
values (sqlc.arg(entry), sqlc.arg(subject_id), sqlc.arg(agency_id), sqlc.arg(act_id))
on conflict do nothing;
