-- The hubs that take this registrar's word.
-- name: ListAdmitting :many
select hub, known_as, jwks, minutes from federation.admitting where registrar = sqlc.arg(registrar)::text order by hub;

-- name: FindAdmitting :one
select hub, known_as, jwks, minutes, keys::text as keys, document::text as document from federation.admitting where registrar = sqlc.arg(registrar)::text and hub = sqlc.arg(hub)::text;
