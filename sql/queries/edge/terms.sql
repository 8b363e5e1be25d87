-- name: NewestTerms :one
-- The newest version of the terms, 0 for a hub that has none.
select coalesce(max(version), 0)::bigint as version from governance.published_terms;

-- name: FindTerms :one
-- The terms at one version.
select document from governance.published_terms where version = sqlc.arg(version);
