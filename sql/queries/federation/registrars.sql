-- An entry of the register of registrars as it stands.
-- name: FindRegistrar :one
select registrar, ordinal, state, since, terms, admitted, quality from federation.registrars_in_force where registrar = sqlc.arg(registrar);

-- name: ListRegistrars :many
select registrar, ordinal, state, since, terms, admitted, quality from federation.registrars_in_force order by registrar;

-- name: AppendRegistrar :exec
insert into federation.registrars (act_id, registrar, ordinal, step, terms, quality)
values (sqlc.arg(act_id), sqlc.arg(registrar), sqlc.arg(ordinal), sqlc.arg(step), sqlc.narg(terms), sqlc.narg(quality));
