-- What a hub states of the registrars of this one, all of it: what it states no more is gone.
-- name: KeepAdmitted :exec
with stated as (
  select unnest(sqlc.arg(registrars)::text[]) as registrar, unnest(sqlc.arg(known_as)::text[]) as known_as
), gone as (
  delete from federation.admitted_elsewhere where hub = sqlc.arg(hub)::text and not (registrar = any (sqlc.arg(registrars)::text[]))
)
insert into federation.admitted_elsewhere (hub, registrar, known_as, jwks, minutes)
select sqlc.arg(hub)::text, s.registrar, s.known_as, sqlc.arg(jwks)::text, sqlc.arg(minutes)::integer from stated s
on conflict (hub, registrar) do update set known_as = excluded.known_as, jwks = excluded.jwks, minutes = excluded.minutes
 where (admitted_elsewhere.known_as, admitted_elsewhere.jwks, admitted_elsewhere.minutes) is distinct from (excluded.known_as, excluded.jwks, excluded.minutes);
