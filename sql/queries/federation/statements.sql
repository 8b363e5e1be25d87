-- name: FindStatement :one
select statement from federation.statements where issuer = sqlc.arg(issuer) and subject = sqlc.arg(subject) and expires_at > sqlc.arg(now)::timestamptz;

-- name: KeepStatement :exec
insert into federation.statements (issuer, subject, statement, expires_at)
values (sqlc.arg(issuer), sqlc.arg(subject), sqlc.arg(statement), sqlc.arg(expires_at))
on conflict (issuer, subject) do update set statement = excluded.statement, expires_at = excluded.expires_at;

-- What is withdrawn there is forgotten here.
-- name: ForgetStatement :exec
delete from federation.statements where issuer = sqlc.arg(issuer) and subject = sqlc.arg(subject);

-- name: KeepHubKey :exec
insert into federation.hub_keys (key_id, use, jwk, at) values (sqlc.arg(key_id), sqlc.arg(use), sqlc.arg(jwk), sqlc.arg(at)) on conflict (key_id) do nothing;

-- name: FindHubKey :one
select jwk from federation.hub_keys where key_id = sqlc.arg(key_id);

-- name: ListHubKeys :many
-- What the hub signs with, in the order of its keys.
select key_id, jwk, at from federation.hub_keys where key_id >= 'sign/federation/' and key_id < 'sign/federation0' order by at, key_id;
