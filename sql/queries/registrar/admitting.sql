-- The hubs that take this registrar's word.
-- name: ListAdmitting :many
select hub, known_as, jwks, minutes from federation.admitting where registrar = sqlc.arg(registrar)::text order by hub;
